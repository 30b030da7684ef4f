"""Calibration and estimated performance are tables of the day, of what no model was fitted on."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from running import ROOT, Project

from luigi_tasks.core.task import tasks_below
from luigi_tasks.governance.task import Governance
from luigi_tasks.models.scored_loans import unknown_to_models

AS_OF = "as_of=2025-11-01, generation=1"


def table(project: Project, name: str, day: str | None = None) -> pd.DataFrame:
    gold = project.path / "datamart" / "gold"
    return pd.read_parquet((gold / f"as_of={day}" if day else gold) / f"{name}.parquet")


def test_the_tables_count_the_loans_that_no_model_was_fitted_on(finished: Project) -> None:
    judged = unknown_to_models(table(finished, "model_predictions"))
    matured = int(judged["actual_label"].notna().sum())
    assert matured > 0
    for name, count, expected in (
        ("reliability", "n", matured),
        ("rating_grades", "n", len(judged)),
        ("rating_grades", "n_matured", matured),
    ):
        found = table(finished, name)
        assert found.loc[found["population"] == "all", count].sum() == expected, (name, count)
    estimates = table(finished, "estimated_performance")
    of_all = estimates[(estimates["population"] == "all") & (estimates["metric"] == "auc")]
    assert of_all["n"].sum() == len(judged)
    assert of_all["n_matured"].sum() == matured


def test_what_is_realised_is_what_the_monitoring_table_measures(finished: Project) -> None:
    keys = ["month", "generation", "sample"]
    estimates = table(finished, "estimated_performance")
    measured = table(finished, "model_monitoring").set_index(keys)
    for population, prefix in (("all", ""), ("performing", "performing_")):
        for metric in ("auc", "precision", "recall", "brier"):
            of_metric = (estimates["population"] == population) & (estimates["metric"] == metric)
            realised = estimates[of_metric].set_index(keys)["realised"]
            expected = measured[f"{prefix}{metric}"].reindex(realised.index)
            pd.testing.assert_series_equal(realised, expected, check_names=False)


def test_another_master_scale_makes_the_calibration_stale_and_nothing_else(
    project: Project,
) -> None:
    project.edit("params.yaml", "  - 0.02\n", "")
    told = [f"Calibration({AS_OF})", f"ModelCard({AS_OF})", f"Report({AS_OF})"]
    drawn = f"DriftDashboard({AS_OF})"
    assert sorted(project.stale()) == sorted([*told, drawn])
    assert sorted(project.built_by("Pipeline")) == told  # the deciles that are drawn stay
    assert table(project, "rating_grades")["grade"].max() == 7


def test_an_earlier_day_has_an_estimate_of_months_without_a_label(project: Project) -> None:
    newest = table(project, "estimated_performance")
    day = "2024-08-01"
    assert project.luigi("EstimatedPerformance", "--as-of", day).returncode == 0
    known = table(project, "estimated_performance", day)
    assert str(known["month"].max()) <= day
    unripe = known[known["n_matured"] == 0]
    assert len(unripe)
    assert unripe["realised"].isna().all()
    assert unripe.loc[unripe["metric"] == "brier", "estimated"].notna().all()
    pd.testing.assert_frame_equal(table(project, "estimated_performance"), newest)


def test_governance_does_not_rest_on_the_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    governance = Governance(as_of=dt.date.max, generation=1)
    below = {type(task).__name__ for task in tasks_below(governance)}
    assert "Monitoring" in below
    assert "EstimatedPerformance" not in below
