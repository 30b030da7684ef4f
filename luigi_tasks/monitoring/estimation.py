"""The performance of a month before its labels have matured, estimated from the scores.

Confidence-based estimation: each label is taken for an independent draw with the loan's probability
of default. Kivimäki et al., "Performance estimation in binary classification using calibrated
confidence" (2025, arXiv:2505.05295). The probability is the score, calibrated on the loans whose
labels were known when the month was scored (`score_lines`). The estimate sees other loans come, but
not that loans of a score default more often than before, until labels say so. So it is a view, and
never clears a model: governance does not read it.
"""

from __future__ import annotations

from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from luigi_tasks.core.parallel import in_order
from luigi_tasks.models import metrics
from luigi_tasks.monitoring.populations import populations
from luigi_tasks.monitoring.score_lines import AS_SCORED, DRAWS, Belief, belief_from

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

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
_SEED = 20_250_505
# Loans whose labels are drawn at a time: 13 MB a matrix.
_BLOCK = 4096


class Estimate(NamedTuple):
    """ESTIMATED in order: what is expected, and between what 95 % of the draws lie; or NaN."""

    expected: Floats
    low: Floats
    high: Floats


def estimated_performance(
    scored: pd.DataFrame, *, threshold: float, prediction_mob: int, observation_mob: int
) -> pd.DataFrame:
    """One row a month, generation, sample, population and metric.

    `scored` has month, generation, sample, delinquent, prediction_proba and actual_label (NaN until
    it has matured). month (its first day); generation; sample; population (all, performing; one
    without a loan has no row); metric (ESTIMATED); estimated, low, high as of `estimate` over all
    `n` loans; realised (the metric over the `n_matured` loans whose label has matured; null where
    it cannot be said).

    Scores are calibrated on the matured loans of the generation that were scored observation_mob −
    prediction_mob months before, or earlier: those whose labels have matured by the end of the
    month. Its own labels do not take part, even when they are known.
    """
    keys = ["month", "generation", "sample"]
    number = scored["month"].map(lambda day: 12 * day.year + day.month)

    def rows_of(month: tuple[Any, pd.DataFrame]) -> list[dict[str, Any]]:
        key, own = month
        before = number <= number[own.index[0]] - max(1, observation_mob - prediction_mob)
        belief = belief_from(scored[before & (scored["generation"] == key[1])])
        rows = []
        for population, loans in populations(own).items():
            if not len(loans):
                continue
            found = estimate(
                loans["prediction_proba"].to_numpy(dtype=float),
                threshold,
                loans["delinquent"].to_numpy(dtype=bool),
                belief,
            )
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
        return rows

    rows = chain.from_iterable(in_order(rows_of, scored.groupby(keys)))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def estimate(
    scores: Floats, threshold: float, delinquent: Bools | None = None, belief: Belief = AS_SCORED
) -> Estimate:
    """What ESTIMATED would be if every loan defaulted with its probability.

    `scores` are of shape (n,), as is `delinquent` (by default none is); a default is predicted from
    `threshold` on. The probability p of a loan is its score s, moved as `belief` says. Precision
    (Σ p over the flagged ÷ flagged) and Brier score (mean of p(1 − s)² + (1 − p)s²) are expected
    values; recall (Σ p over the flagged ÷ Σ p) and AUC (expected pairs in order ÷ expected pairs,
    of p(1 − q) for loans of p and q) are quotients of such, right for many loans. The interval is
    that of sets of labels, each drawn by one line of the belief, between the ranks
    (draws + 1) · 2.5 % and · 97.5 %: one set more lies in it with 95 %. The same loans, in any
    order, give the same bytes.
    """
    late = np.zeros(len(scores), dtype=bool) if delinquent is None else delinquent
    order = np.lexsort((late, scores))
    s, late = scores[order], late[order]
    p = belief.expected(s, late)
    first = int(np.searchsorted(s, threshold))
    flagged = p[first:]
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = flagged.sum() / np.float64(len(flagged))
        recall = flagged.sum() / p.sum()
    brier = (p * (1 - s) ** 2 + (1 - p) * s**2).mean()
    expected = np.array([_expected_auc(s, p), precision, recall, brier])
    low, high = _interval(_of_drawn_labels(s, late, belief, first))
    return Estimate(expected, low, high)


def _expected_auc(s: Floats, p: Floats) -> float:
    """Expected pairs of a default above a good loan ÷ expected pairs; a tie is half a pair.

    The scores ascend. A loan makes no pair with itself.
    """
    good = 1 - p
    below = np.append(0.0, np.cumsum(good))
    first, after = np.searchsorted(s, s, side="left"), np.searchsorted(s, s, side="right")
    itself = (p * good).sum()
    in_order = (p * (below[first] + below[after])).sum() / 2 - itself / 2
    pairs = p.sum() * good.sum() - itself
    return float(in_order / pairs) if pairs > 0 else np.nan


def _of_drawn_labels(s: Floats, late: Bools, belief: Belief, first: int) -> Floats:
    """ESTIMATED of drawn sets of labels, of shape (metrics, draws); NaN where it has none.

    The scores ascend; a default is predicted of the loans from index `first` on. By einsum, because
    BLAS adds up in another order on another number of cores.
    """
    n = len(s)
    ranks, excess = rankdata(s), 1 - 2 * s
    random = np.random.Generator(np.random.PCG64(_SEED))
    defaults, hits, rank_sum, excess_sum = np.zeros((4, DRAWS))
    for start in range(0, n, _BLOCK):
        block = slice(start, start + _BLOCK)
        chance = belief.drawn(s[block], late[block])
        drawn = random.random(chance.shape, dtype=np.float32) < chance
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
                ((s**2).sum() + excess_sum) / n,
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
