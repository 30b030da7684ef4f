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
    """Largest distance by which the bad loans' scores lie above the good ones', 0 to 1."""
    from sklearn.metrics import roc_curve

    false_positive, true_positive, _ = roc_curve(labels, scores)
    return float((true_positive - false_positive).max())


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
    shares = count_bins(frozen, values) / max(len(values), 1)
    return {**frozen, "bins": _size(frozen) - 1, "n": len(values), "shares": shares.tolist()}


def _size(frozen: dict[str, Any]) -> int:
    """The number of bins with the one for missing."""
    return len(frozen["edges"] if "edges" in frozen else frozen["categories"]) + 2


def bin_of(frozen: dict[str, Any], values: pd.Series) -> NDArray[np.int64]:
    """The position of each value's bin, shape (n,); missing is the last."""
    import numpy as np

    last = _size(frozen) - 1
    if "edges" in frozen:
        found = np.searchsorted(frozen["edges"], values.to_numpy(dtype=float), side="left")
        return np.where(values.isna(), last, found)
    order = {category: i for i, category in enumerate(frozen["categories"])}
    known = values.map(order).fillna(last - 1).to_numpy(dtype=int)
    return np.where(values.isna(), last, known)


def count_bins(frozen: dict[str, Any], values: pd.Series) -> NDArray[np.int64]:
    """How many of the values lie in each bin, missing in the last."""
    import numpy as np

    return np.bincount(bin_of(frozen, values), minlength=_size(frozen))


def stability_index(frozen: dict[str, Any], counts: NDArray[np.int64], floor: float) -> float:
    """Population (or characteristic) stability index of values, by their `count_bins`.

    PSI = Σ (a − e) ln(a / e) over the bins, e the share in the reference and a the share now,
    each at least `floor`: Siddiqi, "Credit Risk Scorecards" (2006). NaN without values.
    """
    import numpy as np

    total = counts.sum()
    if not total:
        return math.nan
    actual = np.maximum(counts / total, floor)
    expected = np.maximum(frozen["shares"], floor)
    return float(np.sum((actual - expected) * np.log(actual / expected)))
