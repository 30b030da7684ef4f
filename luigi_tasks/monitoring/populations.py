"""The populations of scored loans that tables of monitoring say the same of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from luigi_tasks.core import tables
from luigi_tasks.models import pseudonyms
from luigi_tasks.models.scored_loans import months_of, unknown_to_models
from luigi_tasks.models.training_sets import with_features

POPULATIONS = ("all", "performing")
_COLUMNS = [
    "prediction_date",
    "delinquent",
    "generation",
    "sample",
    "prediction_proba",
    "actual_label",
]


def populations(loans: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The loans of each of POPULATIONS: all, and those not in arrears at their prediction point."""
    return dict(zip(POPULATIONS, (loans, loans[~loans["delinquent"].astype(bool)]), strict=True))


def read_unknown_to_models(path: Path, more: Sequence[str] = ()) -> pd.DataFrame:
    """The predictions at a path that no model was fitted on.

    month (the first day of the prediction point's), delinquent, generation, sample,
    prediction_proba, actual_label (0 or 1, NaN until it has matured), and `more` columns.
    """
    table = tables.read(path, [*_COLUMNS, *more]).to_pandas()
    scored = unknown_to_models(table).reset_index(drop=True)
    return scored.assign(month=months_of(scored.pop("prediction_date")))


def with_columns_of_gold(
    scored: pd.DataFrame, gold: Path, columns: list[str], identifiers: str
) -> pd.DataFrame:
    """Predictions with these columns of gold; `identifiers` is predictions.identifiers."""
    if identifiers == "plain":
        return with_features(scored, gold, columns)
    values = tables.read(gold, ["loan_id", *columns]).to_pandas()
    return scored.merge(
        pseudonyms.as_in_predictions(values, identifiers),
        on="loan_id",
        how="left",
        validate="one_to_one",
    )
