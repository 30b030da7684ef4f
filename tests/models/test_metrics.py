"""The metrics agree with their definitions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from luigi_tasks.models.metrics import (
    METRICS,
    auc_interval,
    brier_parts,
    evaluate,
    kolmogorov_smirnov,
    logistic_line,
)


def scored(n: int = 400, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores with some signal and with ties."""
    random = np.random.default_rng(seed)
    labels = (random.random(n) < 0.3).astype(float)
    return labels, np.round(random.normal(0.3 + 0.1 * labels, 0.12).clip(0, 1), 2)


# --- discrimination ---------------------------------------------------------------------------


def test_the_auc_is_that_of_scikit_learn_also_with_ties() -> None:
    labels, scores = scored()
    assert auc_interval(labels, scores)[0] == pytest.approx(roc_auc_score(labels, scores))


def test_the_interval_is_delongs_by_its_definition() -> None:
    labels, scores = scored(60)
    bad, good = scores[labels == 1], scores[labels == 0]
    wins = np.array([[float(b > g) + 0.5 * float(b == g) for g in good] for b in bad])
    variance = wins.mean(axis=1).var(ddof=1) / len(bad) + wins.mean(axis=0).var(ddof=1) / len(good)
    auc, low, high = auc_interval(labels, scores)
    assert high - auc == pytest.approx(1.959964 * math.sqrt(variance), rel=1e-5)
    assert auc - low == pytest.approx(1.959964 * math.sqrt(variance), rel=1e-5)


def test_the_interval_is_about_that_of_a_bootstrap() -> None:
    labels, scores = scored()
    random = np.random.default_rng(7)
    picks = (random.integers(0, len(labels), len(labels)) for _ in range(200))
    drawn = [roc_auc_score(labels[pick], scores[pick]) for pick in picks]
    _, low, high = auc_interval(labels, scores)
    assert low == pytest.approx(np.quantile(drawn, 0.025), abs=0.02)
    assert high == pytest.approx(np.quantile(drawn, 0.975), abs=0.02)


def test_an_interval_stays_within_0_and_1_and_says_nothing_on_a_single_default() -> None:
    assert auc_interval(np.array([1.0, 0, 0]), np.array([0.9, 0.1, 0.2])) == (1.0, 0.0, 1.0)
    auc, low, high = auc_interval(np.array([1.0, 1, 0, 0, 1]), np.array([0.9, 0.8, 0.7, 0.1, 0.2]))
    assert 0 <= low < auc < high <= 1


def test_ks_is_the_largest_distance_of_the_two_distributions() -> None:
    # up to 0.3: 3 of 4 good ones, no bad one; up to 0.5: 3 of 4 and 1 of 2
    labels, scores = np.array([0, 0, 0, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.5, 0.6, 0.9])
    assert kolmogorov_smirnov(labels, scores) == pytest.approx(0.75)


def test_precision_recall_f1_and_brier_are_those_of_the_definitions() -> None:
    labels, scores = scored()
    found = evaluate(labels, scores, 0.4)
    flagged = scores >= 0.4
    assert found["precision"] == pytest.approx(precision_score(labels, flagged))
    assert found["recall"] == pytest.approx(recall_score(labels, flagged))
    assert found["f1"] == pytest.approx(f1_score(labels, flagged))
    assert found["brier"] == pytest.approx(np.mean((scores - labels) ** 2))


def test_a_score_of_exactly_the_threshold_is_a_predicted_default() -> None:
    assert evaluate([1, 0], [0.5, 0.4], 0.5)["recall"] == 1.0


def test_what_has_no_denominator_is_none_and_not_zero() -> None:
    assert set(evaluate([], [], 0.5).values()) == {None}
    one_class = evaluate([0, 0], [0.1, 0.2], 0.5)
    assert [one_class[m] for m in ("auc", "auc_low", "ks", "precision", "recall", "f1")] == [
        None
    ] * 6
    assert one_class["brier"] == pytest.approx(0.025)


def test_every_metric_is_measured_in_the_order_of_the_table() -> None:
    labels, scores = scored()
    assert tuple(evaluate(labels, scores, 0.4)) == METRICS
    assert tuple(evaluate([], [], 0.4)) == METRICS


# --- calibration ------------------------------------------------------------------------------


def drawn(n: int = 20_000, slope: float = 1.0, shift: float = 0.0) -> tuple[Any, Any]:
    """Labels that come true at these scores, and the scores with other log-odds."""
    draws = np.random.default_rng(3)
    odds = draws.normal(-1.5, 1.0, n)
    labels = (draws.random(n) < 1 / (1 + np.exp(-odds))).astype(float)
    return labels, 1 / (1 + np.exp(-(slope * odds + shift)))


def test_scores_that_come_true_are_calibrated_in_every_measure() -> None:
    found = evaluate(*drawn(), 0.5)
    assert found["calibration_gap"] == pytest.approx(0, abs=0.01)
    assert abs(found["calibration_z"]) < 3
    assert found["calibration_slope"] == pytest.approx(1, abs=0.05)
    assert found["calibration_intercept"] == pytest.approx(0, abs=0.08)
    assert found["hosmer_lemeshow_p"] > 0.01


def test_scores_that_are_too_low_have_a_gap_below_zero_that_chance_does_not_explain() -> None:
    found = evaluate(*drawn(shift=-0.5), 0.5)
    assert found["calibration_gap"] < -0.04
    assert found["calibration_z"] < -10
    assert found["hosmer_lemeshow_p"] < 1e-6


def test_scores_that_are_too_extreme_have_a_slope_below_one() -> None:
    assert evaluate(*drawn(slope=2.0), 0.5)["calibration_slope"] == pytest.approx(0.5, abs=0.03)


def test_the_parts_of_the_brier_score_add_up_to_it() -> None:
    labels, scores = drawn()
    scores = np.round(scores, 1)  # no spread within a group
    found = evaluate(labels, scores, 0.5)
    reliability, resolution, uncertainty = brier_parts(labels, scores, 0.5)
    assert found["brier"] == pytest.approx(reliability - resolution + uncertainty, abs=0.002)
    rate = labels.mean()
    assert uncertainty == pytest.approx(rate * (1 - rate))


def test_the_calibration_line_is_the_logistic_regression_that_scikit_learn_fits() -> None:
    labels, scores = drawn(2_000, slope=1.4, shift=0.3)
    odds = np.log(scores / (1 - scores))
    theirs = LogisticRegression(C=np.inf, tol=1e-10).fit(odds[:, np.newaxis], labels)
    assert logistic_line(odds, labels) == pytest.approx(
        (theirs.coef_[0, 0], theirs.intercept_[0]), abs=1e-5
    )


@pytest.mark.parametrize(
    ("labels", "scores"),
    [([0, 0, 0], [0.1, 0.2, 0.3]), ([0, 1, 0], [0.2, 0.2, 0.2]), ([0, 0, 1], [0.1, 0.2, 0.9])],
)
def test_there_is_no_calibration_line_without_both_classes_mixed_over_two_scores(
    labels: list[int], scores: list[float]
) -> None:
    found = evaluate(labels, scores, 0.5)
    assert (found["calibration_slope"], found["calibration_intercept"]) == (None, None)


def test_scores_of_zero_and_one_leave_the_measures_finite() -> None:
    found = evaluate([0, 1, 1, 0], [0.0, 1.0, 0.0, 1.0], 0.5)
    assert all(value is None or math.isfinite(value) for value in found.values())
