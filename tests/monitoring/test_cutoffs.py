"""A cut-off approves what scores below it, and the recommended one costs least."""

from __future__ import annotations

import numpy as np
import pytest

from luigi_tasks.monitoring.cutoffs import cutoff_table

SCORES = [0.05, 0.15, 0.25, 0.35, 0.45]
LABELS = [0, 0, 1, 0, 1]


def row(cutoff: float, ratio: float = 5.0) -> dict:
    table = cutoff_table(LABELS, SCORES, cost_ratio=ratio).set_index("cutoff")
    return table.loc[cutoff].to_dict()


def recommended(ratio: float, labels: list[int] = LABELS, scores: list[float] = SCORES) -> float:
    table = cutoff_table(labels, scores, cost_ratio=ratio)
    (cutoff,) = table[table["recommended"]]["cutoff"]
    return float(cutoff)


def test_there_is_a_row_for_every_hundredth_from_0_to_1() -> None:
    cutoffs = cutoff_table(LABELS, SCORES, cost_ratio=5)["cutoff"].tolist()
    assert cutoffs == [round(i / 100, 2) for i in range(101)]


def test_approved_is_what_scores_below_the_cutoff_and_not_what_scores_it() -> None:
    assert (row(0.25)["approved"], row(0.26)["approved"]) == (2, 3)
    assert (row(0.25)["approval_rate"], row(0.26)["approval_rate"]) == (0.4, 0.6)
    assert cutoff_table([0], [1.0], cost_ratio=5)["approved"].tolist() == [0] * 101


def test_the_bad_rate_is_that_of_the_approved_and_null_without_one() -> None:
    assert row(0.4)["bad_rate"] == 0.25
    assert np.isnan(
        [row(0.05)[name] for name in ("bad_rate", "bad_rate_low", "bad_rate_high")]
    ).all()


def test_the_cost_is_that_of_defaults_approved_and_of_good_loans_rejected() -> None:
    assert row(0.3, ratio=4)["cost_per_loan"] == pytest.approx((4 * 1 + 1) / 5)
    assert row(0.0, ratio=4)["cost_per_loan"] == pytest.approx(3 / 5)
    assert row(1.0, ratio=4)["cost_per_loan"] == pytest.approx(4 * 2 / 5)


def test_a_dearer_default_lowers_the_recommended_cutoff() -> None:
    assert recommended(0.5) == 0.36
    assert recommended(5) == 0.16
    assert recommended(5, labels=[1, 0, 1, 0, 1]) == 0.0


def test_of_cutoffs_that_cost_the_same_the_lowest_is_recommended() -> None:
    assert recommended(1) == 0.16
    assert recommended(5, labels=[1] * 5) == 0.0
    assert recommended(5, labels=[0] * 5) == 0.46


def test_without_a_matured_loan_the_table_is_empty_and_keeps_its_types() -> None:
    table = cutoff_table([], [], cost_ratio=5)
    assert table.empty
    assert table.dtypes.equals(cutoff_table(LABELS, SCORES, cost_ratio=5).dtypes)
