"""The confidence intervals of a share, and of the ratio of two."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import betaincinv


def jeffreys_interval(hits: Any, trials: Any) -> tuple[Any, Any]:
    """The ends of the 95 % interval of a share by Jeffreys' prior; NaN without a trial.

    Brown, Cai & DasGupta, "Interval estimation for a binomial proportion", Statistical Science
    16(2), 2001: quantiles of Beta(hits + ½, misses + ½), but from 0 without a hit and to 1
    without a miss.
    """
    hits, trials = np.asarray(hits, dtype=float), np.asarray(trials, dtype=float)
    a, b = hits + 0.5, trials - hits + 0.5
    low = np.where(hits == 0, 0.0, betaincinv(a, b, 0.025))
    high = np.where(hits == trials, 1.0, betaincinv(a, b, 0.975))
    known = trials > 0
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def ratio_interval(
    hits: float, trials: float, other_hits: float, other_trials: float
) -> tuple[float, float]:
    """The ends of the 95 % interval of one share ÷ another; NaN when the other has no hit.

    From Jeffreys' intervals of both: Newcombe, "MOVER-R confidence intervals for ratios and
    products of two independently estimated quantities", Statistical Methods in Medical Research
    25 (2016). Unlike the interval by the logarithm, it has a width when both shares are 1.
    """
    if not other_hits:
        return math.nan, math.nan
    (low, high), (other_low, other_high) = (
        jeffreys_interval(hits, trials),
        jeffreys_interval(other_hits, other_trials),
    )
    share, other = hits / trials, other_hits / other_trials

    def root(end: float, other_end: float) -> float:
        spread = end * other_end * (2 * share - end) * (2 * other - other_end)
        return share * other + math.sqrt(max(0.0, (share * other) ** 2 - spread))

    lower = low * (2 * share - low) / root(low, other_high) if hits else 0.0
    upper = root(high, other_low) / (other_low * (2 * other - other_low))
    return float(lower), float(upper)
