"""Scoring of any loans by a model of the store, outside the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from luigi_tasks.models import store
from luigi_tasks.models.explanations import explain
from luigi_tasks.models.feature_columns import as_fitted
from luigi_tasks.models.loan_model import LoanModel
from luigi_tasks.models.reason_codes import REASON_CODES, codes_by_feature
from luigi_tasks.models.reasons import STRONGEST, explained, strongest


def scored(
    loans: pd.DataFrame, generation: int, *, threshold: float, grades: Sequence[float]
) -> pd.DataFrame:
    """Loans with the features of a model, scored by it, row by row in their order.

    loan_id where there is one; generation; prediction_proba, the probability of default;
    prediction, 1 from `threshold` on; grade of the master scale with these upper bounds, from 1,
    the best. Raises PipelineError for a column that is missing or cannot be read.
    """
    model: LoanModel = store.load_model(generation)
    proba = model.predict_proba(loans)[:, 1]
    found = pd.DataFrame(
        {
            "generation": generation,
            "prediction_proba": proba,
            "prediction": (proba >= threshold).astype("int64"),
            "grade": np.searchsorted(grades, proba, side="right") + 1,
        },
        index=loans.index,
    )
    if "loan_id" in loans:
        found.insert(0, "loan_id", loans["loan_id"].astype(object))
    return found


def with_reasons(
    loans: pd.DataFrame, generation: int, training_data: Path, not_told: Sequence[str]
) -> pd.DataFrame:
    """reason_1 … reason_4 and words_1 … words_4 of the same loans, the strongest reason first.

    As in `reasons.parquet`; null where fewer raise the score. Features that match `not_told` give
    no reason. `training_data` is the dataset that the generation was fitted on.
    """
    known = explained(generation, {generation: training_data})
    values = as_fitted(loans, known.model.numbers, known.model.texts)[known.features]
    _, contributions = explain(known.model, known.training, values)
    top = strongest(contributions, codes_by_feature(known.features, not_told))
    words = {reason.code: reason.words for reason in REASON_CODES}
    names = [f"reason_{rank}" for rank in range(1, STRONGEST + 1)]
    told = top[names].rename(columns=lambda name: name.replace("reason", "words"))
    return pd.concat([top[names], told.apply(lambda codes: codes.map(words))], axis=1)


def columns_read(generation: int) -> list[str]:
    """The columns that the model of a generation reads."""
    return list(store.read_metadata(generation).features)
