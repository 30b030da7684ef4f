"""Of the past goes what nobody needs any longer, and never what published scores refer to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import day
from running import Project

from luigi_tasks.generations import audit_trail
from luigi_tasks.generations.audit_trail import Entry
from luigi_tasks.governance.retention import kept_generations

DAYS = ("2024-09-01", "2024-10-01", "2024-11-01")
TODAY = day("2025-11-01")


def entry(action: Any, generation: int, **values: Any) -> None:
    audit_trail.append(
        Entry(as_of=TODAY, generation=generation, action=action, reason="why", **values)
    )


def challengers(*generations: int) -> None:
    """Generations that were asked for and rejected."""
    for generation in generations:
        entry("request_retraining", 1, next_generation=generation)
        entry("reject", generation)


def decisions(project: Project) -> list[dict]:
    path = project.path / "datamart" / "governance" / "decisions.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def grown(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with two rejected challengers and three earlier days."""
    project = finished.copy(tmp_path_factory.mktemp("retention") / "project")
    project.edit("params.yaml", "generations: 5 ", "generations: 1 ")
    project.edit("params.yaml", "reports: 10 ", "reports: 2 ")
    for reason in ("scheduled", "scheduled again"):
        assert project.luigi("RequestRetraining", "--reason", reason).returncode == 0
        assert project.luigi("Pipeline").returncode == 0
    for earlier in DAYS:
        assert project.luigi("Calibration", "--as-of", earlier).returncode == 0
    assert [d["action"] for d in decisions(project)].count("reject") == 2
    return project


@pytest.fixture
def project(grown: Project, tmp_path: Path) -> Project:
    return grown.copy(tmp_path / "project")


@pytest.mark.slow
def test_a_dry_run_says_what_would_go_and_changes_nothing(project: Project) -> None:
    before = project.digests()
    done = project.command("prune")
    assert done.returncode == 0, done.stderr
    told = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert set(told) == {
        "model_store/model_metadata_2.json",
        "model_store/best_model_2.pkl",
        "model_store/label_encoders_2.pkl",
        "model_store/candidates/generation_2",
        "datamart/gold/training_data/generation_2",
        "datamart/gold/as_of=2024-09-01",
        "6",  # files and folders, in the last line
    }
    model = project.path / "model_store" / "best_model_2.pkl"
    size = f"{model.stat().st_size:,} bytes"
    assert f"{size}: generation 2 was never champion" in told["model_store/best_model_2.pkl"]
    why = "2024-09-01 is not among the 2 newest earlier days"
    assert why in told["datamart/gold/as_of=2024-09-01"]
    assert done.stdout.splitlines()[-1].endswith("--yes removes them")
    assert project.digests() == before


@pytest.mark.slow
def test_what_was_pruned_is_not_made_again_and_all_else_is_as_it_was(project: Project) -> None:
    before = project.digests()
    done = project.command("prune", "--yes")
    assert done.returncode == 0, done.stderr
    *_, told = decisions(project)
    assert (told["action"], told["as_of"], told["generation"]) == ("prune", str(TODAY), 1)
    assert told["who"]
    paths = told["facts"]["paths"]
    assert "model_store/candidates/generation_2" in paths
    assert not [path for path in paths if (project.path / path).exists()]
    after = project.digests()
    gone = before.keys() - after.keys()
    assert gone
    assert all(any(name == p or name.startswith(f"{p}/") for p in paths) for name in gone)
    changed = {name for name in after if after[name] != before[name]}
    governance = "datamart/governance"
    assert changed == {f"{governance}/decisions.jsonl", f"{governance}/retrain_marker.json"}
    assert project.built_by("Pipeline") == []
    assert project.stale() == {}
    audit, verify = project.command("audit"), project.command("verify")
    assert audit.returncode == 0, audit.stdout
    assert verify.returncode == 0, verify.stdout
    assert project.command("prune", "--yes").stdout == "nothing is to go\n"
    assert decisions(project)[-1] == told


@pytest.mark.slow
def test_an_earlier_day_that_was_pruned_is_built_again_when_somebody_asks(
    project: Project,
) -> None:
    table = "datamart/gold/as_of=2024-09-01/reliability.parquet"
    before = project.digests(table)
    assert before
    assert project.command("prune", "--yes").returncode == 0
    assert not project.digests(table)
    assert project.luigi("Calibration", "--as-of", DAYS[0]).returncode == 0
    assert project.digests(table) == before


@pytest.mark.usefixtures("empty_project")
def test_champions_of_any_day_stay_however_few_generations_are_kept() -> None:
    challengers(2, 3)
    entry("promote", 2)
    challengers(4)
    entry("rollback", 1)
    challengers(5, 6)
    assert kept_generations(1) == {1, 2, 6}


@pytest.mark.usefixtures("empty_project")
def test_what_published_scores_refer_to_stays_also_when_they_were_restated() -> None:
    challengers(2, 3, 4, 5)
    entry("keep", 3, facts={"model": "a", "scores": {"2025-01-01": "b"}})
    entry("restated", 3, facts={"model": "c", "scores": {"2025-01-01": "d"}})
    assert kept_generations(1) == {1, 3, 5}


@pytest.mark.usefixtures("empty_project")
def test_a_challenger_that_awaits_its_judgement_stays_and_so_do_the_newest() -> None:
    challengers(2, 3, 4)
    entry("retrain", 1, next_generation=5)
    assert kept_generations(1) == {1, 5}
    assert kept_generations(3) == {1, 3, 4, 5}
