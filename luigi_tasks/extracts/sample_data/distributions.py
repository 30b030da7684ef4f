"""Values that correlate with a latent variable and follow a distribution given by percentiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from luigi_tasks.extracts.sample_data.columns import Floats

_PERCENTILE_Z = (-3.5, -2.326, -1.645, -0.674, 0.0, 0.674, 1.645, 2.326, 3.5)
"""Standard normal quantiles of the percentiles 0, 1, 5, 25, 50, 75, 95, 99 and 100."""


class Indicator(NamedTuple):
    """A column driven by credit quality.

    `loading` is its correlation with quality on the normal scale, `percentiles` its values at
    the percentiles of `_PERCENTILE_Z`; with `is_integer` they are rounded afterwards.
    """

    loading: float
    percentiles: tuple[float, ...]
    is_integer: bool = True


def correlated(rng: np.random.Generator, hidden: Floats, loading: float) -> Floats:
    """Standard normal values that correlate with the standard normal `hidden` by `loading`."""
    mixed: Floats = loading * hidden + math.sqrt(1 - loading**2) * rng.standard_normal(len(hidden))
    return mixed


def at_percentiles(z: Floats, percentiles: Sequence[float]) -> Floats:
    """Map standard normal values to a distribution given by its values at `_PERCENTILE_Z`.

    Linear between, constant beyond. np.interp would do, but may fuse multiply and add.
    """
    knots, values = np.array(_PERCENTILE_Z), np.array(percentiles, dtype=np.float64)
    slopes = np.diff(values) / np.diff(knots)
    inside = np.clip(z, knots[0], knots[-1])
    left = np.searchsorted(knots[1:-1], inside)
    mapped: Floats = values[left] + slopes[left] * (inside - knots[left])
    return mapped


def draw_indicator(rng: np.random.Generator, quality: Floats, column: Indicator) -> Floats:
    """Clean values of a column for customers of that quality."""
    values = at_percentiles(correlated(rng, quality, column.loading), column.percentiles)
    return values.round() if column.is_integer else values
