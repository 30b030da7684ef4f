"""Which loans a generation learns from, and which of them are held out."""

from __future__ import annotations

import datetime as dt

import pandas as pd
from sklearn.model_selection import train_test_split

from luigi_tasks.core.errors import PipelineError

# `auto`: the first model waits for a full year of matured vintages.
FIRST_VINTAGES = 12


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
    """The loans whose label was known on a day: loan_id, vintage, delinquent, label, by loan_id.

    Raises PipelineError unless both classes are there.
    """
    known = gold[gold["label_date"].notna() & (gold["label_date"] <= train_until)]
    if known["label"].nunique() < 2:
        raise PipelineError(
            f"until {train_until} {len(known)} labels have matured; loans with and without "
            "default are needed to train"
        )
    frame = known[["loan_id", "vintage", "delinquent", "label"]].sort_values("loan_id")
    return frame.reset_index(drop=True)


def split_out_of_time(frame: pd.DataFrame, test_vintages: int) -> pd.Series:
    """ "test" for the newest `test_vintages` vintages, "train" for the others.

    Raises PipelineError when that leaves no vintage to fit on.
    """
    vintages = sorted(frame["vintage"].unique())
    if len(vintages) <= test_vintages:
        raise PipelineError(
            f"params.yaml: training.test_vintages = {test_vintages} leaves no vintage to fit on; "
            f"{len(vintages)} have matured"
        )
    is_test = frame["vintage"].isin(vintages[-test_vintages:])
    return is_test.map({True: "test", False: "train"})


def split_random(frame: pd.DataFrame, test_share: float, random_state: int) -> pd.Series:
    """ "test" for a stratified share of the rows, "train" for the others."""
    _, test = train_test_split(
        frame.index, test_size=test_share, random_state=random_state, stratify=frame["label"]
    )
    return pd.Series("train", index=frame.index).mask(frame.index.isin(test), "test")


def leave_out(frame: pd.DataFrame, max_rows: int, random_state: int) -> pd.Series:
    """The split of each row, "left_out" for all but `max_rows` of them.

    The same share of every vintage, label and split stays, but at least one row of each.
    """
    share = max_rows / len(frame)
    kept = [
        row
        for _, rows in frame.groupby(["vintage", "label", "split"])
        for row in rows.sample(n=max(1, int(len(rows) * share)), random_state=random_state).index
    ]
    return frame["split"].where(frame.index.isin(kept), "left_out")


def split_loans(
    frame: pd.DataFrame,
    *,
    split: str,
    max_rows: int,
    random_state: int,
    test_vintages: int = 0,
    test_share: float = 0.0,
) -> pd.Series:
    """train, test or left_out for each matured loan, by the settings of the same names."""
    if split == "random":
        splits = split_random(frame, test_share, random_state)
    else:
        splits = split_out_of_time(frame, test_vintages)
    if len(frame) > max_rows:
        return leave_out(frame.assign(split=splits), max_rows, random_state)
    return splits
