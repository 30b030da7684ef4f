"""Scoring any loans with the champion of a day, in a notebook or by `python -m luigi_tasks score`.

What it says of a loan is loan_id, generation, prediction_proba (probability of default), prediction
(0 or 1 at predictions.threshold) and grade (1 is the best, by monitoring.grades). With reasons also
baseline, reason_1 … reason_4 (codes, the strongest first), words_1 … words_4 (what a customer is
told), contribution_1 … contribution_4 and rest, as `reasons` has them.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from luigi_tasks.core.settings import params
from luigi_tasks.generations import registry
from luigi_tasks.models import store
from luigi_tasks.models.explanations import Explainer
from luigi_tasks.models.grades import grade_of
from luigi_tasks.models.loan_model import LoanModel
from luigi_tasks.models.reason_codes import REASON_CODES, codes_by_feature
from luigi_tasks.models.reasons import STRONGEST, explained, strongest
from luigi_tasks.models.training_data import TrainingData

_SCORE = [
    ("generation", pa.int64()),
    ("prediction_proba", pa.float64()),
    ("prediction", pa.int64()),
    ("grade", pa.int64()),
]
_RANKS = range(1, STRONGEST + 1)
_REASONS = [
    ("baseline", pa.float64()),
    *((f"reason_{rank}", pa.string()) for rank in _RANKS),
    *((f"words_{rank}", pa.string()) for rank in _RANKS),
    *((f"contribution_{rank}", pa.float64()) for rank in _RANKS),
    ("rest", pa.float64()),
]


class Champion(NamedTuple):
    """A generation, its model, and what gives the reasons of its scores, if they are wanted."""

    generation: int
    model: LoanModel
    explainer: Explainer | None

    @property
    def needs(self) -> list[str]:
        """The columns that a loan has to have."""
        return ["loan_id", *self.model.feature_names_in_]

    def schema(self, loan_id: pa.DataType) -> pa.Schema:
        """The columns of `scored`; loan_id has the type that it came with."""
        reasons = _REASONS if self.explainer is not None else []
        return pa.schema([("loan_id", loan_id), *_SCORE, *reasons])


def champion(on: dt.date | None = None, *, with_reasons: bool = False) -> Champion:
    """The champion of a day, without one that of today, verified as everywhere.

    Raises PipelineError when its model, or what its reasons are explained by, is not there or not
    as it was published.
    """
    generation = registry.reigns(on or dt.date.max)[-1].generation
    if not with_reasons:
        return Champion(generation, store.load_model(generation), None)
    explainer, _ = explained(generation, TrainingData(generation=generation).path())
    return Champion(generation, explainer.model, explainer)


def scored(loans: pd.DataFrame, by: Champion) -> pd.DataFrame:
    """What the module says of each loan, in their order, with their index.

    `loans` have the columns that the champion `needs`, in any of the types that pandas has for
    them. Raises PipelineError as `feature_columns.as_fitted`.
    """
    values = by.model.prepared(loans)
    probability = by.model.predict_proba(values)[:, 1]
    settings = params()
    table = pd.DataFrame(
        {
            "loan_id": loans["loan_id"],
            "generation": by.generation,
            "prediction_proba": probability,
            "prediction": (probability >= settings["predictions.threshold"]).astype("int64"),
            "grade": grade_of(probability, settings["monitoring.grades"]),
        },
        index=loans.index,
    )
    if by.explainer is None:
        return table
    baseline, added = by.explainer.explain(values)
    codes = codes_by_feature(by.needs[1:], settings["explanations.not_told"])
    top = strongest(added, codes)
    words = {reason.code: reason.words for reason in REASON_CODES}
    for rank in _RANKS:
        top[f"words_{rank}"] = top[f"reason_{rank}"].map(words)
    told = top[[f"contribution_{rank}" for rank in _RANKS]].sum(axis=1)
    table = pd.concat([table, top], axis=1)
    table = table.assign(baseline=baseline, rest=added.sum(axis=1) - told)
    ordered: pd.DataFrame = table[by.schema(pa.string()).names]
    return ordered
