"""The stability index is held against bins that were frozen at training."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from luigi_tasks.core.records import from_json, to_line
from luigi_tasks.models.bins import count, freeze_bins, locate
from luigi_tasks.models.metadata import FrozenBins
from luigi_tasks.monitoring.drift import (
    Stability,
    adjusted,
    homogeneity,
    level,
    more_often,
    stability,
    stability_index,
)

FLOOR = 1e-4


def psi(frozen: FrozenBins, values: list[Any], floor: float = FLOOR) -> float:
    return stability_index(frozen, count(frozen, pd.Series(values)), floor)


def test_psi_is_what_a_hand_computes() -> None:
    frozen = freeze_bins(pd.Series([1.0, 2.0, 3.0, 4.0]), 2)
    assert (frozen.edges, frozen.shares) == ([2.5], [0.5, 0.5, 0.0])
    moved = [1.0, 3.0, 3.0, 3.0]  # 1/4 and 3/4 instead of halves
    by_hand = (0.25 - 0.5) * math.log(0.25 / 0.5) + (0.75 - 0.5) * math.log(0.75 / 0.5)
    assert psi(frozen, moved) == pytest.approx(by_hand)
    assert psi(frozen, [4.0, 1.0, 2.0, 3.0]) == 0


def test_the_bins_are_those_of_training_whatever_comes_later() -> None:
    frozen = freeze_bins(pd.Series(np.arange(100.0)), 10)
    kept = from_json(to_line(frozen), FrozenBins, "metadata")
    assert psi(frozen, list(np.arange(100.0) + 1_000)) > 5
    assert frozen == kept  # and they survive being stored
    assert len(frozen.edges) == 9
    assert frozen.shares == [0.1] * 10 + [0.0]


@pytest.mark.parametrize("values", [[1.0, 2.0, 3.0, 4.0] * 25, ["a", "b"] * 50])
def test_missing_is_a_bin_of_its_own(values: list[Any]) -> None:
    frozen = freeze_bins(pd.Series(values), 2)
    gaps = [None, None, *values[2:4]] * 25
    assert locate(frozen, pd.Series([None, values[0]]))[0] == len(frozen.shares) - 1
    assert psi(frozen, values) == 0
    assert psi(frozen, gaps) > 0.2


def test_a_category_that_training_has_not_seen_has_a_bin_of_its_own() -> None:
    frozen = freeze_bins(pd.Series(["a", "b", "b", "a"]), 10)
    assert frozen.categories == ["a", "b"]
    assert locate(frozen, pd.Series(["a", "b", "new", None])).tolist() == [0, 1, 2, 3]
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


def test_chance_gives_what_the_formula_says_and_hardly_ever_reaches_its_limit() -> None:
    draws = np.random.default_rng(1)
    limits, indices, p_values = [], [], []
    for _ in range(2_000):
        frozen = freeze_bins(pd.Series(draws.random(1_000)), 10)
        found = stability(frozen, count(frozen, pd.Series(draws.random(500))), FLOOR)
        indices.append(found.value)
        limits.append(found.value > found.chance_limit)
        p_values.append(found.p_value)
    assert found.by_chance == pytest.approx(9 * (1 / 1_000 + 1 / 500))
    assert np.mean(indices) == pytest.approx(found.by_chance, rel=0.05)
    assert sum(limits) <= 10  # 2 are expected
    # p-values are uniform without drift
    assert np.quantile(p_values, [0.01, 0.1, 0.5]) == pytest.approx([0.01, 0.1, 0.5], abs=0.04)


def test_the_p_value_is_that_of_a_table_of_counts() -> None:
    reference, counts = np.array([50.0, 60, 70]), np.array([20.0, 10, 40])
    by_scipy = chi2_contingency([reference, counts], correction=False).pvalue
    assert homogeneity(reference, counts) == pytest.approx(by_scipy)


def test_bins_too_rare_for_a_test_are_taken_together() -> None:
    reference = np.array([500, 500, *[1] * 20])
    counts = np.array([500, 500, *[0] * 20])
    together = homogeneity(np.array([500, 500, 20]), np.array([500, 500, 0]))
    assert homogeneity(reference, counts) == pytest.approx(together)


def test_a_share_is_compared_with_that_of_the_reference_one_sided() -> None:
    assert more_often(0.5, 100, 0.5, 100) == pytest.approx(0.5)
    assert more_often(1.0, 100, 0.3, 300) < 1e-20
    assert more_often(0.1, 100, 0.3, 300) > 0.99
    assert more_often(0.0, 100, 0.0, 300) == 1.0


def test_of_features_without_drift_hardly_a_set_has_one_that_is_called_drifted() -> None:
    draws = np.random.default_rng(2)
    sets = [adjusted(pd.Series(draws.random(80))) for _ in range(500)]
    assert sum((rates < 0.05).any() for rates in sets) == pytest.approx(25, abs=15)


def test_a_level_needs_its_threshold_and_more_than_chance() -> None:
    def at(value: float, limit: float, p_value: float) -> str:
        return level(Stability(value, 0.0, limit, p_value), p_value, watch=0.1, critical=0.2)

    assert at(0.3, 0.1, 1e-6) == "critical"
    assert at(0.15, 0.1, 1e-6) == "watch"
    assert at(0.05, 0.01, 1e-6) == "none"
    assert at(0.3, 0.4, 1e-6) == "none"
    assert at(0.3, 0.1, 0.01) == "none"
