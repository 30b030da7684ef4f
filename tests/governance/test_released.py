"""What was published stays until a restatement is asked for, and the trail tells both versions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from running import Project

from luigi_tasks.commands.audit import wrong_scores

SCORES = ["loan_id", "prediction_date", "generation", "sample", "prediction_proba"]


def decisions(project: Project) -> list[dict]:
    path = project.path / "datamart" / "governance" / "decisions.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def live(project: Project) -> pd.DataFrame:
    scored = pd.read_parquet(project.path / "datamart/gold/model_predictions.parquet")
    return scored.loc[scored["sample"] == "live", SCORES].set_index("loan_id")


def correct_incomes(project: Project, loans: pd.Index) -> None:
    """The lender delivers another income for the customers of these loans."""
    path = project.path / "data" / "features_financials.csv"
    table = pd.read_csv(path, dtype=str)
    customers = {loan[: -len("_2024_01_01")] for loan in loans}
    chosen = table["Customer_ID"].isin(customers)
    assert chosen.any()
    table.loc[chosen, "Annual_Income"] = "250000"
    table.to_csv(path, index=False)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has scored live months, and then been given other incomes."""
    project = Project.create(tmp_path_factory.mktemp("released") / "project")
    done = project.luigi("Pipeline")
    assert done.returncode == 0, done.stderr[-3000:]
    before = live(project)
    before.to_parquet(project.path / "before.parquet")
    scored = pd.read_parquet(project.path / "datamart/gold/model_predictions.parquet")
    fitted = scored.loc[scored["sample"] == "train", "loan_id"][:40]
    correct_incomes(project, pd.Index(fitted).append(before.index[:5]))
    done = project.luigi("Pipeline")
    assert done.returncode == 0, done.stderr[-3000:]
    return project


def test_a_corrected_income_changes_no_released_model_and_no_published_score(
    published: Project,
) -> None:
    before = pd.read_parquet(published.path / "before.parquet")
    pd.testing.assert_frame_equal(live(published), before)
    assert not [task for task in published.history() if task.startswith("TrainCandidate")][4:]
    kept = pd.read_parquet(published.path / "datamart/gold/kept_scores.parquet")
    assert 1 <= len(kept) <= 5
    assert (kept["rescored_proba"] != kept["prediction_proba"]).all()
    assert {d["action"] for d in decisions(published)} == {"keep"}


def test_status_names_what_is_kept_and_why(published: Project) -> None:
    lines = published.command("status").stdout.splitlines()
    (known,) = [line for line in lines if "TrainingData" in line]
    assert known.startswith("kept")
    assert "released; otherwise stale: input: GoldFeatures() changed" in known
    assert not [line for line in lines if line.startswith("STALE")]
    scores = published.command("audit").stdout
    assert "published scores would be others today" in scores


@pytest.mark.slow
def test_a_restatement_makes_both_again_and_says_how_much_they_differ(
    published: Project, tmp_path: Path
) -> None:
    project = published.copy(tmp_path / "project")
    before, trail = live(project), decisions(project)
    words = ("--generation", "1", "--reason", "incomes were wrong")
    done = project.luigi("RestateGeneration", *words)
    assert done.returncode == 0, done.stderr[-3000:]
    asked, restated, *more = decisions(project)[len(trail) :]
    assert [asked["action"], restated["action"]] == ["restate", "restated"]
    assert asked["reason"] == "incomes were wrong"
    assert {entry["action"] for entry in more} <= {"keep"}
    after = live(project)
    changed = (after["prediction_proba"] - before["prediction_proba"]).abs()
    assert restated["facts"]["changed"] == (changed > 0).sum() > len(before) / 2
    assert restated["facts"]["largest_change"] == pytest.approx(changed.max(), abs=0)
    assert restated["facts"]["model"] != restated["facts"]["model_before"]
    folder = project.path / "datamart/governance/published"
    assert (folder / "2024-08-01.parquet").exists()
    assert (folder / "2024-08-01.1.parquet").exists()
    assert project.luigi("Pipeline").returncode == 0
    assert project.command("audit").returncode == 0
    assert project.built_by("Pipeline") == []


@pytest.mark.slow
def test_who_develops_may_have_all_made_again_at_once_and_the_trail_says_so(
    published: Project, tmp_path: Path
) -> None:
    project = published.copy(tmp_path / "project")
    trail = decisions(project)
    project.edit("params.yaml", "released: keep ", "released: refit")
    assert "BestModel(generation=1)" in project.built_by("Pipeline")
    restated = decisions(project)[len(trail)]
    assert (restated["action"], restated["generation"]) == ("restated", 1)
    assert restated["reason"].endswith("(governance.released: refit)")
    assert project.built_by("Pipeline") == []


def test_a_released_model_that_is_lost_and_cannot_be_made_again_is_not_replaced(
    published: Project, tmp_path: Path
) -> None:
    project = published.copy(tmp_path / "project")
    before = live(project)
    (project.path / "model_store" / "best_model_1.pkl").unlink()
    shutil.rmtree(project.path / "datamart" / "gold" / "training_data")
    done = project.luigi("Pipeline")
    assert done.returncode != 0
    assert "generation 1 is released, and its model cannot be made again" in done.stderr
    pd.testing.assert_frame_equal(live(project), before)


def test_a_published_score_that_was_altered_is_refused(published: Project, tmp_path: Path) -> None:
    project = published.copy(tmp_path / "project")
    part = project.path / "datamart/governance/published/2024-08-01.parquet/part-00000.parquet"
    table = pd.read_parquet(part)
    table.loc[0, "prediction_proba"] += 1e-9
    table.to_parquet(part, index=False)
    project.edit("params.yaml", "threshold: 0.5", "threshold: 0.4")  # they are scored again
    done = project.luigi("Pipeline")
    assert "these are not the scores that were published" in done.stderr
    audit = project.command("audit")
    assert audit.returncode == 1
    assert "2024-08-01.parquet" in audit.stdout


def test_a_flipped_byte_of_published_scores_is_a_fault_unless_they_say_the_same(
    published: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = published.copy(tmp_path / "project")
    monkeypatch.chdir(project.path)
    part = Path("datamart/governance/published/2024-08-01.parquet/part-00000.parquet")
    whole = part.read_bytes()
    said = pd.read_parquet(part)
    assert list(wrong_scores()) == []
    found = 0
    for position in range(0, len(whole), 7):
        part.write_bytes(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :])
        faults = list(wrong_scores())
        found += len(faults)
        if not faults:
            pd.testing.assert_frame_equal(pd.read_parquet(part), said)
        for fault in faults:
            assert fault.startswith(f"{part.parent}: these are not the scores")
    part.write_bytes(whole)
    assert found > 100
