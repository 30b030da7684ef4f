"""The model of the store: fitted candidates, and what calibrates the mean of their scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from threadpoolctl import threadpool_limits

from luigi_tasks.models.calibration import calibrated
from luigi_tasks.models.feature_columns import as_fitted

_BLOCK = 64


class LoanModel(ClassifierMixin, BaseEstimator):
    """One fitted candidate, or several that vote softly: the mean of their probabilities.

    It takes columns of gold as whoever read them has them (`feature_columns.as_fitted`), so that
    `joblib.load(…).predict_proba(loans)` gives the scores of the pipeline to the last bit.
    """

    def __init__(self, members: list[Any], calibrator: Any = None) -> None:
        self.members = members
        self.calibrator = calibrator

    @property
    def classes_(self) -> NDArray[np.int64]:
        """0 is good, 1 a default."""
        return np.array([0, 1])

    @property
    def feature_names_in_(self) -> NDArray[np.object_]:
        """The columns of gold that it reads, in the order of training."""
        names: NDArray[np.object_] = self.members[0].feature_names_in_
        return names

    def prepared(self, loans: pd.DataFrame) -> pd.DataFrame:
        """The features of loans as the members read them; raises PipelineError as `as_fitted`."""
        transformers = self.members[0].named_steps["prepare"].transformers_
        texts = next(columns for name, _, columns in transformers if name == "categories")
        return as_fitted(loans, list(self.feature_names_in_), texts)

    def fit(self, *_: Any) -> LoanModel:
        """It is made of fitted candidates; there is nothing to learn."""
        return self

    def predict_proba(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """The probabilities of good and default, shape (n, 2).

        A loan has the same score to the last bit whatever loans are scored with it: the number of
        rows is filled up to whole blocks, because a product of matrices adds up the rows that are
        left over in another order. On one thread, whose sums depend on no machine. Raises
        PipelineError as `prepared`.
        """
        values = self.prepared(features)
        n = len(values)
        if not n:
            return np.empty((0, 2))
        values = values.iloc[np.append(np.arange(n), np.full(-n % _BLOCK, n - 1))]
        with threadpool_limits(limits=1):
            votes = [member.predict_proba(values)[:, 1] for member in self.members]
            default = calibrated(self.calibrator, np.mean(votes, axis=0))[:n]
        return np.column_stack([1 - default, default])

    def predict(self, features: pd.DataFrame) -> NDArray[np.int64]:
        """0 or 1 at a probability of one half."""
        return (self.predict_proba(features)[:, 1] >= 0.5).astype("int64")
