"""Scored loans added up batch by batch: scores and labels, and counts in the frozen bins."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, cast

import numpy as np
import pandas as pd

from luigi_tasks.models.bins import locate
from luigi_tasks.models.feature_columns import model_input
from luigi_tasks.models.metadata import FrozenBins, ModelMetadata
from luigi_tasks.models.scored_loans import unknown_to_models
from luigi_tasks.monitoring.drift import stability_index

SCORE = "prediction_proba"


def frozen_bins(model: ModelMetadata) -> dict[str, FrozenBins]:
    """The reference of a model's score and of its features, by column."""
    return {SCORE: model.score_bins, **model.feature_bins}


class Tally:
    """Some loans that one model has scored, added up batch by batch.

    It keeps the score and the label of every loan, and of its features only how many loans lie
    in each frozen bin.
    """

    def __init__(self, model: ModelMetadata, floor: float) -> None:
        self._model, self._floor = model, floor
        self._frozen = frozen_bins(model)
        self._counts: dict[str, Any] = dict.fromkeys(self._frozen, 0)
        self._loans: list[pd.DataFrame] = []

    def add(self, rows: pd.DataFrame, bins: pd.DataFrame) -> None:
        """Count more loans; `bins` are those of their score and features."""
        self._loans.append(rows[["vintage", SCORE, "actual_label", "new_label"]])
        for name, frozen in self._frozen.items():
            size = len(frozen.shares)
            self._counts[name] = self._counts[name] + np.bincount(bins[name], minlength=size)

    def __add__(self, other: Tally) -> Tally:
        both = Tally(self._model, self._floor)
        both._loans = [*self._loans, *other._loans]
        both._counts = {name: own + other._counts[name] for name, own in self._counts.items()}
        return both

    def loans(self) -> pd.DataFrame:
        """vintage, prediction_proba, actual_label and new_label of every loan."""
        return pd.concat(self._loans, ignore_index=True)

    def psi(self) -> float:
        """The population stability index of the score."""
        return self._index(SCORE)

    def csi(self) -> dict[str, dict[str, float]]:
        """{feature: {csi, missing_share}}."""
        by_feature = {}
        for name in self._model.feature_bins:
            counts = self._counts[name]
            missing = float(counts[-1] / counts.sum())
            by_feature[name] = {"csi": self._index(name), "missing_share": missing}
        return by_feature

    def _index(self, name: str) -> float:
        return stability_index(self._frozen[name], self._counts[name], self._floor)


Tallies = dict[tuple[int, str], dict[dt.date, Tally]]


def bins_of(rows: pd.DataFrame, model: ModelMetadata) -> pd.DataFrame:
    """The frozen bin of every score and feature of loans that one model has scored."""
    frozen = frozen_bins(model)
    values = model_input(rows[list(frozen)])
    return pd.DataFrame(
        {name: locate(bins, values[name]) for name, bins in frozen.items()}, rows.index
    )


def tally(
    batches: Iterable[pd.DataFrame],
    models: Mapping[int, ModelMetadata],
    newest_train_until: dt.date,
    floor: float,
) -> Tallies:
    """The loans that no model was fitted on, by (generation, sample) and month, in order."""
    tallies: Tallies = {}
    for batch in batches:
        fresh = unknown_to_models(batch).reset_index(drop=True)
        new_label = fresh["actual_label"].notna() & (fresh["label_date"] > newest_train_until)
        for scored_by, own in fresh.assign(new_label=new_label).groupby("generation"):
            generation = int(str(scored_by))
            bins = bins_of(own, models[generation])
            for key, rows in own.groupby(["sample", "month"]):
                sample, month = cast(tuple[str, dt.date], key)
                months = tallies.setdefault((generation, sample), {})
                known = months.setdefault(month, Tally(models[generation], floor))
                known.add(rows, bins.loc[rows.index])
    return {key: dict(sorted(months.items())) for key, months in sorted(tallies.items())}
