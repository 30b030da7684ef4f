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


def as_fitted(frame: pd.DataFrame, numbers: list[str], texts: list[str]) -> pd.DataFrame:
    """The same of any frame, whatever library made it: these columns of it, in this order.

    Missing is None, NaN or pd.NA, and a text is one in any type of pandas, Arrow and Polars. Raises
    PipelineError when a column is missing or holds what is no number.
    """
    missing = [name for name in [*numbers, *texts] if name not in frame.columns]
    if missing:
        raise PipelineError(f"columns that the model reads are missing: {', '.join(missing)}")
    columns = {}
    for name in [*numbers, *texts]:
        values = frame[name].astype(object)
        values = values.where(values.notna(), np.nan)
        try:
            columns[name] = values if name in texts else values.astype("float64")
        except (TypeError, ValueError):
            raise PipelineError(f"column {name}: holds what is no number") from None
    return pd.DataFrame(columns, index=frame.index)
