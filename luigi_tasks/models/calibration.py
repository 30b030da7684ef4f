"""Calibration: scores that are the probabilities which held-out loans had."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

Floats = NDArray[np.float64]

# Scores of 0 and 1 have no log-odds.
_LEAST = 1e-6


def fit_calibrator(method: str, scores: Floats, labels: Any) -> Any:
    """What maps scores to probabilities; None for `none`.

    The scores, shape (n,), must be of loans that no model behind them was fitted on. `sigmoid` is
    the logistic regression of the labels on the log-odds of the scores: Platt, "Probabilistic
    outputs for support vector machines" (1999); `isotonic` their isotonic regression: Zadrozny &
    Elkan, "Transforming classifier scores into accurate multiclass probability estimates" (2002).
    """
    if method == "sigmoid":
        return LogisticRegression(C=1e6).fit(log_odds(scores).reshape(-1, 1), labels)
    if method == "isotonic":
        return IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, labels)
    return None


def calibrated(calibrator: Any, scores: Floats) -> Floats:
    """The calibrated scores, shape (n,)."""
    if calibrator is None:
        return scores
    if isinstance(calibrator, LogisticRegression):
        probabilities: Floats = calibrator.predict_proba(log_odds(scores).reshape(-1, 1))[:, 1]
    else:
        probabilities = calibrator.predict(scores)
    return probabilities


def log_odds(scores: Floats) -> Floats:
    """ln(p / (1 − p)) of probabilities, of the same shape; those of 0 and 1 are ± 13.8."""
    inside = np.clip(scores, _LEAST, 1 - _LEAST)
    odds: Floats = np.log(inside / (1 - inside))
    return odds
