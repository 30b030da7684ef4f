"""Predictions, reasons and monitoring are in parts, too: what has no news is kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from conftest import LOANS
from running import Project
from test_parts import new_parts, parts, rewrite

GOLD = "datamart/gold"
SCORES, REASONS = f"{GOLD}/model_predictions.parquet", f"{GOLD}/reasons.parquet"
MONITORED = {
    f"{GOLD}/model_monitoring.parquet": ["month", "generation", "sample"],
    f"{GOLD}/feature_drift.parquet": ["month", "generation", "sample", "feature"],
    f"{GOLD}/monitoring_history.parquet": ["known_on", "month"],
    f"{GOLD}/drift_history.parquet": ["known_on", "feature"],
}
SORTED_BY = {SCORES: ["loan_id"], REASONS: ["loan_id"], **MONITORED}
WRITTEN = (SCORES, REASONS, f"{GOLD}/kept_scores.parquet", *MONITORED)
DAYS = ("2024-09-01", "2024-10-01", "2024-11-01", "2024-12-01")


def run(project: Project, day: str) -> None:
    done = project.luigi("Pipeline", "--as-of", day)
    assert done.returncode == 0, done.stderr[-3000:]


def written(project: Project) -> dict[str, str]:
    """The files, but for the provenance: by now it names the scores that the day has published."""
    names = {n: sha for n, sha in project.digests().items() if n.startswith(WRITTEN)}
    return {name: sha for name, sha in names.items() if not name.endswith("_SUCCESS")}


def again_from_nothing(project: Project, day: str) -> dict[str, str]:
    for name in WRITTEN:
        shutil.rmtree(project.path / name)
    run(project, day)
    return written(project)


def rows(project: Project, name: str) -> pd.DataFrame:
    table = pd.read_parquet(project.path / name)
    return table.sort_values(SORTED_BY[name], ignore_index=True)


@pytest.mark.slow
def test_month_after_month_they_are_those_of_a_run_from_nothing_and_of_one_part(
    tmp_path: Path,
) -> None:
    monthly = Project.create(
        tmp_path / "monthly", customers=5000, drift="--drift concept --drift-from 2024-04"
    )
    monthly.edit("params.yaml", "min_matured: 150", "min_matured: 100")
    monthly.edit("params.yaml", "min_new_labels: 150", "min_new_labels: 100")
    monthly.edit("params.yaml", "max_psi: 0.20", "max_psi: 9")
    whole = monthly.copy(tmp_path / "whole")
    monthly.edit("params.yaml", "by_month_from_mb: 1000", "by_month_from_mb: 0")
    new = {}
    for day in DAYS:
        before = {name: parts(monthly, name) for name in SORTED_BY}
        run(monthly, day)
        run(whole, day)
        new[day] = {name: new_parts(monthly, name, before[name]) for name in SORTED_BY}
        assert written(monthly) == again_from_nothing(monthly, day)
        for name in SORTED_BY:
            pd.testing.assert_frame_equal(rows(monthly, name), rows(whole, name))
    trail = monthly.path / "datamart/governance/decisions.jsonl"
    decisions = [json.loads(line) for line in trail.read_text().splitlines()]
    assert [each["generation"] for each in decisions if each["action"] == "promote"] == [2]
    # A vintage has news from its prediction points until its last label has matured.
    assert new["2024-10-01"][SCORES] == {f"2024-0{month}" for month in range(4, 8)}
    assert new["2024-12-01"][SCORES] == {f"2024-0{month}" for month in range(6, 10)}
    # Reasons follow what came out: July's and August's loans have the scores that they had.
    assert new["2024-12-01"][REASONS] == {"2024-06", "2024-09"}

    # A month is measured again until the last label of its window has matured, a new champion
    # has a history of its own, and of every month it counts the labels that are new to it.
    for name in MONITORED:
        assert new["2024-11-01"][name] == {"2024-08", "2024-09", "2024-10", "2024-11"}
    by_promotion = [len(new["2024-12-01"][name]) for name in MONITORED]
    assert by_promotion == [9, 9, 1, 1]

    def paid_late(table: list[dict[str, str]]) -> list[dict[str, str]]:
        row = next(r for r in table if r["loan_start_date"].endswith("/2/2024"))
        row["overdue_amt"] = "77"
        return table

    before = {name: parts(monthly, name) for name in (SCORES, REASONS)}
    rewrite(monthly, LOANS, paid_late)
    assert monthly.luigi("GoldFeatures").returncode == 0
    reason = monthly.stale("--as-of", DAYS[-1])[f"Predictions(as_of={DAYS[-1]}, generation=2)"]
    assert reason.endswith("changed: 1 of 21 parts (2024-02)")
    run(monthly, DAYS[-1])
    assert new_parts(monthly, SCORES, before[SCORES]) <= {"2024-02"}
    assert written(monthly) == again_from_nothing(monthly, DAYS[-1])
