"""A run as of a day knows nothing from after it, and what was said once stays said."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest
from running import Project

TABLE = "datamart/gold/model_predictions.parquet"
SAID = ["loan_id", "prediction_date", "generation", "prediction", "prediction_proba"]


def predictions(project: Project, day: str | None = None) -> pd.DataFrame:
    folder = project.path / "datamart" / "gold"
    name = "model_predictions.parquet"
    return pd.read_parquet(folder / f"as_of={day}" / name if day else folder / name)


def decisions(project: Project) -> list[dict]:
    path = project.path / "datamart" / "governance" / "decisions.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def marker(project: Project) -> dict:
    return json.loads(
        (project.path / "datamart" / "governance" / "retrain_marker.json").read_text()
    )


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Who defaults changes with the vintage of April 2024; run month after month."""
    path = tmp_path_factory.mktemp("drifted") / "project"
    project = Project.create(path, customers=5000, drift="--drift concept --drift-from 2024-04")
    # Few customers make few loans a month: governance may decide on fewer.
    project.edit("params.yaml", "min_matured: 150", "min_matured: 100")
    project.edit("params.yaml", "min_new_labels: 150", "min_new_labels: 100")
    project.edit("params.yaml", "max_psi: 0.20", "max_psi: 9")
    for day in ("2024-09-01", "2024-10-01", "2024-11-01", "2024-12-01"):
        done = project.luigi("Pipeline", "--as-of", day)
        assert done.returncode == 0, done.stderr[-3000:]
    return project


@pytest.mark.slow
def test_a_breach_raises_one_generation_and_the_next_run_trains_it(drifted: Project) -> None:
    actions = [(d["as_of"], d["generation"], d["action"]) for d in decisions(drifted)]
    assert actions == [
        ("2024-07-01", 1, "keep"),
        ("2024-08-01", 1, "keep"),
        ("2024-09-01", 1, "keep"),
        ("2024-10-01", 1, "keep"),
        ("2024-11-01", 1, "retrain"),
        ("2024-11-01", 2, "promote"),
        ("2024-12-01", 2, "keep"),
    ]
    assert decisions(drifted)[4]["reason"].startswith("AUC 0.")
    assert marker(drifted)["generation"] == 2
    assert marker(drifted)["train_until"] == "2024-11-01"
    metadata = json.loads((drifted.path / "model_store" / "model_metadata_2.json").read_text())
    assert metadata["window"]["train_until"] == "2024-11-01"
    assert metadata["window"]["since"] == "2024-07-01", "it has learnt from the break on alone"
    met = metadata["against_champion"]
    assert met["champion"] == 1
    assert met["loans"]["first_vintage"] > "2023-12-01", "on vintages that it was not fitted on"
    assert met["performing"]["difference_low"] > 0.05


@pytest.mark.slow
def test_live_auc_falls_below_its_limit_where_the_concept_changes(drifted: Project) -> None:
    table = pd.read_parquet(
        drifted.path / "datamart/gold/as_of=2024-10-01/model_monitoring.parquet"
    )
    live = table[(table["sample"] == "live") & (table["n_matured"] > 0)]
    assert (live["performing_auc"] < 0.70).all()
    assert table[table["sample"] == "unseen"]["auc"].mean() > 0.75


@pytest.mark.slow
def test_a_retrain_scores_the_months_after_it_and_rewrites_none_before(drifted: Project) -> None:
    before, after = predictions(drifted, "2024-10-01"), predictions(drifted)
    known = after[after["loan_id"].isin(before["loan_id"])]
    pd.testing.assert_frame_equal(
        known[SAID].reset_index(drop=True), before[SAID].reset_index(drop=True)
    )
    by_generation = after.groupby("generation")["prediction_date"].agg(["min", "max"])
    assert str(by_generation.loc[1, "max"]) == "2024-11-01"
    assert str(by_generation.loc[2, "min"]) == "2024-12-01"
    assert set(after[after["generation"] == 2]["sample"]) == {"live"}


@pytest.mark.slow
def test_an_old_day_asked_again_builds_nothing_and_changes_nothing(drifted: Project) -> None:
    before = drifted.digests()
    for day in ("2024-09-01", "2024-10-01", "2024-11-01", "2024-12-01"):
        assert drifted.built_by("Pipeline", "--as-of", day) == []
    assert drifted.digests() == before


@pytest.mark.slow
def test_an_old_day_never_asked_before_takes_no_decision(drifted: Project, tmp_path: Path) -> None:
    project = drifted.copy(tmp_path / "project")
    trail, newest = decisions(project), project.digests(TABLE)
    assert "Predictions(as_of=2024-08-01, generation=1)" in project.built_by(
        "Pipeline", "--as-of", "2024-08-01"
    )
    assert decisions(project) == trail
    assert project.digests(TABLE) == newest
    assert predictions(project, "2024-08-01")["prediction_date"].max().isoformat() == "2024-08-01"


