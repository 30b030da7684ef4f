"""The parts of the predictions, those of gold: on what each rests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow.compute as pc

from luigi_tasks.core import tables
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.task import Stage
from luigi_tasks.generations.registry import Reign, champion_of
from luigi_tasks.generations.releases import Batch
from luigi_tasks.models.released import model_digest


class Days(NamedTuple):
    """The prediction dates of a part of gold, and the newest day on which it has something new."""

    first: dt.date
    last: dt.date
    settled: dt.date


def days_of(gold: Path, part: str) -> Days | None:
    """The days of a part of gold; None without a row."""
    rows = tables.dataset(gold, [part]).to_table(["prediction_date", "label_date"])
    if not rows.num_rows:
        return None
    first, last = pc.min_max(rows["prediction_date"]).values()
    label = pc.max(rows["label_date"]).as_py()
    return Days(first.as_py(), last.as_py(), max(last.as_py(), label or last.as_py()))


def digests_of(generation: int, required: Mapping[str, Stage]) -> list[str]:
    """Those of a generation's model and of its training data, which a stage requires.

    Of the model its file counts: what its metadata say of candidates that lost changes no score.
    Where nothing was published with a provenance, they are empty.
    """
    stage = required[f"training data {generation}"]
    training = stage.output()[stage.product].provenance()
    return [model_digest(generation) or "", training.content if training else ""]


def recipe_of(
    digest: str,
    days: Days,
    as_of: dt.date,
    reigns: Sequence[Reign],
    models: Mapping[int, list[str]],
    published: Sequence[Batch],
) -> Recipe:
    """All that determines a part, beside the settings.

    The `digest` of its loans in gold; of the generations that score its months what is in
    `models`; of the batches of scores that stay those with days of it; and the as-of day as long
    as it hides something.
    """
    first, last = (day.replace(day=1) for day in (days.first, days.last))
    between = (reign.generation for reign in reigns if first <= reign.since < last)
    champions = sorted({champion_of(first, reigns), champion_of(last, reigns), *between})
    batches = sorted(published)
    ends = [dt.date.min, *(batch.day for batch in batches)]
    return {
        "gold": digest,
        "as_of": as_of.isoformat() if as_of < days.settled else None,
        "scored by": {str(g): models[g] for g in champions},
        "since": [[str(r.since), r.generation] for r in reigns if r.generation in champions],
        "published": [
            batch.digest
            for batch, before in zip(batches, ends, strict=False)
            if before < days.last and days.first <= batch.day
        ],
    }
