"""How far loans are from the distribution that was frozen at training."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from luigi_tasks.models.metadata import FrozenBins


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
