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
    the percentiles 0, 1, 5, 25, 50, 75, 95, 99 and 100; with `is_integer` what is drawn is
    rounded.
    """

    loading: float
    percentiles: tuple[float, ...]
    is_integer: bool = True


def correlated(rng: np.random.Generator, latent: Floats, loading: float) -> Floats:
    """Standard normal values whose correlation with the standard normal `latent` is `loading`."""
    own = math.sqrt(1 - loading**2) * rng.standard_normal(len(latent))
    values: Floats = loading * latent + own
    return values


def at_percentiles(z: Floats, percentiles: Sequence[float]) -> Floats:
    """Map standard normal values to the distribution with these percentiles, as in `Indicator`.

    Linear between, constant beyond. np.interp would do, but may fuse multiply and add.
    """
    knots, values = np.array(_PERCENTILE_Z), np.array(percentiles, dtype=np.float64)
    slopes = np.diff(values) / np.diff(knots)
    inside = np.clip(z, knots[0], knots[-1])
    left = np.searchsorted(knots[1:-1], inside)
    mapped: Floats = values[left] + slopes[left] * (inside - knots[left])
    return mapped


def draw_indicator(rng: np.random.Generator, quality: Floats, indicator: Indicator) -> Floats:
    """Clean values of an indicator for customers of that quality."""
    values = at_percentiles(correlated(rng, quality, indicator.loading), indicator.percentiles)
    return values.round() if indicator.is_integer else values
