"""The stability index is held against bins that were frozen at training."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from luigi_tasks.core.records import from_json, to_line
from luigi_tasks.models.bins import count, freeze_bins, locate
from luigi_tasks.models.metadata import FrozenBins
from luigi_tasks.monitoring.drift import stability_index

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
