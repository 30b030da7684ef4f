"""Which loans a generation learns from, and which of them are held out."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.generations.registry import FIRST_VINTAGES

# What is read of every loan.
LOAN = ["loan_id", "vintage", "prediction_date", "delinquent", "label", "label_date"]
FOLDS = 5


def first_train_until(gold: pd.DataFrame) -> dt.date:
    """The first day on which FIRST_VINTAGES vintages have matured.

    It looks at the calendar of the vintages only, never at what their labels are, and stays the
    same when later vintages arrive. Raises PipelineError when too few have matured.
    """
    known = gold.dropna(subset=["label_date"])
    matured = sorted(known.groupby("vintage")["label_date"].max())
    if len(matured) < FIRST_VINTAGES:
        raise PipelineError(
            f"training.train_until = auto needs {FIRST_VINTAGES} matured vintages and the data "
            f"have {len(matured)}; give a date"
        )
    day: dt.date = max(matured[:FIRST_VINTAGES])
    return day


def matured_loans(gold: pd.DataFrame, train_until: dt.date) -> pd.DataFrame:
    """The loans whose label was known on a day, by loan_id.

    loan_id, vintage, prediction_date, delinquent, label, label_date.

    Raises PipelineError unless both classes are there.
    """
    known = gold[gold["label_date"].notna() & (gold["label_date"] <= train_until)]
    if known["label"].nunique() < 2:
        raise PipelineError(
            f"until {train_until} {len(known)} labels have matured; loans with and without "
            "default are needed to train"
        )
    return known[LOAN].sort_values("loan_id").reset_index(drop=True)


def origins_of(frame: pd.DataFrame, origins: int) -> pd.Series:
    """Which origin holds out each loan: the newest `origins` vintages have 1, 2, …, others 0.

    Raises PipelineError when that leaves no vintage to fit on.
    """
    vintages = sorted(frame["vintage"].unique())
    if len(vintages) <= origins:
        raise PipelineError(
            f"params.yaml: training.origins = {origins} leaves no vintage to fit on; "
            f"{len(vintages)} have matured"
        )
    numbers = {vintage: number for number, vintage in enumerate(vintages[-origins:], start=1)}
    return frame["vintage"].map(numbers).fillna(0).astype("int64")


def folds_since(frame: pd.DataFrame, since: dt.date, random_state: int) -> pd.Series:
    """Which fold holds out each loan: 1 to FOLDS for those predicted from a month on, others 0.

    After a break too few vintages have matured to hold out whole ones: the newest is what there is
    to learn from. The folds are drawn by loan, of about equal size.
    """
    after = frame.index[frame["prediction_date"] >= since]
    shuffled = np.random.default_rng(random_state).permutation(len(after))
    folds = pd.Series(0, index=frame.index, dtype="int64")
    folds[after] = shuffled % FOLDS + 1
    return folds


def is_kept(frame: pd.DataFrame, max_rows: int, random_state: int) -> pd.Series:
    """Whether each loan is used: all, or of more than `max_rows` about so many.

    The same share of every vintage and label stays, but at least one row of each.
    """
    if len(frame) <= max_rows:
        return pd.Series(True, index=frame.index)
    share = max_rows / len(frame)
    kept = [
        row
        for _, rows in frame.groupby(["vintage", "label"])
        for row in rows.sample(n=max(1, int(len(rows) * share)), random_state=random_state).index
    ]
    return pd.Series(frame.index.isin(kept), index=frame.index)
