"""Performance is estimated from scores alone, and is right when they are calibrated."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import day
from sklearn.metrics import brier_score_loss, precision_score, recall_score, roc_auc_score

from luigi_tasks.monitoring.estimation import (
    COLUMNS,
    ESTIMATED,
    Estimate,
    estimate,
    estimated_performance,
    realised,
)

SETTINGS: dict[str, Any] = {"threshold": 0.5, "prediction_mob": 3, "observation_mob": 6}
SCORES = np.array([0.1, 0.3, 0.3, 0.6, 0.8])


def loans(scores: Any, labels: Any = None, **values: Any) -> pd.DataFrame:
    """Live scored loans of a month; a label of None has not matured."""
    labels = [None] * len(scores) if labels is None else labels
    sound = {
        "month": day("2024-05-01"),
        "generation": 1,
        "sample": "live",
        "delinquent": False,
        "prediction_proba": np.asarray(scores, dtype=float),
        "actual_label": pd.Series(labels, dtype="float64"),
    }
    return pd.DataFrame({**sound, **values})


def estimated(*parts: pd.DataFrame) -> pd.DataFrame:
    return estimated_performance(pd.concat(parts, ignore_index=True), **SETTINGS)


def expectations(scores: np.ndarray) -> dict[str, float]:
    """What is expected, over all sets of labels with their probabilities."""
    in_order = pairs = hits = brier = 0.0
    for labels in product([0, 1], repeat=len(scores)):
        y = np.array(labels)
        chance = np.prod(np.where(y == 1, scores, 1 - scores))
        if 0 < y.sum() < len(y):
            pair_count = y.sum() * (1 - y).sum()
            pairs += chance * pair_count
            in_order += chance * pair_count * roc_auc_score(y, scores)
        hits += chance * y[scores >= 0.5].sum()
        brier += chance * brier_score_loss(y, scores)
    return {
        "auc": in_order / pairs,
        "precision": hits / (scores >= 0.5).sum(),
        "recall": hits / scores.sum(),
        "brier": brier,
    }


def test_the_estimate_is_what_all_sets_of_labels_give_by_their_probability() -> None:
    expected = expectations(SCORES)
    assert estimate(SCORES, 0.5).expected.tolist() == pytest.approx(
        [expected[name] for name in ESTIMATED]
    )


def test_calibrated_scores_keep_95_percent_of_the_realised_values_in_the_interval() -> None:
    random = np.random.default_rng(7)
    inside = np.zeros(len(ESTIMATED))
    runs = 300
    for _ in range(runs):
        book = loans(random.beta(1.5, 3, 60))
        book["actual_label"] = (random.random(60) < book["prediction_proba"]).astype(float)
        found = estimate(book["prediction_proba"].to_numpy(), 0.5)
        truth = realised(book, 0.5)
        inside += (found.low <= truth) & (truth <= found.high)
    # A share of 300 has a standard error of 1.3 %. Precision and recall take few values, and an
    # interval that ends on one of them holds more.
    assert (inside / runs > 0.92).all(), inside / runs
    assert (inside[[0, 3]] / runs < 0.98).all(), inside / runs


def test_scores_that_are_too_low_leave_the_realised_values_outside() -> None:
    random = np.random.default_rng(7)
    scores = random.beta(1.5, 3, 1000)
    book = loans(scores, (random.random(1000) < np.sqrt(scores)).astype(float))
    table = estimated(book).set_index(["population", "metric"]).loc["all"]
    assert (table["realised"] > table["high"])[["precision", "brier"]].all()


def test_the_order_of_the_loans_changes_no_byte() -> None:
    scores = np.random.default_rng(1).random(5000)
    there, back = estimate(scores, 0.5), estimate(scores[::-1], 0.5)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(there, back, strict=True))


def test_loans_that_are_drawn_in_two_blocks_have_the_interval_of_a_binomial_share() -> None:
    found = estimate(np.full(5000, 0.5), 0.5)
    spread = np.sqrt(0.25 / 5000)
    assert found.low[1] == pytest.approx(0.5 - 1.96 * spread, abs=0.3 * spread)
    assert found.high[1] == pytest.approx(0.5 + 1.96 * spread, abs=0.3 * spread)
    flagged = np.concatenate([np.full(3900, 0.2), np.full(1100, 0.8)])
    precision = estimate(flagged, 0.5)
    assert precision.low[1] < 0.8 < precision.high[1]
    assert precision.high[1] - precision.low[1] == pytest.approx(
        2 * 1.96 * np.sqrt(0.16 / 1100), rel=0.2
    )


def test_what_cannot_be_said_is_null() -> None:
    def known(found: Estimate) -> list[list[bool]]:
        return [np.isfinite(values).tolist() for values in found]

    assert known(estimate(np.array([0.1, 0.2]), 0.5)) == [[True, False, True, True]] * 3
    assert known(estimate(np.array([0.0, 0.0]), 0.5)) == [[False, False, False, True]] * 3
    assert known(estimate(np.array([1.0, 1.0]), 0.5)) == [[False, True, True, True]] * 3
    assert known(estimate(np.array([0.7]), 0.5)) == [[False, True, True, True]] * 3


def test_all_loans_take_part_in_the_estimate_and_matured_ones_in_what_was_realised() -> None:
    scores, labels = [0.1, 0.3, 0.6, 0.8, 0.9], [0, 1, 0, 1, None]
    table = estimated(loans(scores, labels)).set_index(["population", "metric"]).loc["all"]
    assert (set(table["n"]), set(table["n_matured"])) == ({5}, {4})
    assert table.loc["precision", "estimated"] == pytest.approx((0.6 + 0.8 + 0.9) / 3)
    y, p = np.array(labels[:4]), np.array(scores[:4])
    assert table["realised"].to_dict() == pytest.approx(
        {
            "auc": roc_auc_score(y, p),
            "precision": precision_score(y, p >= 0.5),
            "recall": recall_score(y, p >= 0.5),
            "brier": brier_score_loss(y, p),
        }
    )


def test_nothing_is_realised_before_a_label_has_matured() -> None:
    table = estimated(loans(SCORES))
    assert table["realised"].isna().all()
    assert table[["estimated", "low", "high"]].notna().all(axis=None)
    assert (table["low"] <= table["estimated"]).all()
    assert (table["estimated"] <= table["high"]).all()


def test_months_generations_samples_and_populations_are_apart() -> None:
    table = estimated(
        loans([0.2, 0.7], month=day("2024-06-01")),
        loans([0.2, 0.7], sample="unseen", generation=2),
        loans([0.2, 0.7], delinquent=True),
    )
    keys = ["month", "generation", "sample", "population"]
    found = table[keys].drop_duplicates().astype(str).agg(" ".join, axis=1).tolist()
    assert found == [
        "2024-05-01 1 live all",
        "2024-05-01 2 unseen all",
        "2024-05-01 2 unseen performing",
        "2024-06-01 1 live all",
        "2024-06-01 1 live performing",
    ]
    assert len(table) == 5 * len(ESTIMATED)


def test_without_a_loan_the_table_is_empty_and_keeps_its_types() -> None:
    table = estimated(loans([]))
    assert table.empty
    assert {name: str(kind) for name, kind in table.dtypes.items()} == COLUMNS
