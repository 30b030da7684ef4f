"""The bins of a feature or score are frozen at training."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from luigi_tasks.models.bins import freeze_bins, locate


def test_the_outer_edges_are_open() -> None:
    frozen = freeze_bins(pd.Series(np.arange(100.0)), 10)
    assert locate(frozen, pd.Series([-1e9, 1e9, -math.inf, math.inf])).tolist() == [0, 9, 0, 9]


def test_an_edge_belongs_to_the_bin_below_it() -> None:
    frozen = freeze_bins(pd.Series([1.0, 2.0, 3.0, 4.0]), 2)
    assert locate(frozen, pd.Series([2.5, 2.5000001])).tolist() == [0, 1]


def test_equal_quantiles_leave_fewer_bins_and_say_so() -> None:
    frozen = freeze_bins(pd.Series([0.0] * 65 + list(np.arange(1.0, 36.0))), 10)
    assert frozen.bins == len(frozen.edges) + 1 == 5
    assert len(frozen.shares) == frozen.bins + 1
    assert sum(frozen.shares) == pytest.approx(1)
