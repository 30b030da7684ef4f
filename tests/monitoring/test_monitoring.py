"""Monitoring measures what a model has not been fitted on, month by month and in windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import day
from sklearn.metrics import roc_auc_score

from luigi_tasks.models.bins import freeze_bins
from luigi_tasks.models.metadata import FrozenBins, ModelMetadata, Window
from luigi_tasks.monitoring.table import measure, monitor
from luigi_tasks.monitoring.tally import tally

NEWEST = day("2024-11-30")
MONTHS = ["2024-04-01", "2024-05-01", "2024-06-01"]


def loans(
    month: str, n: int = 100, sample: str = "live", generation: int = 1, **values: Any
) -> pd.DataFrame:
    """`n` scored loans of a month: scores 0.005 to 0.995, of which those from 0.7 on default."""
    score = (np.arange(n) + 0.5) / n
    sound = {
        "month": day(month),
        "vintage": day(month),
        "generation": generation,
        "sample": sample,
        "prediction_proba": score,
        "actual_label": (score >= 0.7).astype(float),
        "prediction_date": day(month),
        "label_date": day("2024-12-01"),
        "delinquent": False,
        "income": np.arange(n, dtype=float),
        "job": "Lawyer",
    }
    return pd.DataFrame({**sound, **values})


REFERENCE = loans("2024-01-01")
LIMITS = {"threshold": 0.5, "watch": 0.1, "critical": 0.2}
FLOOR = 1e-4


def model(**feature_bins: FrozenBins) -> ModelMetadata:
    """A model whose score was frozen on REFERENCE, with these features."""
    return ModelMetadata(
        generation=1,
        champion="forest",
        metrics={},
        features=list(feature_bins),
        window=Window(train_until=NEWEST, sampled_from=None),
        parameters={},
        threshold=0.5,
        score_bins=freeze_bins(REFERENCE["prediction_proba"], 10),
        performing_score_bins=freeze_bins(REFERENCE["prediction_proba"], 10),
        feature_bins=feature_bins,
        requested_bins=10,
        libraries={},
    )


MODEL = model(**{name: freeze_bins(REFERENCE[name], 10) for name in ("income", "job")})


def monitored(*parts: pd.DataFrame, window: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    scored = pd.concat(parts, ignore_index=True)
    return monitor(
        tally([scored], {1: MODEL, 2: MODEL}, NEWEST, FLOOR), window_months=window, **LIMITS
    )


def test_rows_that_the_model_was_fitted_on_never_take_part() -> None:
    wrong = loans(MONTHS[0], sample="train", actual_label=0.0, income=1e9)
    alone, drift_alone = monitored(loans(MONTHS[0]))
    together, drift = monitored(wrong, loans(MONTHS[0]))
    pd.testing.assert_frame_equal(together, alone)
    pd.testing.assert_frame_equal(drift, drift_alone)


def test_the_batches_in_which_the_loans_come_do_not_matter() -> None:
    book = pd.concat([loans(month, job=job) for month, job in zip(MONTHS, "abc", strict=True)])
    whole, drift = monitor(tally([book], {1: MODEL}, NEWEST, FLOOR), window_months=2, **LIMITS)
    parts = [book[start : start + 70] for start in range(0, len(book), 70)]
    by_parts, drift_by_parts = monitor(
        tally(parts, {1: MODEL}, NEWEST, FLOOR), window_months=2, **LIMITS
    )
    pd.testing.assert_frame_equal(by_parts, whole)
    pd.testing.assert_frame_equal(drift_by_parts, drift)


def test_there_is_one_row_a_month_generation_and_sample() -> None:
    table, drift = monitored(
        loans(MONTHS[0], sample="test"),
        loans(MONTHS[0]),
        loans(MONTHS[1]),
        loans(MONTHS[1], generation=2),
    )
    keys = [(str(m), g, s) for m, g, s in table[["month", "generation", "sample"]].to_numpy()]
    assert keys == [
        (MONTHS[0], 1, "live"),
        (MONTHS[0], 1, "test"),
        (MONTHS[1], 1, "live"),
        (MONTHS[1], 2, "live"),
    ]
    assert len(drift) == 4 * 2


def test_a_month_without_drift_and_with_a_perfect_order_measures_so() -> None:
    table, _ = monitored(loans(MONTHS[0]))
    row = table.iloc[0]
    assert (row["n"], row["n_matured"], row["matured_share"]) == (100, 100, 1.0)
    assert (row["auc"], row["ks"], row["default_rate"]) == (1.0, 1.0, 0.3)
    assert (row["precision"], row["recall"]) == (0.6, 1.0)
    assert (row["psi"], row["csi_max"]) == (0.0, 0.0)


def test_only_matured_loans_are_judged_and_all_are_counted() -> None:
    rows = loans(MONTHS[0])
    rows.loc[rows.index % 2 == 0, "actual_label"] = np.nan
    found = measure(rows, 0.5)
    assert (found["n"], found["n_matured"], found["matured_share"]) == (100, 50, 0.5)
    assert found["mean_score"] == pytest.approx(0.5)


def test_a_month_without_a_matured_loan_has_no_auc_but_has_its_drift() -> None:
    table, _ = monitored(loans(MONTHS[0], actual_label=np.nan, prediction_proba=0.9))
    row = table.iloc[0]
    assert row["n_matured"] == 0
    assert np.isnan([row["auc"], row["default_rate"], row["window_auc"]]).all()
    assert row["psi"] > 1


def test_a_window_measures_the_newest_months_of_one_sample_together() -> None:
    parts = [
        loans(MONTHS[0], n=10, actual_label=[1.0] * 5 + [0.0] * 5),
        loans(MONTHS[1], n=20),
        loans(MONTHS[2], n=40, actual_label=[0.0] * 39 + [1.0]),
        loans(MONTHS[1], n=500, sample="unseen"),
        loans(MONTHS[1], n=500, generation=2),
    ]
    table, _ = monitored(*parts, window=2)
    live = table[(table["sample"] == "live") & (table["generation"] == 1)]
    assert live["window_n"].tolist() == [10, 30, 60]
    last_two = pd.concat(parts[1:3])
    assert live["window_auc"].iloc[2] == pytest.approx(
        roc_auc_score(last_two["actual_label"], last_two["prediction_proba"])
    )
    assert live["window_auc"].iloc[0] == live["auc"].iloc[0] == 0.0


def test_a_window_never_looks_at_later_months() -> None:
    first, _ = monitored(loans(MONTHS[0]))
    both, _ = monitored(loans(MONTHS[0]), loans(MONTHS[1], actual_label=0.0, income=1e9))
    pd.testing.assert_frame_equal(both.head(1), first)


def test_a_feature_that_goes_from_0_to_40_percent_missing_alarms_and_is_named() -> None:
    gaps = np.where(np.arange(100) % 5 < 2, np.nan, np.arange(100.0))
    table, drift = monitored(loans(MONTHS[0]), loans(MONTHS[1], income=gaps))
    assert table["csi_max"].iloc[0] == 0
    assert table["csi_max"].iloc[1] > 0.2
    assert table["csi_max_feature"].iloc[1] == "income"
    assert table["psi"].iloc[1] == 0  # the score does not show it
    missing = drift[drift["feature"] == "income"]["missing_share"].tolist()
    assert missing == [0.0, 0.4]


def test_an_unseen_category_is_drift() -> None:
    table, _ = monitored(loans(MONTHS[0], job="Astronaut"))
    assert table["csi_max_feature"].iloc[0] == "job"
    assert table["csi_max"].iloc[0] > 1


def test_each_generation_is_held_against_its_own_training() -> None:
    richer = model(income=freeze_bins(REFERENCE["income"] + 500, 10))
    scored = pd.concat(
        [loans(MONTHS[0]), loans(MONTHS[1], generation=2, income=np.arange(100) + 500.0)],
        ignore_index=True,
    )
    table, _ = monitor(
        tally([scored], {1: MODEL, 2: richer}, NEWEST, FLOOR), window_months=3, **LIMITS
    )
    assert table["csi_max"].tolist() == [0.0, 0.0]


def test_new_labels_are_those_that_matured_after_the_newest_model_was_trained() -> None:
    known = loans(MONTHS[0], label_date=NEWEST)
    new = loans(MONTHS[1], n=40)
    unripe = loans(MONTHS[2], actual_label=np.nan)
    table, _ = monitored(known, new, unripe)
    assert table["n_new_labels"].tolist() == [0, 40, 0]


def test_performing_loans_are_measured_beside_the_whole_book() -> None:
    rows = loans(MONTHS[0])
    rows["delinquent"] = rows["prediction_proba"] > 0.9  # the ten worst, all in default
    table, _ = monitored(rows)
    row = table.iloc[0]
    assert (row["n"], row["performing_n"]) == (100, 90)
    assert (row["default_rate"], row["performing_default_rate"]) == (0.3, 20 / 90)
    assert row["psi"] == 0
    assert row["performing_psi"] > 0
    assert row["window_performing_n"] == 90


def test_a_month_of_delinquent_loans_alone_says_nothing_of_performing_ones() -> None:
    table, _ = monitored(loans(MONTHS[0], delinquent=True))
    row = table.iloc[0]
    assert (row["performing_n"], row["performing_psi_level"]) == (0, "none")
    assert np.isnan([row["performing_auc"], row["performing_psi"], row["performing_brier"]]).all()


def test_few_loans_that_differ_by_chance_have_not_drifted() -> None:
    few = loans(MONTHS[0], n=12)
    few["prediction_proba"] = [0.01, 0.02, 0.11, 0.12, 0.31, 0.32, 0.33, 0.5, 0.6, 0.7, 0.71, 0.9]
    row = monitored(few)[0].iloc[0]
    assert row["psi"] > 0.2
    assert row["psi"] < row["psi_chance_limit"]
    assert (row["psi_level"], row["drifted_features"]) == ("none", 0)


def test_many_loans_that_differ_have_drifted_and_the_features_are_counted() -> None:
    table, drift = monitored(loans(MONTHS[0], n=400, prediction_proba=0.5, income=90.0))
    assert (table["psi_level"].iloc[0], table["drifted_features"].iloc[0]) == ("critical", 1)
    assert drift.set_index("feature")["level"].to_dict() == {"income": "critical", "job": "none"}


def test_the_share_of_unseen_categories_is_known_of_categories_alone() -> None:
    jobs = np.where(np.arange(100) < 25, "Astronaut", "Lawyer")
    _, drift = monitored(loans(MONTHS[0], job=jobs))
    unseen = drift.set_index("feature")["unseen_share"]
    assert unseen["job"] == 0.25
    assert np.isnan(unseen["income"])
