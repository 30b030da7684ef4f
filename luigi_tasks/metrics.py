"""Measures of a scored batch: discrimination, calibration and drift.

Scores are probabilities of default, labels 0 or 1 (1 is a default).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Two-sided 95 % of the standard normal distribution.
Z95 = 1.959963984540054

METRICS = ("auc", "auc_low", "auc_high", "precision", "recall", "f1", "ks", "brier")


def evaluate(labels: Any, scores: Any, threshold: float) -> dict[str, float | None]:
    """METRICS for labels and scores of shape (n,).

    Precision, recall and F1 are those of `score >= threshold`; they are None where they have no
    denominator. AUC, its interval and KS are None unless both classes are there.
    """
    import numpy as np

    y = np.asarray(labels, dtype=float)
    p = np.asarray(scores, dtype=float)
    found: dict[str, float | None] = dict.fromkeys(METRICS)
    if len(y) == 0:
        return found
    found["brier"] = float(np.mean((p - y) ** 2))
    flagged = p >= threshold
    hits = float(y[flagged].sum())
    found["precision"] = _share(hits, float(flagged.sum()))
    found["recall"] = _share(hits, float(y.sum()))
    found["f1"] = _share(2 * hits, float(flagged.sum() + y.sum()))
    if 0 < y.sum() < len(y):
        found["auc"], found["auc_low"], found["auc_high"] = auc_interval(y, p)
        found["ks"] = kolmogorov_smirnov(y, p)
    return found


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def auc_interval(labels: Floats, scores: Floats) -> tuple[float, float, float]:
    """Area under the ROC curve with its 95 % confidence interval (AUC, low, high).

    DeLong's variance by mid-ranks: Sun & Xu, "Fast implementation of DeLong's algorithm", IEEE
    Signal Processing Letters 21 (2014). With fewer than two of a class the interval is [0, 1].
    """
    import numpy as np
    from scipy.stats import rankdata

    bad, good = scores[labels == 1], scores[labels == 0]
    m, n = len(bad), len(good)
    ranks = rankdata(np.concatenate([bad, good]))
    above_good = (ranks[:m] - rankdata(bad)) / n
    below_bad = 1 - (ranks[m:] - rankdata(good)) / m
    auc = float(above_good.mean())
    if m < 2 or n < 2:
        return auc, 0.0, 1.0
    spread = math.sqrt(above_good.var(ddof=1) / m + below_bad.var(ddof=1) / n)
    return auc, max(0.0, auc - Z95 * spread), min(1.0, auc + Z95 * spread)


def kolmogorov_smirnov(labels: Floats, scores: Floats) -> float:
    """Largest distance between the score distributions of good and bad loans, 0 to 1."""
    from scipy.stats import ks_2samp

    return float(ks_2samp(scores[labels == 1], scores[labels == 0], method="asymp").statistic)


def freeze_bins(values: pd.Series, bins: int) -> dict[str, Any]:
    """The reference distribution of a feature or score, in JSON.

    A number gets up to `bins` quantile bins with open outer edges: bin i holds
    edges[i − 1] < x <= edges[i]. Equal quantiles leave fewer bins: `bins` says how many there
    are. A text gets a bin for each category and one for those not seen. Missing is the last
    bin. `shares` are the shares of the n values by bin.
    """
    import numpy as np

    known = values.dropna()
    if values.dtype.kind in "fiub":
        inner = np.quantile(known, np.arange(1, bins) / bins) if len(known) else np.array([])
        frozen: dict[str, Any] = {"edges": np.unique(inner).tolist()}
    else:
        frozen = {"categories": sorted(known.unique().tolist())}
    shares = _counts(frozen, values) / max(len(values), 1)
    return {**frozen, "bins": len(shares) - 1, "n": len(values), "shares": shares.tolist()}


def _counts(frozen: dict[str, Any], values: pd.Series) -> Floats:
    """Rows by bin: the bins in order, then missing."""
    import numpy as np

    known = values.dropna()
    if "edges" in frozen:
        position = np.searchsorted(frozen["edges"], known.to_numpy(dtype=float), side="left")
        size = len(frozen["edges"]) + 1
    else:
        order = {category: i for i, category in enumerate(frozen["categories"])}
        size = len(order) + 1
        position = known.map(order).fillna(len(order)).to_numpy(dtype=int)
    counts = np.bincount(position, minlength=size).astype(float)
    return np.append(counts, len(values) - len(known))


def stability_index(frozen: dict[str, Any], values: pd.Series, floor: float) -> float | None:
    """Population (or characteristic) stability index of values against frozen bins.

    PSI = Σ (a − e) ln(a / e) over the bins, e the share in the reference and a the share now,
    each at least `floor`: Siddiqi, "Credit Risk Scorecards" (2006). None without values.
    """
    import numpy as np

    if len(values) == 0:
        return None
    actual = np.maximum(_counts(frozen, values) / len(values), floor)
    expected = np.maximum(frozen["shares"], floor)
    return float(np.sum((actual - expected) * np.log(actual / expected)))
