"""The performance of a month before its labels have matured, estimated from the scores alone.

Confidence-based estimation: each label is taken for an independent draw with the loan's score as
its probability of default. Kivimäki et al., "Performance estimation in binary classification using
calibrated confidence" (2025, arXiv:2505.05295). It is right as far as the scores are calibrated: it
sees other loans come, but not that loans of a score default more often than before. So it is a
view, and never clears a model: governance does not read it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from luigi_tasks.models import metrics
from luigi_tasks.monitoring.populations import populations

Floats = NDArray[np.float64]

ESTIMATED = ("auc", "precision", "recall", "brier")
COLUMNS = {
    "month": "object",
    "generation": "int64",
    "sample": "object",
    "population": "object",
    "metric": "object",
    "estimated": "float64",
    "low": "float64",
    "high": "float64",
    "n": "int64",
    "realised": "float64",
    "n_matured": "int64",
}
_DRAWS = 400
_SEED = 20_250_505
# Loans whose labels are drawn at a time: 13 MB a matrix.
_BLOCK = 4096


class Estimate(NamedTuple):
    """ESTIMATED in order: what is expected, and between what 95 % of the draws lie; or NaN."""

    expected: Floats
    low: Floats
    high: Floats


def estimated_performance(scored: pd.DataFrame, *, threshold: float) -> pd.DataFrame:
    """One row a month, generation, sample, population and metric.

    `scored` has month, generation, sample, delinquent, prediction_proba and actual_label (NaN until
    it has matured). month (its first day); generation; sample; population (all, performing; one
    without a loan has no row); metric (ESTIMATED); estimated, low, high as of `estimate` over all
    `n` loans; realised (the metric over the `n_matured` loans whose label has matured; null where
    it cannot be said).
    """
    keys = ["month", "generation", "sample"]
    rows: list[dict[str, Any]] = []
    for key, own in scored.groupby(keys):
        for population, loans in populations(own).items():
            if not len(loans):
                continue
            found = estimate(loans["prediction_proba"].to_numpy(dtype=float), threshold)
            matured = loans[loans["actual_label"].notna()]
            truth = realised(matured, threshold)
            rows += [
                {
                    **dict(zip(keys, key, strict=True)),
                    "population": population,
                    "metric": name,
                    "estimated": found.expected[i],
                    "low": found.low[i],
                    "high": found.high[i],
                    "n": len(loans),
                    "realised": truth[i],
                    "n_matured": len(matured),
                }
                for i, name in enumerate(ESTIMATED)
            ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def estimate(scores: Floats, threshold: float) -> Estimate:
    """What ESTIMATED would be if every loan defaulted with the probability that is its score.

    `scores` are of shape (n,); a default is predicted from `threshold` on. Precision (Σ p over the
    flagged ÷ flagged) and Brier score (mean of p(1 − p)) are expected values; recall (Σ p over the
    flagged ÷ Σ p) and AUC (expected pairs in order ÷ expected pairs, of p(1 − q) for a loan of
    score p and another of q) are quotients of such, right for many loans. The interval is that of
    drawn sets of labels between the ranks (draws + 1) · 2.5 % and · 97.5 %: one set more lies in it
    with 95 %. The same scores, in any order, give the same bytes.
    """
    p = np.sort(scores)
    first = int(np.searchsorted(p, threshold))
    flagged = p[first:]
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = flagged.sum() / np.float64(len(flagged))
        recall = flagged.sum() / p.sum()
    expected = np.array([_expected_auc(p), precision, recall, (p * (1 - p)).mean()])
    low, high = _interval(_of_drawn_labels(p, first))
    return Estimate(expected, low, high)


def _expected_auc(p: Floats) -> float:
    """Expected pairs of a default above a good loan ÷ expected pairs; a tie is half a pair.

    `p` ascends. A loan makes no pair with itself.
    """
    good = 1 - p
    below = np.append(0.0, np.cumsum(good))
    first, after = np.searchsorted(p, p, side="left"), np.searchsorted(p, p, side="right")
    itself = (p * good).sum()
    in_order = (p * (below[first] + below[after])).sum() / 2 - itself / 2
    pairs = p.sum() * good.sum() - itself
    return float(in_order / pairs) if pairs > 0 else np.nan


def _of_drawn_labels(p: Floats, first: int) -> Floats:
    """ESTIMATED of drawn sets of labels, of shape (metrics, draws); NaN where it has none.

    `p` ascends; a default is predicted of the loans from index `first` on. By einsum, because BLAS
    adds up in another order on another number of cores.
    """
    n = len(p)
    ranks, excess = rankdata(p), 1 - 2 * p
    random = np.random.Generator(np.random.PCG64(_SEED))
    defaults, hits, rank_sum, excess_sum = np.zeros((4, _DRAWS))
    for start in range(0, n, _BLOCK):
        block = slice(start, start + _BLOCK)
        chance = p[block].astype(np.float32)
        drawn = random.random((_DRAWS, len(chance)), dtype=np.float32) < chance
        labels = drawn.astype(np.float64)
        defaults += np.count_nonzero(drawn, axis=1)
        hits += np.count_nonzero(drawn[:, max(0, first - start) :], axis=1)
        rank_sum += np.einsum("ij,j->i", labels, ranks[block])
        excess_sum += np.einsum("ij,j->i", labels, excess[block])
    with np.errstate(divide="ignore", invalid="ignore"):
        pairs = defaults * (n - defaults)
        return np.stack(
            [
                (rank_sum - defaults * (defaults + 1) / 2) / pairs,
                hits / np.float64(n - first),
                hits / defaults,
                ((p**2).sum() + excess_sum) / n,
            ]
        )


def _interval(drawn: Floats) -> tuple[Floats, Floats]:
    """The ends of the middle 95 % of each row, over the draws that have a value."""
    low, high = np.full((2, len(drawn)), np.nan)
    for i, values in enumerate(drawn):
        known = values[np.isfinite(values)]
        if len(known):
            low[i], high[i] = np.quantile(known, [0.025, 0.975], method="weibull")
    return low, high


def realised(matured: pd.DataFrame, threshold: float) -> Floats:
    """ESTIMATED of loans whose label is known; NaN where it cannot be said."""
    if not len(matured):
        return np.full(len(ESTIMATED), np.nan)
    labels = matured["actual_label"].to_numpy(dtype=float)
    scores = matured["prediction_proba"].to_numpy(dtype=float)
    precision, recall, _ = metrics.at_threshold(labels, scores, threshold)
    (brier,) = metrics.brier(labels, scores, threshold)
    area = metrics.auc(labels, scores, threshold)[0]
    return np.array([area, precision, recall, brier], dtype=float)
