"""The confidence interval of a share."""

from __future__ import annotations

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
