"""The loan book with its scores: which model scores a loan, and what the score is worth.

The columns of the predictions are customer_id, loan_id, vintage, prediction_date, delinquent
(in arrears before the prediction point; a loan that is not is performing), generation, sample,
prediction (0 or 1 at predictions.threshold), prediction_proba (probability of default),
actual_label (null until it has matured).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from luigi_tasks.core import tables
from luigi_tasks.generations.registry import Reign, champion_of
from luigi_tasks.models import store
from luigi_tasks.models.scoring import score
from luigi_tasks.models.training_sets import read_samples

# The columns of the output that gold gives, and those that are read for the others.
KEYS = ["customer_id", "loan_id", "vintage", "prediction_date", "delinquent"]
LABEL = ["label", "label_date"]

SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("loan_id", pa.string()),
        ("vintage", pa.date32()),
        ("prediction_date", pa.date32()),
        ("delinquent", pa.bool_()),
        ("generation", pa.int64()),
        ("sample", pa.string()),
        ("prediction", pa.int64()),
        ("prediction_proba", pa.float64()),
        ("actual_label", pa.int64()),
    ]
)


@dataclass(frozen=True)
class ScoringModel:
    """What scoring needs of a generation; `known` says train or left_out by loan_id."""

    classifier: Any
    features: list[str]
    train_until: dt.date
    known: pd.Series


def scoring_model(generation: int, training_data: Path) -> ScoringModel:
    """The champion of a generation, from the model store, with the loans of its training data."""
    metadata = store.read_metadata(generation)
    return ScoringModel(
        store.load_model(generation),
        metadata.features,
        metadata.window.train_until,
        read_samples(training_data),
    )


def generation_of(months: pd.Series, reigns: Sequence[Reign]) -> pd.Series:
    """The generation that scores each month, as `champion_of`."""
    champions = {month: champion_of(month, reigns) for month in months.unique()}
    return months.map(champions).astype("int64")


def sample_of(
    loan_id: pd.Series, months: pd.Series, train_until: dt.date, known: pd.Series
) -> pd.Series:
    """train, left_out, unseen or live of scoring by one generation.

    `known` is one of the first two by loan_id, for the loans of its training data. All other
    loans are live when their prediction month begins after `train_until`, else unseen: scored
    after the fact by a model that knew neither them nor their label.
    """
    fresh = np.where(months > train_until, "live", "unseen")
    return loan_id.map(known).fillna(pd.Series(fresh, index=loan_id.index))


def score_loans(
    loans: pd.DataFrame,
    models: Mapping[int, ScoringModel],
    reigns: Sequence[Reign],
    as_of: dt.date,
    threshold: float,
) -> pd.DataFrame:
    """The columns of SCHEMA for loans of gold, in order, each by the champion of its month."""
    months = months_of(loans["prediction_date"])
    scored_by = generation_of(months, reigns)
    scored = []
    for generation, rows in loans.groupby(scored_by):
        model = models[int(str(generation))]
        sample = sample_of(rows["loan_id"], months[rows.index], model.train_until, model.known)
        proba = score(model.classifier, rows[model.features])
        scored.append(
            rows[KEYS].assign(
                generation=int(str(generation)),
                sample=sample,
                prediction=(proba >= threshold).astype("int64"),
                prediction_proba=proba,
                actual_label=rows["label"].where(rows["label_date"] <= as_of).astype("Int64"),
            )
        )
    return pd.concat(scored).loc[loans.index]


def months_of(dates: pd.Series) -> pd.Series:
    """The first day of each date's month; few dates occur, so that they are looked at once each."""
    return dates.map({day: day.replace(day=1) for day in dates.unique()})


def unknown_to_models(scored: pd.DataFrame) -> pd.DataFrame:
    """The scored loans that tell how good a model is.

    Not those that it was fitted on, nor those of its training window that were left out.
    """
    return scored[~scored["sample"].isin(("train", "left_out"))]


def with_scores(rows: pd.DataFrame, scored: pd.DataFrame) -> pd.DataFrame:
    """Rows of gold, in their order, with what is said of their loan; without those of no other.

    `rows` has the column loan_id, of which `scored` has an index without repetition.
    """
    place = scored.index.get_indexer(pd.Index(rows["loan_id"]))
    found = place >= 0
    said = scored.iloc[place[found]].reset_index(drop=True)
    return pd.concat([rows[found].reset_index(drop=True), said], axis=1)


def read_scores(path: Path) -> pd.DataFrame:
    """sample, prediction, prediction_proba and actual_label of all predictions at a path."""
    columns = ["sample", "prediction", "prediction_proba", "actual_label"]
    frame: pd.DataFrame = tables.read(path, columns).to_pandas()
    return frame
