"""Which columns of gold a model reads, and in which form."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import infer_dtype, is_numeric_dtype

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
    texts = {name for name, values in frame.items() if not is_numeric_dtype(values.dtype)}
    columns = {
        name: _texts(values) if name in texts else _numbers(values)
        for name, values in frame.items()
    }
    return pd.DataFrame(columns, index=frame.index)


def as_fitted(frame: pd.DataFrame, features: Sequence[str], texts: Iterable[str]) -> pd.DataFrame:
    """The same of the features of a fitted model, in their order; `texts` are its categories.

    However they are stored: as NumPy's, pandas' nullable or Arrow's types, texts as objects,
    strings or categories, what is missing as None, NaN or NA, in any order and among other
    columns. Raises PipelineError with the names of columns that are missing or there twice, or
    that hold something else than numbers or texts.
    """
    if not isinstance(frame, pd.DataFrame):
        raise PipelineError(f"a model scores a pandas DataFrame, not {type(frame).__name__}")
    missing = missing_of(frame.columns, features)
    if missing:
        raise PipelineError(f"the model needs columns that are missing: {', '.join(missing)}")
    categories, columns = set(texts), {}
    for name in features:
        values = frame[name]
        if isinstance(values, pd.DataFrame):
            raise PipelineError(f"column {name} is there twice")
        try:
            columns[name] = _texts(values) if name in categories else _numbers(values)
        except (TypeError, ValueError) as error:
            raise PipelineError(f"column {name}: {' '.join(str(error).split())}") from None
        if name in categories and infer_dtype(columns[name], skipna=True) not in _TEXTS:
            raise PipelineError(f"column {name} holds something else than texts")
        if name not in categories and np.isinf(columns[name]).any():
            raise PipelineError(f"column {name} holds an infinite number")
    return pd.DataFrame(columns, index=frame.index)


def missing_of(columns: Iterable[Any], features: Sequence[str]) -> list[str]:
    """The features that are none of the columns, in their order."""
    there = set(columns)
    return [name for name in features if name not in there]


# What pandas calls a column of nothing but texts, and one of nothing.
_TEXTS = ("string", "empty")


def _numbers(values: pd.Series) -> NDArray[np.float64]:
    if values.dtype == np.float64:
        return values.to_numpy()
    if values.dtype.kind in "mM":
        raise TypeError(f"{values.dtype} is no number")
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    return values.to_numpy(dtype="float64", na_value=np.nan)


def _texts(values: pd.Series) -> NDArray[np.object_]:
    found: NDArray[np.object_] = values.astype(object).to_numpy(copy=True)
    found[values.isna().to_numpy()] = np.nan
    return found
