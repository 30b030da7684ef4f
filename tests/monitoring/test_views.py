"""The tables of credit risk in gold are those of the day, of what no model was fitted on."""

from __future__ import annotations

import pandas as pd
from running import Project

from luigi_tasks.models.scored_loans import unknown_to_models

AS_OF = "as_of=2025-11-01, generation=1"


def table(project: Project, name: str, day: str | None = None) -> pd.DataFrame:
    gold = project.path / "datamart" / "gold"
    return pd.read_parquet((gold / f"as_of={day}" if day else gold) / f"{name}.parquet")


def test_cutoffs_are_measured_on_matured_loans_that_no_model_was_fitted_on(
    finished: Project,
) -> None:
    scored = table(finished, "model_predictions")
    judged = unknown_to_models(scored)
    judged = judged[judged["actual_label"].notna()]
    assert 0 < len(judged) < scored["actual_label"].notna().sum()
    cutoffs = table(finished, "cutoffs").set_index("cutoff")
    assert set(cutoffs["loans"]) == {len(judged)}
    approved = judged[judged["prediction_proba"] < 0.3]
    assert cutoffs.loc[0.3, "approved"] == len(approved)
    assert cutoffs.loc[0.3, "bad_approved"] == approved["actual_label"].sum()


def test_the_cost_ratio_makes_the_views_and_their_picture_stale_and_nothing_else(
    project: Project,
) -> None:
    before = project.digests("datamart/gold/vintage_curves.parquet")
    best = table(project, "cutoffs").set_index("recommended").loc[True, "cutoff"]
    project.edit("params.yaml", "cost_ratio: 5", "cost_ratio: 50")
    views = [f"CreditRiskViews({AS_OF})", f"CreditRiskPicture({AS_OF})"]
    assert sorted(project.stale()) == sorted(
        [*views, f"DriftDashboard({AS_OF})", f"Report({AS_OF})"]
    )
    assert project.built_by("Pipeline") == views
    assert table(project, "cutoffs").set_index("recommended").loc[True, "cutoff"] < best
    assert [name for name in before if name.endswith(".parquet")]
    after = project.digests("datamart/gold/vintage_curves.parquet")
    assert {k: v for k, v in after.items() if k.endswith(".parquet")} == {
        k: v for k, v in before.items() if k.endswith(".parquet")
    }


def test_an_earlier_day_has_views_of_its_own_that_end_with_it(project: Project) -> None:
    newest = table(project, "vintage_curves")
    day = "2024-08-01"
    assert project.luigi("CreditRiskPicture", "--as-of", day).returncode == 0
    assert (project.path / f"reports/as_of={day}/credit_risk_views.png").exists()
    known = table(project, "vintage_curves", day)
    last = known.groupby(known["vintage"].astype(str))["mob"].max()
    assert (last["2023-09-01"], last["2024-03-01"], last["2024-07-01"]) == (10, 5, 1)
    assert "2024-08-01" not in last.index
    assert table(project, "roll_rates", day)["loans"].sum() < (
        table(project, "roll_rates")["loans"].sum()
    )
    pd.testing.assert_frame_equal(table(project, "vintage_curves"), newest)
    both = known.merge(newest, on=["vintage", "mob"], suffixes=("", "_later"))
    assert len(both) == len(known)


def test_a_changed_roll_rate_alone_draws_the_picture_anew(project: Project) -> None:
    """The picture reads three tables, and each of them is an input of it."""
    source = "luigi_tasks/monitoring/roll_rates.py"
    project.edit(source, "overdue <= 2 * due", "overdue <= 3 * due")
    assert set(project.built_by("Pipeline")) == {
        f"CreditRiskViews({AS_OF})",
        f"CreditRiskPicture({AS_OF})",
        f"Report({AS_OF})",
    }
