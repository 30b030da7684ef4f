"""The four strongest reasons for a loan's score, as codes.

The columns of the reasons are loan_id, customer_id, month (the first day of that of the prediction
point), generation, sample, score, baseline (the score of an average loan of the model's training
data), reason_1 … reason_4 (codes, the strongest first; null where fewer raise the score),
contribution_1 … contribution_4 (by how much, in probability) and rest (what all other features add
up to), so that score = baseline + Σ contribution + rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from luigi_tasks.core import tables
from luigi_tasks.models import store
from luigi_tasks.models.explanations import Explainer
from luigi_tasks.models.reason_codes import REASON_CODES, codes_by_feature
from luigi_tasks.models.scored_loans import months_of, unknown_to_models
from luigi_tasks.models.training_sets import read_training_frame

STRONGEST = 4
# A contribution up to this is rounding, and no reason.
_LEAST = 1e-6
_REASONS = [f"reason_{rank}" for rank in range(1, STRONGEST + 1)]
_CONTRIBUTIONS = [f"contribution_{rank}" for rank in range(1, STRONGEST + 1)]

SCHEMA = pa.schema(
    [
        ("loan_id", pa.string()),
        ("customer_id", pa.string()),
        ("month", pa.date32()),
        ("generation", pa.int64()),
        ("sample", pa.string()),
        ("score", pa.float64()),
        ("baseline", pa.float64()),
        *((name, pa.string()) for name in _REASONS),
        *((name, pa.float64()) for name in _CONTRIBUTIONS),
        ("rest", pa.float64()),
    ]
)


class Explained(NamedTuple):
    """What explains a generation's model, and the model's features."""

    explainer: Explainer
    features: list[str]


def explained(generation: int, training_data: Path) -> Explained:
    """The model of a generation, from the model store, with the loans of its training data."""
    metadata = store.read_metadata(generation)
    training = read_training_frame(training_data)
    loans = fitted_on(training, since_break=metadata.window.since is not None)
    explainer = Explainer(store.load_model(generation), loans[metadata.features])
    return Explained(explainer, metadata.features)


def fitted_on(training: pd.DataFrame, *, since_break: bool) -> pd.DataFrame:
    """The loans of a training frame that a model was fitted on: all, or those since a break."""
    return training[training["origin"] > 0] if since_break else training


def read_asked(predictions: Path, part: str) -> pd.DataFrame:
    """The first five columns of SCHEMA of a part's predictions that no model was fitted on.

    They are indexed by the first, loan_id.
    """
    columns = ["loan_id", "customer_id", "prediction_date", "generation", "sample"]
    scored = unknown_to_models(tables.dataset(predictions, [part]).to_table(columns).to_pandas())
    scored = scored.assign(month=months_of(scored.pop("prediction_date")))
    return scored.set_index("loan_id", verify_integrity=True)


def reasons(
    loans: pd.DataFrame, models: Mapping[int, Explained], not_told: Iterable[str]
) -> pd.DataFrame:
    """The columns of SCHEMA for scored loans, in their order.

    `loans` has the first five columns of SCHEMA and all features of the models by generation.
    Features that match `not_told` give no reason and count to the rest. Raises PipelineError for
    another feature without a code.
    """
    hidden = list(not_told)
    found = []
    for generation, own in loans.groupby("generation"):
        model = models[int(str(generation))]
        baseline, values = model.explainer.explain(own[model.features])
        facts = own[[name for name in SCHEMA.names if name in own]]
        total = values.sum(axis=1)
        top = strongest(values, codes_by_feature(model.features, hidden))
        rest = total - top[_CONTRIBUTIONS].sum(axis=1)
        scored = facts.assign(score=baseline + total, baseline=baseline)
        found.append(pd.concat([scored, top], axis=1).assign(rest=rest))
    table: pd.DataFrame = pd.concat(found).loc[loans.index, SCHEMA.names]
    return table


def strongest(values: pd.DataFrame, codes: Mapping[str, str]) -> pd.DataFrame:
    """reason_1 … and contribution_1 … of each loan, from what each feature adds to its score.

    `codes` are the codes of the features that may be told. The contributions of one code are
    added up; of equal ones the first of the table comes first.
    """
    order = [reason.code for reason in REASON_CODES if reason.code in codes.values()]
    sums = np.zeros((len(values), max(len(order), STRONGEST)))
    for feature, code in codes.items():
        sums[:, order.index(code)] += values[feature]
    ranked = np.argsort(-sums, axis=1, kind="stable")[:, :STRONGEST]
    added = np.take_along_axis(sums, ranked, axis=1)
    names = np.array([*order, *[None] * STRONGEST], dtype=object)[ranked]
    names[added <= _LEAST], added[added <= _LEAST] = None, np.nan
    top = pd.DataFrame(names, values.index, _REASONS)
    top[_CONTRIBUTIONS] = added
    return top
