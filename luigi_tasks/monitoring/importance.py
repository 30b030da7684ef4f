"""Which features the model needs: how much worse it orders loans when one feature is shuffled.

Permutation importance: Breiman, "Random forests", Machine Learning 45 (2001); Fisher, Rudin &
Dominici, "All models are wrong, but many are useful", JMLR 20 (2019).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from luigi_tasks.models.calibration import calibrated
from luigi_tasks.models.explanations import columns_by_feature
from luigi_tasks.models.feature_columns import model_input
from luigi_tasks.models.loan_model import LoanModel
from luigi_tasks.models.metrics import auc

COLUMNS = {
    "generation": "int64",
    "feature": "object",
    "auc_drop": "float64",
    "auc_drop_std": "float64",
    "auc": "float64",
    "n": "int64",
    "n_defaults": "int64",
}
REPEATS = 5
# Of more loans so many are taken, at equal steps: a hundred thousand tell no more of a model.
MOST_LOANS = 2_000
_SEED = 20_190_101


def sampled(loans: pd.DataFrame) -> pd.DataFrame:
    """The loans, or MOST_LOANS of them at equal steps."""
    if len(loans) <= MOST_LOANS:
        return loans
    return loans.iloc[np.arange(MOST_LOANS) * len(loans) // MOST_LOANS]


def feature_importance(
    generation: int, model: LoanModel, features: pd.DataFrame, labels: Any
) -> pd.DataFrame:
    """One row a feature, the one that is needed most first; empty without an AUC.

    `features` as in gold and `labels` (0 or 1) are of loans that the model was not fitted on.
    generation; feature; auc_drop and auc_drop_std (mean and standard deviation, over REPEATS
    shuffles of the feature among the loans, of how far the AUC falls); auc (of the loans as they
    are); n; n_defaults. All columns that one feature was encoded in are shuffled together.
    """
    y = np.asarray(labels, dtype=float)
    if not 0 < y.sum() < len(y):
        return pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS)
    rows = []
    with threadpool_limits(limits=1):
        values = model_input(features)
        prepared = [member[:-1].transform(values) for member in model.members]
        area = _auc(model, prepared, y)
        random = np.random.Generator(np.random.PCG64(_SEED))
        orders = [random.permutation(len(y)) for _ in range(REPEATS)]
        for feature in values.columns:
            own = [
                np.array([source == feature for source in columns_by_feature(member)])
                for member in model.members
            ]
            drops = [area - _auc(model, _shuffled(prepared, own, order), y) for order in orders]
            rows.append((generation, feature, np.mean(drops), np.std(drops, ddof=1), area))
    table = pd.DataFrame(rows, columns=list(COLUMNS)[:5])
    table = table.assign(n=len(y), n_defaults=int(y.sum())).astype(COLUMNS)
    return table.sort_values("auc_drop", ascending=False, kind="stable", ignore_index=True)


def _shuffled(
    prepared: list[NDArray[np.float64]], own: list[NDArray[np.bool_]], order: NDArray[np.int64]
) -> list[NDArray[np.float64]]:
    """The prepared columns of each member with its own columns of a feature in another order."""
    return [
        np.where(columns, z[order], z) if columns.any() else z
        for z, columns in zip(prepared, own, strict=True)
    ]


def _auc(model: LoanModel, prepared: list[NDArray[np.float64]], labels: Any) -> float:
    votes = [
        member.named_steps["classify"].predict_proba(z)[:, 1]
        for member, z in zip(model.members, prepared, strict=True)
    ]
    scores = calibrated(model.calibrator, np.mean(votes, axis=0))
    return float(auc(labels, scores, 0.5)[0] or 0.0)
