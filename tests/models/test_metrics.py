"""The measures agree with their definitions, and the bins of drift are frozen."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from luigi_tasks.models.metrics import (
    auc_interval,
    bin_of,
    count_bins,
    evaluate,
    freeze_bins,
    kolmogorov_smirnov,
    stability_index,
)

FLOOR = 1e-4


def scored(n: int = 400, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores with some signal and with ties."""
    random = np.random.default_rng(seed)
    labels = (random.random(n) < 0.3).astype(float)
    return labels, np.round(random.normal(0.3 + 0.1 * labels, 0.12).clip(0, 1), 2)


def psi(frozen: dict[str, Any], values: list[Any], floor: float = FLOOR) -> float:
    return stability_index(frozen, count_bins(frozen, pd.Series(values)), floor)


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


# --- drift ------------------------------------------------------------------------------------


def test_psi_is_what_a_hand_computes() -> None:
    frozen = freeze_bins(pd.Series([1.0, 2.0, 3.0, 4.0]), 2)
    assert (frozen["edges"], frozen["shares"]) == ([2.5], [0.5, 0.5, 0.0])
    moved = [1.0, 3.0, 3.0, 3.0]  # 1/4 and 3/4 instead of halves
    by_hand = (0.25 - 0.5) * math.log(0.25 / 0.5) + (0.75 - 0.5) * math.log(0.75 / 0.5)
    assert psi(frozen, moved) == pytest.approx(by_hand)
    assert psi(frozen, [4.0, 1.0, 2.0, 3.0]) == 0


def test_the_bins_are_those_of_training_whatever_comes_later() -> None:
    frozen = freeze_bins(pd.Series(np.arange(100.0)), 10)
    kept = json.loads(json.dumps(frozen))
    assert psi(frozen, list(np.arange(100.0) + 1_000)) > 5
    assert frozen == kept  # and they survive being stored
    assert len(frozen["edges"]) == 9
    assert frozen["shares"] == [0.1] * 10 + [0.0]


def test_the_outer_edges_are_open() -> None:
    frozen = freeze_bins(pd.Series(np.arange(100.0)), 10)
    assert bin_of(frozen, pd.Series([-1e9, 1e9, -math.inf, math.inf])).tolist() == [0, 9, 0, 9]


def test_an_edge_belongs_to_the_bin_below_it() -> None:
    frozen = freeze_bins(pd.Series([1.0, 2.0, 3.0, 4.0]), 2)
    assert bin_of(frozen, pd.Series([2.5, 2.5000001])).tolist() == [0, 1]


@pytest.mark.parametrize("values", [[1.0, 2.0, 3.0, 4.0] * 25, ["a", "b"] * 50])
def test_missing_is_a_bin_of_its_own(values: list[Any]) -> None:
    frozen = freeze_bins(pd.Series(values), 2)
    gaps = [None, None, *values[2:4]] * 25
    assert bin_of(frozen, pd.Series([None, values[0]]))[0] == len(frozen["shares"]) - 1
    assert psi(frozen, values) == 0
    assert psi(frozen, gaps) > 0.2


def test_equal_quantiles_leave_fewer_bins_and_say_so() -> None:
    frozen = freeze_bins(pd.Series([0.0] * 65 + list(np.arange(1.0, 36.0))), 10)
    assert frozen["bins"] == len(frozen["edges"]) + 1 == 5
    assert len(frozen["shares"]) == frozen["bins"] + 1
    assert sum(frozen["shares"]) == pytest.approx(1)


def test_a_category_that_training_has_not_seen_has_a_bin_of_its_own() -> None:
    frozen = freeze_bins(pd.Series(["a", "b", "b", "a"]), 10)
    assert frozen["categories"] == ["a", "b"]
    assert bin_of(frozen, pd.Series(["a", "b", "new", None])).tolist() == [0, 1, 2, 3]
    assert psi(frozen, ["a", "b", "new", "new"]) > 0.2


def test_the_floor_stands_for_an_empty_bin() -> None:
    frozen = freeze_bins(pd.Series([1.0, 2.0, 3.0, 4.0]), 2)
    for floor in (1e-3, 1e-4, 1e-6):
        by_hand = (1 - 0.5) * math.log(1 / 0.5) + (floor - 0.5) * math.log(floor / 0.5)
        assert psi(frozen, [1.0, 2.0], floor) == pytest.approx(by_hand)


def test_a_feature_that_was_all_missing_can_be_frozen_and_alarms_when_it_comes_back() -> None:
    frozen = freeze_bins(pd.Series([math.nan] * 10), 10)
    assert psi(frozen, [math.nan, math.nan]) == 0
    assert psi(frozen, [1.0, 2.0]) > 1


def test_no_value_has_no_drift() -> None:
    frozen = freeze_bins(pd.Series([1.0, 2.0]), 2)
    assert math.isnan(psi(frozen, []))