@pytest.mark.slow
def test_labels_are_null_until_they_have_matured_on_that_day(drifted: Project) -> None:
    table = predictions(drifted, "2024-10-01")
    matured = table.groupby("prediction_date")["actual_label"].apply(lambda x: x.notna().all())
    assert {str(day) for day, known in matured.items() if not known} == {
        "2024-08-01",
        "2024-09-01",
        "2024-10-01",
    }


@pytest.mark.slow
def test_rows_from_after_the_day_change_nothing_that_is_said_on_it(
    drifted: Project, tmp_path: Path
) -> None:
    project = drifted.copy(tmp_path / "project")
    path = project.path / "data" / "lms_loan_daily.csv"
    table = pd.read_csv(path, dtype=str)
    late = pd.to_datetime(table["snapshot_date"], format="%d/%m/%Y") > "2024-10-01"
    assert late.any()
    table.loc[late, ["paid_amt", "overdue_amt", "balance"]] = ["0", "9999", "1"]
    table.to_csv(path, index=False)
    before = predictions(project, "2024-10-01")
    models = project.digests("model_store")
    built = project.built_by("Pipeline", "--as-of", "2024-10-01")
    assert "GoldFeatures()" in built
    assert not [task for task in built if task.startswith("TrainCandidate")]
    pd.testing.assert_frame_equal(predictions(project, "2024-10-01"), before)
    assert {k: v for k, v in project.digests("model_store").items() if k.endswith(".pkl")} == {
        k: v for k, v in models.items() if k.endswith(".pkl")
    }


@pytest.mark.slow
def test_an_outage_of_the_clickstream_shows_from_the_first_month_that_it_hits(
    tmp_path: Path,
) -> None:
    project = Project.create(
        tmp_path / "project", drift="--drift clickstream-outage --drift-from 2024-06"
    )
    assert project.luigi("Monitoring").returncode == 0
    drift = pd.read_parquet(project.path / "datamart/gold/feature_drift.parquet")
    feature = drift[(drift["feature"] == "fe_1_z") & (drift["sample"] == "live")]
    by_month = feature.set_index(feature["month"].astype(str))
    assert by_month.loc[:"2024-08-01", "missing_share"].max() < 0.5
    assert by_month.loc["2024-09-01":, "missing_share"].min() == 1
    assert by_month.loc["2024-09-01":, "csi"].min() > 2 * by_month.loc[:"2024-08-01", "csi"].max()
    table = pd.read_parquet(project.path / "datamart/gold/model_monitoring.parquet")
    hit = table[table["month"].astype(str) >= "2024-09-01"]
    assert (hit["csi_max"] > 2).all()
    assert hit["csi_max_feature"].str.startswith("fe_").all()


# --- what today is ----------------------------------------------------------------------------


def test_a_mistyped_year_is_quarantined_and_does_not_become_today(project: Project) -> None:
    path = project.path / "data" / "lms_loan_daily.csv"
    *_, last = path.read_text().splitlines()
    row, _, _ = last.rpartition(",")
    path.write_text(path.read_text() + f"{row},1/11/2925\n")
    assert project.luigi("Pipeline").returncode == 0
    assert decisions(project)[-1]["as_of"] == "2025-11-01"
    rows = pd.read_parquet(project.path / "datamart/quarantine/silver/lms_loan_daily.parquet")
    assert "snapshot_date lies after 2025-11-30" in set(rows["reason"])


@pytest.mark.slow
def test_a_day_that_the_data_do_not_reach_is_refused_without_a_decision(project: Project) -> None:
    before = project.digests()
    done = project.luigi("Pipeline", "--as-of", "2099-01-01")
    assert done.returncode != 0
    assert "--as-of 2099-01-01 lies more than 31 days after the newest snapshot" in done.stderr
    done = project.luigi("Governance", "--as-of", "2099-01-01", "--generation", "1")
    assert "--as-of 2099-01-01 lies more than 31 days after the newest snapshot" in done.stderr
    assert project.digests() == before
    assert project.luigi("Pipeline", "--as-of", "2025-12-02").returncode == 0


def test_a_decision_on_a_day_that_never_was_settles_nothing(project: Project) -> None:
    path = project.path / "datamart" / "governance" / "decisions.jsonl"
    line = json.loads(path.read_text().splitlines()[0])
    del line["facts"]
    path.write_text(json.dumps({**line, "as_of": "2099-01-01", "evidence": "x"}) + "\n")
    marker_path = path.with_name("retrain_marker.json")
    head = {"entries": 1, "head": hashlib.sha256(path.read_bytes()[:-1]).hexdigest()}
    marker_path.write_text(json.dumps({**json.loads(marker_path.read_text()), **head}))
    assert project.luigi("Pipeline").returncode == 0
    assert [d["as_of"] for d in decisions(project)][:2] == ["2099-01-01", "2024-07-01"]
    assert decisions(project)[-1]["as_of"] == "2025-11-01"
