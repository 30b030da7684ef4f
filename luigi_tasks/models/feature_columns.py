"""Which columns of gold a model reads, and in which form."""

from __future__ import annotations

import fnmatch

import numpy as np
import pandas as pd

from luigi_tasks.core.errors import PipelineError

NOT_FEATURES = (
    "loan_id",
    "customer_id",
    "vintage",
    "loan_start_date",
    "prediction_date",
    "delinquent",
    "label",
    "label_date",
)


def select_features(columns: list[str], patterns: list[str]) -> list[str]:
    """The gold columns that match the patterns, in the order of gold.

    Raises PipelineError for a pattern that matches nothing.
    """
    candidates = [column for column in columns if column not in NOT_FEATURES]
    for pattern in patterns:
        if not fnmatch.filter(candidates, pattern):
            raise PipelineError(
                f"params.yaml: training.features: {pattern!r} matches no column of gold; "
                f"there are {', '.join(candidates)}"
            )
    return [c for c in candidates if any(fnmatch.fnmatch(c, pattern) for pattern in patterns)]


def model_input(frame: pd.DataFrame) -> pd.DataFrame:
    """What a model reads: numbers as float64, categories as text, missing as NaN."""
    columns = {}
    for name, values in frame.items():
        if values.dtype == object:
            columns[name] = values.where(values.notna(), np.nan)
        else:
            columns[name] = values.astype("float64")
    return pd.DataFrame(columns, index=frame.index)
