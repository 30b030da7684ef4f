"""The datasets of a generation's training data, as published: where they lie, how to read them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from luigi_tasks.core import tables

TRAINING, LEFT_OUT = "training.parquet", "left_out.parquet"
NOT_FEATURES = (
    "loan_id",
    "vintage",
    "delinquent",
    "label",
    "label_date",
    "origin",
    "train_until",
    "since",
)


def write_training_sets(folder: Path, frame: pd.DataFrame, left_out: pd.DataFrame) -> None:
    """Make the folder with both datasets: the training frame, and the loans left out."""
    folder.mkdir()
    tables.write_frame(folder / TRAINING, frame)
    tables.write_frame(folder / LEFT_OUT, left_out)


def with_features(frame: pd.DataFrame, gold: Path, features: list[str]) -> pd.DataFrame:
    """The rows of a frame with these columns of gold; only they are read."""
    wanted = ds.field("loan_id").isin(pa.array(frame["loan_id"], pa.string()))
    values = tables.read(gold, ["loan_id", *features], wanted).to_pandas()
    return frame.merge(values, on="loan_id", how="left", validate="one_to_one")


def read_training_frame(folder: Path) -> pd.DataFrame:
    """loan_id, vintage, delinquent, label, label_date, origin, train_until, since, the features.

    The loans of origin 1, 2, … are held out by the models of the comparison (`rolling`); those of
    origin 0 by none. `since` is the first month after a break, or null.
    """
    frame: pd.DataFrame = tables.read(folder / TRAINING).to_pandas()
    return frame


def features_in(frame: pd.DataFrame) -> list[str]:
    """The feature columns of a training frame."""
    return [name for name in frame.columns if name not in NOT_FEATURES]


def read_samples(folder: Path) -> pd.Series:
    """train or left_out by loan_id, for the loans whose label a generation could know."""
    samples: pd.Series = pd.concat(
        [
            tables.read(folder / name, ["loan_id"]).to_pandas().assign(sample=sample)
            for name, sample in ((TRAINING, "train"), (LEFT_OUT, "left_out"))
        ]
    ).set_index("loan_id")["sample"]
    return samples
