"""The probability of default that a fitted model gives to a loan."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from luigi_tasks.models.feature_columns import model_input


def score(model: Any, features: pd.DataFrame) -> NDArray[np.float64]:
    """The probability of default of each row, shape (n,).

    On one thread: sums over several would depend on the machine in their last digit.
    """
    with threadpool_limits(limits=1):
        probabilities: NDArray[np.float64] = model.predict_proba(model_input(features))[:, 1]
    return probabilities
