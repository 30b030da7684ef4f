"""How far scores are probabilities of default, and how sure that is.

The log-odds of a default are taken for a straight line over those of the score (Cox, Biometrika
45, 1958), one line for loans in arrears at their prediction point and one for performing loans.
Before any label is known the line is that of a calibrated model, give or take; labels then move it
(maximum a posteriori), as far as they are many.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from luigi_tasks.models.calibration import log_odds

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DRAWS = 400
_SEED = 19_580_101
# Intercept and slope before any label is known: those of calibrated scores, and the standard
# deviations of both, about what models have on vintages that they did not know.
_PRIOR = np.array([0.0, 1.0])
_SPREAD = np.array([0.2, 0.15])


@dataclass(frozen=True)
class Belief:
    """Lines by performing (0) and delinquent (1).

    `lines` are the most probable ones, of shape (2, [intercept, slope]); `draws`, of shape
    (DRAWS, 2, [intercept, slope]), what else they may be.
    """

    lines: Floats
    draws: Floats

    def expected(self, scores: Floats, delinquent: Bools) -> Floats:
        """The probabilities of default by the most probable lines, shape (n,)."""
        chance: Floats = _at(self.lines[None], scores, delinquent)[0]
        return chance

    def drawn(self, scores: Floats, delinquent: Bools) -> Floats:
        """The same by the drawn lines, shape (DRAWS, n)."""
        return _at(self.draws, scores, delinquent)


def _at(lines: Floats, scores: Floats, delinquent: Bools) -> Floats:
    own = lines[:, delinquent.astype(int)]
    # Scores of 0 and 1 stay what they are: no label can tell how sure such a model may be.
    inside = (scores > 0) & (scores < 1)
    chance: Floats = np.where(inside, expit(own[..., 0] + own[..., 1] * log_odds(scores)), scores)
    return chance


AS_SCORED = Belief(np.tile(_PRIOR, (2, 1)), np.tile(_PRIOR, (DRAWS, 2, 1)))
"""Every score is the probability, without a doubt."""


def belief_from(loans: pd.DataFrame) -> Belief:
    """What loans say of the lines: delinquent, prediction_proba, actual_label (NaN: unknown)."""
    known = loans[loans["actual_label"].notna()]
    late = known["delinquent"].to_numpy(dtype=bool)
    scores = known["prediction_proba"].to_numpy(dtype=float)
    labels = known["actual_label"].to_numpy(dtype=float)
    random = np.random.Generator(np.random.PCG64(_SEED))
    found = [most_probable(log_odds(scores[own]), labels[own]) for own in (~late, late)]
    draws = [
        line
        + np.einsum("ij,kj->ik", random.standard_normal((DRAWS, 2)), np.linalg.cholesky(spread))
        for line, spread in found
    ]
    return Belief(np.stack([line for line, _ in found]), np.stack(draws, axis=1))


def most_probable(odds: Floats, labels: Floats) -> tuple[Floats, Floats]:
    """Intercept and slope, shape (2,), of labels over log-odds, and their covariance (Laplace).

    By Newton's method from the prior; each step is halved until it makes them more probable.
    """
    precision = np.diag(_SPREAD**-2)
    order = np.lexsort((labels, odds))
    x = np.stack([np.ones(len(odds)), odds[order]])
    y = labels[order]

    def loss(line: Floats) -> float:
        margin = np.einsum("i,ij->j", line, x)
        off = line - _PRIOR
        return float((np.logaddexp(0, margin) - y * margin).sum() + off @ precision @ off / 2)

    line = _PRIOR
    for _ in range(50):
        chance = expit(np.einsum("i,ij->j", line, x))
        curvature = np.einsum("ij,kj,j->ik", x, x, chance * (1 - chance)) + precision
        slope = np.einsum("ij,j->i", x, chance - y) + precision @ (line - _PRIOR)
        step = np.linalg.solve(curvature, slope)
        if np.abs(step).max() < 1e-10:
            break
        while loss(line - step) > loss(line) and np.abs(step).max() > 1e-10:
            step = step / 2
        line = line - step
    return line, np.linalg.inv(curvature)
