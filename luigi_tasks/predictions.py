"""Predictions: every loan at its prediction point, scored by the model of its time."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import luigi

from luigi_tasks.asof import AsOfTask
from luigi_tasks.errors import PipelineError
from luigi_tasks.gold import GoldFeatures
from luigi_tasks.targets import Directory
from luigi_tasks.task import in_datamart
from luigi_tasks.training import BestModel, load_model, read_metadata, read_training_data, score

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = [
    "customer_id",
    "loan_id",
    "vintage",
    "prediction_date",
    "generation",
    "sample",
    "prediction",
    "prediction_proba",
    "actual_label",
]


def unknown_to_models(scored: pd.DataFrame) -> pd.DataFrame:
    """The scored loans that tell how good a model is.

    Not those that it was fitted on, nor those of its training window that were left out.
    """
    return scored[~scored["sample"].isin(("train", "left_out"))]


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
    """train, test, left_out, unseen or live of loans scored by one generation.

    `split` is one of the first three by loan_id, for the loans of its training data. All other
    loans are live when their prediction month begins after `train_until`, else unseen: scored
    after the fact by a model that knew neither them nor their label.
    """
    import numpy as np
    import pandas as pd

    fresh = np.where(months > train_until, "live", "unseen")
    return loan_id.map(split).fillna(pd.Series(fresh, index=loan_id.index))


class Predictions(AsOfTask):
    """datamart/gold/model_predictions.parquet: one row a loan known on the as-of day.

    customer_id, loan_id, vintage, prediction_date, generation, sample, prediction (0 or 1 at
    predictions.threshold), prediction_proba (probability of default), actual_label (null until
    it has matured).
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
        import pandas as pd
        import pyarrow as pa
        import pyarrow.parquet as pq

        gold = pq.read_table(GoldFeatures().targets()[0].path).to_pandas()
        known = gold[gold["prediction_date"] <= self.as_of].reset_index(drop=True)
        metadata = {g: read_metadata(g) for g in self.generations()}
        train_until = {
            g: dt.date.fromisoformat(found["window"]["train_until"])
            for g, found in metadata.items()
        }
        if self.as_of < train_until[1]:
            raise PipelineError(
                f"--as-of {self.as_of} lies before the first model: it knows labels until "
                f"{train_until[1]} (training.train_until of params.yaml)"
            )
        if known.empty:
            raise PipelineError(f"--as-of {self.as_of}: no loan has reached its prediction point")
        months = months_of(known["prediction_date"])
        scored_by = generation_of(months, train_until)
        parts = []
        for generation, rows in known.groupby(scored_by):
            number = int(str(generation))
            data = read_training_data(number)
            split = data.set_index("loan_id")["split"]
            features = rows[metadata[number]["features"]]
            parts.append(
                rows.assign(
                    generation=number,
                    sample=sample_of(
                        rows["loan_id"], months[rows.index], train_until[number], split
                    ),
                    prediction_proba=score(load_model(number), features),
                    actual_label=rows["label"].where(rows["label_date"] <= self.as_of),
                )
            )
        scored = pd.concat(parts).sort_values("loan_id")
        flagged = scored["prediction_proba"] >= self.params["predictions.threshold"]
        scored["prediction"] = flagged.astype("int64")
        scored["actual_label"] = scored["actual_label"].astype("Int64")
        table = pa.Table.from_pandas(scored[COLUMNS], preserve_index=False)
        built[0].mkdir()
        pq.write_table(
            table.replace_schema_metadata(None),
            built[0] / "part-00000.parquet",
            compression="zstd",
        )
