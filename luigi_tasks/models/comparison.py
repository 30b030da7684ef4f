"""A challenger against the champion, on loans that neither was fitted on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from luigi_tasks.models.confidence import Z95
from luigi_tasks.models.metadata import Comparison, Swap

Floats = NDArray[np.float64]


def compare(labels: Any, champion: Any, challenger: Any, threshold: float) -> Comparison:
    """What changes when the challenger decides, by the scores of both for the same loans.

    All of shape (n,): labels 0 or 1, scores probabilities of default. A loan is approved when its
    score is below the threshold. Without both classes there are no AUCs.
    """
    y = np.asarray(labels, dtype=float)
    old, new = np.asarray(champion, dtype=float), np.asarray(challenger, dtype=float)
    is_known = bool(len(y)) and 0 < y.sum() < len(y)
    test = paired_delong(y, old, new) if is_known else {}
    approved = old < threshold, new < threshold
    return Comparison(
        loans=len(y),
        default_rate=_mean(y),
        **test,
        champion_gap=_mean(old - y),
        challenger_gap=_mean(new - y),
        champion_approval_rate=_mean(approved[0]),
        challenger_approval_rate=_mean(approved[1]),
        swapped_in=_swap(y[~approved[0] & approved[1]]),
        swapped_out=_swap(y[approved[0] & ~approved[1]]),
    )


def paired_delong(labels: Floats, old: Floats, new: Floats) -> dict[str, float]:
    """AUCs of two scores of the same loans, their difference, its 95 % interval and p-value.

    DeLong, DeLong & Clarke-Pearson, Biometrics 44 (1988), by mid-ranks: Sun & Xu, IEEE Signal
    Processing Letters 21 (2014). The p-value is two-sided. With fewer than two of a class, or
    without any spread, the difference is 0 or certain: the interval has no width and p is 1 or 0.
    """
    parts = [_placements(labels, scores) for scores in (old, new)]
    aucs = [float(above.mean()) for above, _ in parts]
    difference = aucs[1] - aucs[0]
    variance = 0.0
    for of_old, of_new in zip(*parts, strict=True):
        gained = of_new - of_old
        if len(gained) > 1:
            variance += float(gained.var(ddof=1)) / len(gained)
    spread = math.sqrt(variance)
    chance = float(2 * norm.sf(abs(difference) / spread)) if spread else float(difference == 0)
    return {
        "champion_auc": aucs[0],
        "challenger_auc": aucs[1],
        "difference": difference,
        "difference_low": difference - Z95 * spread,
        "difference_high": difference + Z95 * spread,
        "p_value": chance,
    }


def _placements(labels: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """For each bad loan the share of good ones below it; for each good loan of bad ones above."""
    bad, good = scores[labels == 1], scores[labels == 0]
    ranks = rankdata(np.concatenate([bad, good]))
    above = (ranks[: len(bad)] - rankdata(bad)) / len(good)
    below = 1 - (ranks[len(bad) :] - rankdata(good)) / len(bad)
    return above, below


def _swap(labels: Floats) -> Swap:
    return Swap(loans=len(labels), default_rate=_mean(labels))


def _mean(values: Any) -> float | None:
    return float(np.mean(values)) if len(values) else None
