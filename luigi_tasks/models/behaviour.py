"""The behavioural score: an application score, updated by how the loan has been repaid so far."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from luigi_tasks.models.calibration import log_odds

Floats = NDArray[np.float64]


class BehaviouralScore(ClassifierMixin, BaseEstimator):
    """Log-odds of the application score + those by repayment history − those of the default rate.

    That is Bayes' rule for a history that, among loans of one outcome, says nothing about the other
    features. Early arrears all but prove a default: fitted on both together, a classifier learns
    from the loans in arrears that they are in arrears, and nothing of what brought them there. Here
    the application score learns that from all defaults, early and late.

    The first `history` prepared columns are the repayment history, of which a logistic regression
    is made; `application` is the classifier of all others.
    """

    def __init__(self, application: Any, history: int) -> None:
        self.application = application
        self.history = history

    def fit(self, prepared: Floats, labels: Any) -> BehaviouralScore:
        """Fit both parts, the classifier in place as a pipeline does; shapes (n, columns), (n,)."""
        self.application.fit(prepared[:, self.history :], labels)
        self.update_ = LogisticRegression(max_iter=1000).fit(prepared[:, : self.history], labels)
        self.classes_ = self.update_.classes_
        self.base_ = float(log_odds(np.array([np.mean(labels)]))[0])
        return self

    def update(self, prepared: Floats) -> Floats:
        """What the repayment history adds to the log-odds of the application score, shape (n,)."""
        added: Floats = self.update_.decision_function(prepared[:, : self.history]) - self.base_
        return added

    def decision_function(self, prepared: Floats) -> Floats:
        """The log-odds of default, shape (n,)."""
        score = self.application.predict_proba(prepared[:, self.history :])[:, 1]
        odds: Floats = log_odds(score) + self.update(prepared)
        return odds

    def predict_proba(self, prepared: Floats) -> Floats:
        """The probabilities of good and default, shape (n, 2)."""
        default = expit(self.decision_function(prepared))
        return np.column_stack([1 - default, default])
