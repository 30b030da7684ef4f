"""How alike a model treats groups of customers, with intervals, and no more than loans can tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from running import Project

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.models.metrics import auc_interval
from luigi_tasks.monitoring.fairness import COLUMNS, LEAST_LOANS, fairness, groups
from luigi_tasks.monitoring.intervals import jeffreys_interval, ratio_interval


def book(**loans: tuple[int, int]) -> pd.DataFrame:
    """Loans by occupation: (approved, refused); every third is a default."""
    rows = []
    for name, (approved, refused) in loans.items():
        for number in range(approved + refused):
            low = number < approved
            rows.append((name, (0.2 if low else 0.7) + number % 7 / 100, float(number % 3 == 0)))
    frame = pd.DataFrame(rows, columns=["Occupation", "prediction_proba", "actual_label"])
    return frame.assign(generation=1, delinquent=False)


def of_all(loans: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    """The rows of all loans, by group."""
    columns = columns or {"Occupation": "categories"}
    table = fairness(loans, columns, threshold=0.5)
    return table[table["population"] == "all"].set_index("group")


def test_a_loan_is_approved_below_the_threshold_and_not_from_it_on() -> None:
    loans = book(Lawyer=(60, 0)).assign(prediction_proba=[0.4999] * 45 + [0.5] * 15)
    assert of_all(loans).loc["Lawyer", "approval_rate"] == 0.75


def test_the_approval_rate_is_compared_with_the_group_that_is_approved_most() -> None:
    row = of_all(book(Lawyer=(80, 20), Writer=(45, 45), Cook=(30, 30))).loc[["Lawyer", "Writer"]]
    assert list(row["reference_group"]) == ["Lawyer", "Lawyer"]
    assert row.loc["Writer", "approval_ratio"] == pytest.approx(0.5 / 0.8)
    low, high = ratio_interval(45, 90, 80, 100)
    assert tuple(row.loc["Writer", ["ratio_low", "ratio_high"]]) == (low, high)
    assert row.loc["Lawyer", "approval_ratio"] == 1
    assert row.loc["Lawyer", ["ratio_low", "ratio_high"]].isna().all()
    low, high = jeffreys_interval(45, 90)
    assert tuple(row.loc["Writer", ["approval_low", "approval_high"]]) == (low, high)


def test_the_gap_is_the_mean_score_less_the_default_rate_with_the_interval_of_that() -> None:
    row = of_all(book(Lawyer=(80, 20))).loc["Lawyer"]
    loans = book(Lawyer=(80, 20))
    rate, score = loans["actual_label"].mean(), loans["prediction_proba"].mean()
    assert row["default_rate"] == pytest.approx(rate)
    assert row["mean_score"] == pytest.approx(score)
    assert row["calibration_gap"] == pytest.approx(score - rate)
    assert row["gap_low"] == pytest.approx(score - row["default_high"])
    assert row["gap_high"] == pytest.approx(score - row["default_low"])
    area = auc_interval(loans["actual_label"].to_numpy(), loans["prediction_proba"].to_numpy())
    assert tuple(row[["auc", "auc_low", "auc_high"]]) == pytest.approx(area)


def test_of_a_small_group_the_table_says_only_how_many_loans_it_has() -> None:
    table = of_all(book(Lawyer=(80, 20), Writer=(LEAST_LOANS - 1, 0)))
    said = table.loc["Writer"].dropna()
    assert set(said.index) == {"generation", "population", "column", "n", "n_matured"}
    assert said["n"] == LEAST_LOANS - 1
    assert table.loc["Lawyer", "reference_group"] == "Lawyer", "a small group is no reference"
    assert of_all(book(Writer=(LEAST_LOANS, 0))).loc["Writer", "approval_rate"] == 1


def test_what_needs_labels_is_null_until_enough_have_matured() -> None:
    loans = book(Lawyer=(80, 20))
    loans.loc[LEAST_LOANS - 1 :, "actual_label"] = np.nan
    row = of_all(loans).loc["Lawyer"]
    assert (row["n"], row["n_matured"]) == (100, LEAST_LOANS - 1)
    assert row["approval_rate"] == 0.8
    assert row[["mean_score", "default_rate", "calibration_gap", "auc"]].isna().all()


def test_there_is_no_auc_of_a_handful_of_defaults() -> None:
    loans = book(Lawyer=(80, 20))
    for defaults, known in ((9, False), (10, True)):
        loans["actual_label"] = (np.arange(100) < defaults).astype(float)
        row = of_all(loans).loc["Lawyer"]
        assert pd.notna(row["auc"]) == known
        assert row["default_rate"] == defaults / 100


def test_a_missing_value_is_a_group_of_its_own_and_no_reference() -> None:
    loans = book(Lawyer=(80, 20), Nobody=(40, 0)).replace({"Occupation": {"Nobody": None}})
    table = of_all(loans)
    assert list(table.index) == ["Lawyer", "missing"]
    assert table.loc["missing", "reference_group"] == "Lawyer"
    assert table.loc["missing", "approval_ratio"] == 1.25


def test_a_number_falls_into_the_band_from_its_bound_on() -> None:
    ages = pd.Series([18, 24.9, 25, 34, 35, 99, None], name="Age")
    found = groups(ages, [25, 35])
    assert list(found) == [
        *["below 25"] * 2,
        *["25 to below 35"] * 2,
        *["35 and above"] * 2,
        "missing",
    ]
    assert list(found.cat.categories[:2]) == ["below 25", "25 to below 35"]


def test_bands_of_a_text_and_categories_of_a_number_are_refused() -> None:
    with pytest.raises(PipelineError, match=r"fairness\.columns\.Job = \[1\]: it is a text; give"):
        groups(pd.Series(["Lawyer"], name="Job"), [1])
    with pytest.raises(PipelineError, match=r"columns\.Age = categories: it is a number; give"):
        groups(pd.Series([1.0], name="Age"), "categories")


def test_populations_and_generations_are_looked_at_apart() -> None:
    loans = pd.concat(
        [
            book(Lawyer=(80, 20)),
            book(Lawyer=(40, 0)).assign(generation=2),
            book(Lawyer=(0, 50)).assign(delinquent=True),
        ],
        ignore_index=True,
    )
    table = fairness(loans, {"Occupation": "categories"}, threshold=0.5)
    found = table.set_index(["generation", "population"])["n"].to_dict()
    assert found == {
        (1, "all"): 150,
        (1, "performing"): 100,
        (2, "all"): 40,
        (2, "performing"): 40,
    }
    assert list(table) == list(COLUMNS)


@pytest.mark.parametrize("columns", [{}, {"Occupation": "categories"}])
def test_without_loans_or_columns_the_table_is_empty(columns: dict[str, str]) -> None:
    loans = book(Lawyer=(80, 20)) if not columns else book(Lawyer=(1, 0))[:0]
    table = fairness(loans, columns, threshold=0.5)
    assert table.empty
    assert list(table) == list(COLUMNS)


def test_the_interval_of_a_ratio_misses_the_true_ratio_once_in_twenty_times() -> None:
    random = np.random.default_rng(1)
    pairs = zip(random.binomial(300, 0.95, 2000), random.binomial(200, 0.9, 2000), strict=True)
    ends = np.array([ratio_interval(hits, 300, other, 200) for hits, other in pairs])
    truth = 0.95 / 0.9
    assert (ends[:, 0] > truth).mean() == pytest.approx(0.025, abs=0.012)
    assert (ends[:, 1] < truth).mean() == pytest.approx(0.025, abs=0.012)


def test_the_interval_of_a_ratio_has_a_width_when_everybody_is_approved() -> None:
    low, high = ratio_interval(30, 30, 40, 40)
    assert 0.9 < low < 1 < high < 1.1
    assert ratio_interval(0, 30, 40, 40)[0] == 0
    assert np.isnan(ratio_interval(30, 30, 0, 40)).all()


def test_a_run_looks_at_loans_that_no_model_was_fitted_on_and_says_no_verdict(
    finished: Project,
) -> None:
    gold = finished.path / "datamart/gold"
    table = pd.read_parquet(gold / "fairness.parquet")
    said = pd.read_parquet(gold / "model_predictions.parquet")
    judged = said[~said["sample"].isin(["train", "left_out"])]
    rows = table[table["population"] == "all"]
    assert set(rows["column"]) == {"Age", "Occupation"}
    for _, own in rows.groupby("column"):
        assert own["n"].sum() == len(judged)
        assert own["n_matured"].sum() == judged["actual_label"].notna().sum()
    words = {*map(str, table.to_numpy().ravel()), *table.columns}
    assert not {word for word in words if {"pass", "fail", "fair"} & set(word.lower().split("_"))}


def test_other_groups_are_another_table_and_nothing_else(project: Project) -> None:
    project.edit("params.yaml", "- 25\n    - 35\n    - 50\n    - 65", "- 40")
    fairness, *told = project.built_by("Pipeline")
    assert fairness.startswith("Fairness(")
    assert sorted(task.partition("(")[0] for task in told) == ["ModelCard", "Report"]
    table = pd.read_parquet(project.path / "datamart/gold/fairness.parquet")
    ages = table[table["column"] == "Age"]["group"]
    assert set(ages) == {"below 40", "40 and above"}


@pytest.mark.parametrize("name", ["Shoe_Size", "delinquent", "loan_id"])
def test_a_column_that_is_no_feature_of_gold_is_refused(project: Project, name: str) -> None:
    project.edit("params.yaml", "Occupation: categories", f"{name}: categories")
    done = project.luigi("Fairness")
    assert done.returncode != 0
    assert f"params.yaml: fairness.columns.{name}: gold has no such feature" in done.stderr
