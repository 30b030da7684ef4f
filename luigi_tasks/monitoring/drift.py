"""How far loans are from the distribution that was frozen at training, and what chance alone does.

Two samples of one population never fill the bins alike: without drift PSI · nm / (n + m) follows
χ² with (bins − 1) degrees of freedom, n and m being the loans of the reference and of now
(Yurdakul & Naranjo, "Statistical properties of the population stability index", Journal of Risk
Model Validation 14, 2020). A high index of few loans says nothing.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc, chdtri, ndtr  # a thousandth of the time of scipy.stats

from luigi_tasks.models.metadata import FrozenBins

Level = Literal["none", "watch", "critical"]

# Once in so many times chance alone reaches the limit of a sample size.
CHANCE = 0.001
# Pearson's χ² is right when every cell expects about this many (Cochran, Biometrics 10, 1954).
_EXPECTED = 5


class Stability(NamedTuple):
    """An index, what chance alone would give on average and at most, and how likely it is then.

    `by_chance` = (bins − 1)(1/n + 1/m), `chance_limit` its 99.9 % point from χ², both over the bins
    that hold any loan; `p_value` is that of Pearson's χ² of homogeneity over the same bins, of
    which those too rare for it are taken together.
    """

    value: float
    by_chance: float
    chance_limit: float
    p_value: float


def stability(frozen: FrozenBins, counts: NDArray[np.int64], floor: float) -> Stability:
    """The stability index of values by their counts in the bins, beside chance.

    NaN, and a p-value of 1, without values now or in the reference.
    """
    m, n = int(counts.sum()), frozen.n
    if not m or not n:
        return Stability(stability_index(frozen, counts, floor), math.nan, math.nan, 1.0)
    reference = np.rint(np.asarray(frozen.shares) * n)
    freedom = max(int(((reference > 0) | (counts > 0)).sum()) - 1, 1)
    error = 1 / n + 1 / m
    return Stability(
        value=stability_index(frozen, counts, floor),
        by_chance=freedom * error,
        chance_limit=float(chdtri(freedom, CHANCE)) * error,
        p_value=homogeneity(reference, counts),
    )


def stability_index(frozen: FrozenBins, counts: NDArray[np.int64], floor: float) -> float:
    """Population (or characteristic) stability index of values, by their counts in the bins.

    PSI = Σ (a − e) ln(a / e) over the bins, e the share in the reference and a the share now,
    each at least `floor`: Siddiqi, "Credit Risk Scorecards" (2006). NaN without values.
    """
    total = counts.sum()
    if not total:
        return math.nan
    actual = np.maximum(counts / total, floor)
    expected = np.maximum(frozen.shares, floor)
    return float(np.sum((actual - expected) * np.log(actual / expected)))


def homogeneity(reference: NDArray[Any], counts: NDArray[Any]) -> float:
    """The p-value of two samples, given as counts in bins, being of one population."""
    n, m = reference.sum(), counts.sum()
    rare = (reference + counts) * min(n, m) / (n + m) < _EXPECTED
    a = np.append(reference[~rare], reference[rare].sum())
    b = np.append(counts[~rare], counts[rare].sum())
    there = a + b > 0
    a, b = a[there], b[there]
    statistic = ((a * np.sqrt(m / n) - b * np.sqrt(n / m)) ** 2 / (a + b)).sum()
    return float(chdtrc(max(len(a) - 1, 1), statistic))


def more_often(share: float, n: int, reference_share: float, reference_n: int) -> float:
    """The p-value of a share being no higher than in the reference: one-sided, of two proportions.

    The z test with the pooled share: Fleiss, "Statistical Methods for Rates and Proportions".
    """
    if not n or not reference_n:
        return 1.0
    pooled = (share * n + reference_share * reference_n) / (n + reference_n)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / reference_n))
    return float(ndtr((reference_share - share) / error)) if error else 1.0


def adjusted(p_values: pd.Series) -> pd.Series:
    """p-values of one family of features as false-discovery rates.

    Of all features that are called drifted at a rate of q, on average a share of at most q is not:
    Benjamini & Hochberg, Journal of the Royal Statistical Society B 57 (1995).
    """
    from scipy.stats import false_discovery_control  # slow, and the report page asks for none

    return pd.Series(false_discovery_control(p_values.to_numpy()), p_values.index)


def level(found: Stability, rate: float, *, watch: float, critical: float) -> Level:
    """none, watch or critical: at or above these indices, and beyond what chance alone gives.

    Beyond chance is an index above its `chance_limit` with a `rate` (a p-value, or the rate of
    false discoveries) below CHANCE.
    """
    if not (found.value > found.chance_limit and rate < CHANCE):
        return "none"
    return "critical" if found.value >= critical else "watch" if found.value >= watch else "none"
