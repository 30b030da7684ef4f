"""Scored loans added up batch by batch: scores and labels, and counts in the frozen bins."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from luigi_tasks.core.parallel import in_order
from luigi_tasks.models.bins import locate
from luigi_tasks.models.feature_columns import model_input
from luigi_tasks.models.metadata import FrozenBins, ModelMetadata
from luigi_tasks.models.scored_loans import unknown_to_models
from luigi_tasks.monitoring.drift import Stability, stability

SCORE = "prediction_proba"
# What is kept of every loan; label_day is the ordinal of label_date.
LOAN = ["vintage", "delinquent", SCORE, "actual_label", "new_label", "label_day"]
_NEVER = dt.date.max.toordinal()
# The score once more, held against the reference of performing loans.
PERFORMING_SCORE = f"{SCORE} of performing loans"


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
        self._frozen = {**frozen_bins(model), PERFORMING_SCORE: model.performing_score_bins}
        self._counts: dict[str, Any] = {
            name: np.zeros(len(frozen.shares), dtype=np.int64)
            for name, frozen in self._frozen.items()
        }
        self._loans: list[pd.DataFrame] = []

    def add(self, rows: pd.DataFrame, bins: pd.DataFrame) -> None:
        """Count more loans; `bins` are those of their score and features."""
        self._loans.append(rows[LOAN])
        for name, located in bins.items():
            counted = located[~rows["delinquent"]] if name == PERFORMING_SCORE else located
            self._counts[str(name)] += np.bincount(
                counted, minlength=len(self._frozen[str(name)].shares)
            )

    def __add__(self, other: Tally) -> Tally:
        both = Tally(self._model, self._floor)
        both._loans = [*self._loans, *other._loans]
        both._counts = {name: own + other._counts[name] for name, own in self._counts.items()}
        return both

    def loans(self) -> pd.DataFrame:
        """The columns LOAN of every loan."""
        return pd.concat(self._loans, ignore_index=True)

    @property
    def n(self) -> int:
        """How many loans there are."""
        return sum(map(len, self._loans))

    def n_matured(self, day: dt.date) -> int:
        """How many labels were known on a day."""
        return sum(int((rows["label_day"] <= day.toordinal()).sum()) for rows in self._loans)

    def as_known(self, day: dt.date) -> Tally:
        """The same loans without the labels that were not known on a day."""
        known = Tally(self._model, self._floor)
        known._counts = self._counts
        known._loans = [
            rows.assign(
                actual_label=rows["actual_label"].where(rows["label_day"] <= day.toordinal())
            )
            for rows in self._loans
        ]
        return known

    def psi(self, *, performing: bool = False) -> Stability:
        """The population stability index of the score, of all loans or of the performing ones."""
        return self._stability(PERFORMING_SCORE if performing else SCORE)

    def csi(self) -> dict[str, Stability]:
        """The characteristic stability index of every feature, by its name."""
        return {name: self._stability(name) for name in self._model.feature_bins}

    def gaps(self, name: str) -> dict[str, float]:
        """How often a feature is missing, and how often a category that training had not seen.

        missing_share and, in the reference, reference_missing_share; unseen_share, which is NaN
        of a number.
        """
        frozen, counts = self._frozen[name], self._counts[name]
        total = counts.sum()
        unseen = counts[-2] / total if frozen.categories is not None else math.nan
        return {
            "missing_share": float(counts[-1] / total),
            "reference_missing_share": frozen.shares[-1],
            "unseen_share": float(unseen),
            "reference_n": frozen.n,
        }

    def _stability(self, name: str) -> Stability:
        return stability(self._frozen[name], self._counts[name], self._floor)


ByMonth = dict[dt.date, Tally]


@dataclass(frozen=True)
class Tallies:
    """Loans by (generation, sample) and month, in order.

    `first_days` are those of them with the prediction point on the first day of the month, for
    the months in which others follow.
    """

    months: dict[tuple[int, str], ByMonth]
    first_days: dict[tuple[int, str], ByMonth]


def bins_of(rows: pd.DataFrame, model: ModelMetadata) -> pd.DataFrame:
    """The frozen bin of every score and feature of loans that one model has scored."""
    frozen = frozen_bins(model)
    values = model_input(rows[list(frozen)])
    located = {name: locate(bins, values[name]) for name, bins in frozen.items()}
    located[PERFORMING_SCORE] = locate(model.performing_score_bins, values[SCORE])
    return pd.DataFrame(located, rows.index)


def tally(
    batches: Iterable[pd.DataFrame],
    models: Mapping[int, ModelMetadata],
    newest_train_until: dt.date,
    floor: float,
) -> Tallies:
    """The loans that no model was fitted on."""

    def located(batch: pd.DataFrame) -> list[tuple[int, pd.DataFrame, pd.DataFrame]]:
        fresh = unknown_to_models(batch).reset_index(drop=True)
        new_label = fresh["actual_label"].notna() & (fresh["label_date"] > newest_train_until)
        fresh = fresh.assign(
            new_label=new_label,
            label_day=[_NEVER if pd.isna(d) else d.toordinal() for d in fresh["label_date"]],
            later=fresh["prediction_date"] != fresh["month"],
        )
        by_model = ((int(str(g)), own) for g, own in fresh.groupby("generation"))
        return [(g, own, bins_of(own, models[g])) for g, own in by_model]

    parts: dict[tuple[int, str], dict[tuple[dt.date, bool], Tally]] = {}
    for batch in in_order(located, batches):
        for generation, own, bins in batch:
            for key, rows in own.groupby(["sample", "month", "later"]):
                sample, month, later = cast(tuple[str, dt.date, bool], key)
                by_month = parts.setdefault((generation, sample), {})
                known = by_month.setdefault((month, later), Tally(models[generation], floor))
                known.add(rows, bins.loc[rows.index])
    months: dict[tuple[int, str], ByMonth] = {}
    first_days: dict[tuple[int, str], ByMonth] = {}
    for which, by_month in sorted(parts.items()):
        months[which], first_days[which] = {}, {}
        for month in sorted({month for month, _ in by_month}):
            nothing = Tally(models[which[0]], floor)
            on_first = by_month.get((month, False), nothing)
            others = by_month.get((month, True))
            months[which][month] = on_first + others if others else on_first
            if others:
                first_days[which][month] = on_first
    return Tallies(months, first_days)
