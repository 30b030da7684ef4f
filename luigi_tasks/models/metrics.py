"""Measures of a scored batch against its labels. A new metric is a function here.

Scores are probabilities of default, labels 0 or 1 (1 is a default), both of shape (n,).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, rankdata
from sklearn.metrics import roc_curve

from luigi_tasks.models.confidence import Z95

Floats = NDArray[np.float64]
Measure = Callable[[Floats, Floats, float], tuple[float | None, ...]]

_MEASURES: list[tuple[tuple[str, ...], Measure]] = []


def metric(*names: str) -> Callable[[Measure], Measure]:
    """Register a function of (labels, scores, threshold) that gives these metrics in order.

    It is called with at least one loan; None stands for what cannot be said of the batch.
    """

    def register(measure: Measure) -> Measure:
        _MEASURES.append((names, measure))
        return measure

    return register


def evaluate(labels: Any, scores: Any, threshold: float) -> dict[str, float | None]:
    """METRICS for labels and scores of shape (n,); all None without a loan.

    Precision, recall and F1 are those of `score >= threshold`; they are None where they have no
    denominator. AUC, its interval and KS are None unless both classes are there.
    """
    y = np.asarray(labels, dtype=float)
    p = np.asarray(scores, dtype=float)
    if len(y) == 0:
        return dict.fromkeys(METRICS)
    return {
        name: value
        for names, measure in _MEASURES
        for name, value in zip(names, measure(y, p, threshold), strict=True)
    }


@metric("auc", "auc_low", "auc_high")
def auc(labels: Floats, scores: Floats, _: float) -> tuple[float | None, ...]:
    """Area under the ROC curve with its 95 % confidence interval."""
    return auc_interval(labels, scores) if _has_both_classes(labels) else (None, None, None)


@metric("precision", "recall", "f1")
def at_threshold(labels: Floats, scores: Floats, threshold: float) -> tuple[float | None, ...]:
    """Precision, recall and F1 of predicting a default from the threshold on."""
    flagged = scores >= threshold
    hits = float(labels[flagged].sum())
    return (
        _share(hits, float(flagged.sum())),
        _share(hits, float(labels.sum())),
        _share(2 * hits, float(flagged.sum() + labels.sum())),
    )


@metric("ks")
def ks(labels: Floats, scores: Floats, _: float) -> tuple[float | None, ...]:
    """The Kolmogorov-Smirnov distance."""
    return (kolmogorov_smirnov(labels, scores) if _has_both_classes(labels) else None,)


@metric("brier")
def brier(labels: Floats, scores: Floats, _: float) -> tuple[float | None, ...]:
    """Mean squared difference of score and label: Brier, Monthly Weather Review 78 (1950)."""
    return (float(np.mean((scores - labels) ** 2)),)


@metric("brier_reliability", "brier_resolution", "brier_uncertainty")
def brier_parts(labels: Floats, scores: Floats, _: float) -> tuple[float | None, ...]:
    """What the Brier score is made of, by deciles of the score.

    Reliability (0 is best) − resolution (more is better) + uncertainty: Murphy, Journal of Applied
    Meteorology 12 (1973). Their sum is the Brier score but for the spread within the deciles.
    """
    groups = score_groups(scores)
    rate, n = labels.mean(), np.bincount(groups)
    means = np.bincount(groups, scores) / n, np.bincount(groups, labels) / n
    return (
        float((n * (means[0] - means[1]) ** 2).sum() / len(labels)),
        float((n * (means[1] - rate) ** 2).sum() / len(labels)),
        float(rate * (1 - rate)),
    )


@metric("calibration_gap", "calibration_z")
def calibration_in_the_large(labels: Floats, scores: Floats, _: float) -> tuple[float | None, ...]:
    """Mean score less default rate, and that in standard errors: above 0 the scores are too high.

    The error is that of a sum of independent defaults with these probabilities.
    """
    error = math.sqrt((scores * (1 - scores)).sum())
    excess = float(scores.sum() - labels.sum())
    return excess / len(labels), excess / error if error else None


@metric("calibration_slope", "calibration_intercept")
def calibration_line(labels: Floats, scores: Floats, _: float) -> tuple[float | None, ...]:
    """Slope and intercept of the labels' log-odds over those of the scores; 1 and 0 are best.

    A slope below 1 is of scores that are too extreme: Cox, Biometrika 45 (1958). None unless both
    classes and two different scores are there.
    """
    clipped = np.clip(scores, 1e-6, 1 - 1e-6)
    odds = np.log(clipped / (1 - clipped))
    if not _has_both_classes(labels) or odds.min() == odds.max():
        return None, None
    return logistic_line(odds, labels)


@metric("hosmer_lemeshow_p")
def hosmer_lemeshow(labels: Floats, scores: Floats, _: float) -> tuple[float | None, ...]:
    """The p-value of the Hosmer-Lemeshow test over deciles of the score.

    As many degrees of freedom as groups, because the model was not fitted on these loans: Hosmer
    & Lemeshow, "Applied Logistic Regression". On many loans it rejects every model; what the
    difference amounts to say the gap, the slope and the reliability.
    """
    groups = score_groups(scores)
    n, expected = np.bincount(groups), np.bincount(groups, scores)
    spread = expected * (1 - expected / n)
    if not (spread > 0).all():
        return (None,)
    statistic = ((np.bincount(groups, labels) - expected) ** 2 / spread).sum()
    return (float(chi2.sf(statistic, len(n))),)


METRICS = tuple(name for names, _ in _MEASURES for name in names)


def score_groups(scores: Floats, groups: int = 10) -> NDArray[np.int64]:
    """The quantile group of each score, 0, 1, …; equal quantiles leave fewer groups."""
    edges = np.unique(np.quantile(scores, np.arange(1, groups) / groups))
    return np.unique(np.searchsorted(edges, scores, side="left"), return_inverse=True)[1]


def _has_both_classes(labels: Floats) -> bool:
    return bool(0 < labels.sum() < len(labels))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def auc_interval(labels: Floats, scores: Floats) -> tuple[float, float, float]:
    """Area under the ROC curve with its 95 % confidence interval (AUC, low, high).

    DeLong's variance by mid-ranks: Sun & Xu, "Fast implementation of DeLong's algorithm", IEEE
    Signal Processing Letters 21 (2014); scikit-learn and SciPy have no variance of an AUC. With
    fewer than two of a class the interval is [0, 1].
    """
    bad, good = scores[labels == 1], scores[labels == 0]
    m, n = len(bad), len(good)
    ranks = rankdata(np.concatenate([bad, good]))
    above_good = (ranks[:m] - rankdata(bad)) / n
    below_bad = 1 - (ranks[m:] - rankdata(good)) / m
    area = float(above_good.mean())
    if m < 2 or n < 2:
        return area, 0.0, 1.0
    spread = math.sqrt(above_good.var(ddof=1) / m + below_bad.var(ddof=1) / n)
    return area, max(0.0, area - Z95 * spread), min(1.0, area + Z95 * spread)


def logistic_line(x: Floats, labels: Floats) -> tuple[float | None, float | None]:
    """Slope and intercept of the logistic regression of labels on one variable.

    By Newton's method, at a hundredth of what scikit-learn takes for it. None where it finds no
    end, as of labels that the variable separates without a fault.
    """
    slope, intercept = 1.0, 0.0
    for _ in range(30):
        expected = 1 / (1 + np.exp(-np.clip(slope * x + intercept, -500, 500)))
        weight, rest = expected * (1 - expected), labels - expected
        w, wx, wxx = weight.sum(), (weight * x).sum(), (weight * x * x).sum()
        determinant = w * wxx - wx * wx
        if determinant < 1e-9:
            break
        r, rx = rest.sum(), (rest * x).sum()
        step = (w * rx - wx * r) / determinant, (wxx * r - wx * rx) / determinant
        slope, intercept = slope + step[0], intercept + step[1]
        if max(map(abs, step)) < 1e-9:
            return float(slope), float(intercept)
    return None, None


def kolmogorov_smirnov(labels: Floats, scores: Floats) -> float:
    """Largest distance by which the bad loans' scores lie above the good ones', 0 to 1."""
    false_positive, true_positive, _ = roc_curve(labels, scores)
    return float((true_positive - false_positive).max())
