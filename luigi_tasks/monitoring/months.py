"""The parts of the monitoring: a month each, and on what of the predictions each rests.

A month rests on the loans of its window and, when a decision is taken on its first day, on all
live loans up to it. What is delivered of later months leaves it as it is, unless a label of one
of these loans has matured.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from luigi_tasks.core import digests, tables
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.records import as_json
from luigi_tasks.models.metadata import ModelMetadata
from luigi_tasks.models.scored_loans import months_of, unknown_to_models


@dataclass
class Months:
    """The prediction months of loans that tell how good a model is.

    `of` are the months by generation and sample, `parts` the parts of the predictions by month.
    """

    of: dict[tuple[int, str], set[dt.date]] = field(default_factory=dict)
    parts: dict[dt.date, set[str]] = field(default_factory=dict)

    def parts_with(self, months: Collection[dt.date]) -> list[str]:
        """The parts of the predictions in which loans of these months lie, in their order."""
        return sorted({part for month in months for part in self.parts[month]})


def read_months(predictions: Path) -> Months:
    """Read the predictions for the months of their loans."""
    found = Months()
    for part in tables.parts_of(predictions):
        rows = tables.dataset(predictions, [part]).to_table(
            ["generation", "sample", "prediction_date"]
        )
        days = unknown_to_models(rows.group_by(rows.column_names).aggregate([]).to_pandas())
        months = months_of(days["prediction_date"])
        for month, generation, sample in zip(
            months, days["generation"], days["sample"], strict=True
        ):
            found.of.setdefault((int(generation), str(sample)), set()).add(month)
            found.parts.setdefault(month, set()).add(part)
    return found


class Part(NamedTuple):
    """The months that a part tells of, the decision days in it, and the months that it rests on.

    A decision day is in the part of the newest month with a loan.
    """

    months: set[dt.date]
    days: list[dt.date]
    rests_on: set[dt.date]


def parts_by_month(
    months: Months, champion: int, days: Collection[dt.date], window_months: int, *, by_month: bool
) -> dict[str, Part]:
    """The parts by their names; what is not kept `by_month` has ONE_PART.

    `days` are those on which decisions are taken about the `champion`.
    """
    found: dict[str, Part] = {}
    for month in sorted(months.parts):
        name = f"{month:%Y-%m}" if by_month else tables.ONE_PART
        part = found.setdefault(name, Part(set(), [], set()))
        part.months.add(month)
        for own in months.of.values():
            if month in own:
                part.rests_on.update(sorted(m for m in own if m <= month)[-window_months:])
    live = months.of.get((champion, "live"), set())
    for day in days:
        before = [name for name, part in found.items() if min(part.months) <= day]
        for newest in before[-1:]:
            found[newest].days.append(day)
            found[newest].rests_on.update(m for m in live if m <= day)
    return found


def recipe_of(
    part: Part,
    months: Months,
    sources: Mapping[str, Mapping[str, str]],
    models: Mapping[int, ModelMetadata],
    champion: int,
) -> Recipe:
    """All that determines a part, beside the settings.

    `sources` are the digests of the parts of the predictions and of gold. Of the models that have
    scored the loans their frozen bins count, of the `champion` what it knew.
    """
    names = months.parts_with(part.rests_on)
    scored_by = {generation for (generation, _), own in months.of.items() if own & part.rests_on}
    bins = {str(g): _digest_of_bins(models[g]) for g in sorted(scored_by)}
    return {
        **{
            source: digests.of_json({name: known[name] for name in names})
            for source, known in sources.items()
        },
        "bins": bins,
        "train_until": str(models[champion].window.train_until),
        "decided_on": {str(champion): [str(day) for day in part.days]} if part.days else None,
    }


def _digest_of_bins(model: ModelMetadata) -> str:
    return digests.of_json(
        {
            "score": as_json(model.score_bins),
            "score of performing loans": as_json(model.performing_score_bins),
            "features": {name: as_json(bins) for name, bins in model.feature_bins.items()},
        }
    )
