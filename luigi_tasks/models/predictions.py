"""Predictions: every loan at its prediction point, scored by the model of its time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from luigi_tasks.core import tables
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.targets import Directory
from luigi_tasks.core.task import in_datamart
from luigi_tasks.generations.as_of import AsOfTask
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.models.training import BestModel, load_model, read_metadata, read_splits, score

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# The columns of the output that gold gives, and those that are read for the others.
KEYS = ["customer_id", "loan_id", "vintage", "prediction_date"]
LABEL = ["label", "label_date"]


def schema() -> pa.Schema:
    """Columns and types of the predictions."""
    import pyarrow as pa

    texts = [(name, pa.string()) for name in ("customer_id", "loan_id")]
    dates = [(name, pa.date32()) for name in ("vintage", "prediction_date")]
    return pa.schema(
        [
            *texts,
            *dates,
            ("generation", pa.int64()),
            ("sample", pa.string()),
            ("prediction", pa.int64()),
            ("prediction_proba", pa.float64()),
            ("actual_label", pa.int64()),
        ]
    )


@dataclass(frozen=True)
class ScoringModel:
    """What scoring needs of a generation; `split` says train, test or left_out by loan_id."""

    classifier: Any
    features: list[str]
    train_until: dt.date
    split: pd.Series

    @classmethod
    def of(cls, generation: int) -> ScoringModel:
        """The champion of a generation, from the model store."""
        metadata = read_metadata(generation)
        return cls(
            load_model(generation),
            metadata["features"],
            dt.date.fromisoformat(metadata["window"]["train_until"]),
            read_splits(generation),
        )


def unknown_to_models(scored: pd.DataFrame) -> pd.DataFrame:
    """The scored loans that tell how good a model is.

    Not those that it was fitted on, nor those of its training window that were left out.
    """
    return scored[~scored["sample"].isin(("train", "left_out"))]


def read_scores(path: Path) -> pd.DataFrame:
    """sample, prediction, prediction_proba and actual_label of all predictions at a path."""
    columns = ["sample", "prediction", "prediction_proba", "actual_label"]
    frame: pd.DataFrame = tables.read(path, columns).to_pandas()
    return frame


def months_of(dates: pd.Series) -> pd.Series:
    """The first day of each date's month."""
    return dates.map(lambda day: day.replace(day=1))


def generation_of(months: pd.Series, train_until: dict[int, dt.date]) -> pd.Series:
    """The generation that scores each month: the newest trained until a day before it.

    Months before the first model are scored by the first. A month that begins on the very day
    of a retrain was scored by the model before on that day, and stays with it.
    """
    first = min(train_until)

    def newest(month: dt.date) -> int:
        return max((g for g, until in train_until.items() if until < month), default=first)

    return months.map({month: newest(month) for month in months.unique()}).astype("int64")


def sample_of(
    loan_id: pd.Series, months: pd.Series, train_until: dt.date, split: pd.Series
) -> pd.Series:
    """train, test, left_out, unseen or live of scoring by one generation.

    `split` is one of the first three by loan_id, for the loans of its training data. All other
    loans are live when their prediction month begins after `train_until`, else unseen: scored
    after the fact by a model that knew neither them nor their label.
    """
    import numpy as np
    import pandas as pd

    fresh = np.where(months > train_until, "live", "unseen")
    return loan_id.map(split).fillna(pd.Series(fresh, index=loan_id.index))


def score_loans(
    loans: pd.DataFrame, models: Mapping[int, ScoringModel], as_of: dt.date, threshold: float
) -> pd.DataFrame:
    """The columns of `schema` for loans of gold, in their order, each by the model of its month."""
    import pandas as pd

    months = months_of(loans["prediction_date"])
    scored_by = generation_of(months, {g: model.train_until for g, model in models.items()})
    parts = []
    for generation, rows in loans.groupby(scored_by):
        model = models[int(str(generation))]
        sample = sample_of(rows["loan_id"], months[rows.index], model.train_until, model.split)
        proba = score(model.classifier, rows[model.features])
        parts.append(
            rows[KEYS].assign(
                generation=int(str(generation)),
                sample=sample,
                prediction=(proba >= threshold).astype("int64"),
                prediction_proba=proba,
                actual_label=rows["label"].where(rows["label_date"] <= as_of).astype("Int64"),
            )
        )
    return pd.concat(parts).loc[loans.index]


class Predictions(AsOfTask):
    """datamart/gold/model_predictions.parquet: one row a loan known on the as-of day.

    customer_id, loan_id, vintage, prediction_date, generation, sample, prediction (0 or 1 at
    predictions.threshold), prediction_proba (probability of default), actual_label (null until
    it has matured). The rows are in the order of gold, which is read batch by batch.
    """

    reads = ("predictions.threshold",)

    def generations(self) -> list[int]:
        """The generations known on the as-of day."""
        return list(range(1, self.generation + 1))

    def requires(self) -> list[luigi.Task]:
        return [GoldFeatures(), *(BestModel(generation=g) for g in self.generations())]

    def output(self) -> Directory:
        return self.place(Directory(in_datamart("gold", "model_predictions.parquet")))

    def build(self, *built: Path) -> None:
        import pyarrow as pa
        import pyarrow.dataset as ds

        models = {g: ScoringModel.of(g) for g in self.generations()}
        if self.as_of < models[1].train_until:
            raise PipelineError(
                f"--as-of {self.as_of} lies before the first model: it knows labels until "
                f"{models[1].train_until} (training.train_until of params.yaml)"
            )
        gold = GoldFeatures().targets()[0].path
        features = {name for model in models.values() for name in model.features}
        known = ds.field("prediction_date") <= pa.scalar(self.as_of)
        total = tables.count_rows(gold, known)
        if not total:
            raise PipelineError(f"--as-of {self.as_of}: no loan has reached its prediction point")
        with (
            tables.writing(built[0], schema()) as file,
            Progress(self, "scoring", total, "loans") as progress,
        ):
            for batch in tables.batches(gold, [*KEYS, *LABEL, *sorted(features)], known):
                scored = score_loans(
                    batch.to_pandas(), models, self.as_of, self.params["predictions.threshold"]
                )
                file.write_table(pa.Table.from_pandas(scored, schema(), preserve_index=False))
                progress.add(len(scored))
