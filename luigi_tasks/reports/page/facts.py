"""What the report page is made from: tables that are published, and the audit trail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from luigi_tasks.generations.audit_trail import Entry
from luigi_tasks.generations.registry import Reign
from luigi_tasks.models.metadata import ModelMetadata
from luigi_tasks.reports.page.stages import InputFacts
from luigi_tasks.reports.page.values import Rows


@dataclass(frozen=True)
class PageFacts:
    """What is known on a day.

    `models` are the metadata of all champions up to `generation`, that of the day. `entries` are
    those of the audit trail up to the day, `reigns` say who was champion when. `tables` are the
    published ones by name, `scored` the predictions that no model was fitted on, `newest` those of
    the month whose features are shown, with these features. `quality` is data_quality.json,
    `set_aside` counts what lies in quarantine by extract, reason and month. `families` are the
    kinds of stages below the page, each with those that it reads, `inputs` what the page itself
    reads. `settings` are by dotted name.
    """

    as_of: dt.date
    generation: int
    models: Mapping[int, ModelMetadata]
    entries: Sequence[Entry]
    reigns: Sequence[Reign]
    tables: Mapping[str, pd.DataFrame]
    scored: pd.DataFrame
    newest: pd.DataFrame
    quality: Mapping[str, Any]
    set_aside: Rows
    families: Mapping[str, set[str]]
    inputs: Sequence[InputFacts]
    settings: Mapping[str, Any]

    @property
    def model(self) -> ModelMetadata:
        """The metadata of the champion."""
        return self.models[self.generation]

    @property
    def pending(self) -> int | None:
        """The challenger that waits for its judgement."""
        found = None
        for entry in self.entries:
            if entry.next_generation is not None:
                found = entry.next_generation
            elif entry.action in ("promote", "reject") and entry.generation == found:
                found = None
        return found

    @property
    def decisions(self) -> list[Entry]:
        """The decisions on the champion, oldest first."""
        return [
            e
            for e in self.entries
            if e.action in ("keep", "retrain") and e.generation == self.generation
        ]

    @property
    def live(self) -> pd.DataFrame:
        """The live months of the champion, oldest first."""
        table = self.tables["monitoring"]
        own = table[(table["sample"] == "live") & (table["generation"] == self.generation)]
        return own.sort_values("month")


def newest_month(drift: pd.DataFrame, generation: int) -> tuple[dt.date, str] | None:
    """The month and sample whose features are shown: the champion's newest live one, else its
    newest unseen one; None when it has scored no month that it was not fitted on."""
    own = drift[drift["generation"] == generation]
    for sample in ("live", "unseen"):
        months = own.loc[own["sample"] == sample, "month"]
        if len(months):
            return months.max(), sample
    return None


def of_champion(table: pd.DataFrame, generation: int) -> pd.DataFrame:
    """The rows of a generation; of the newest before it that has any, when it has none yet."""
    known = table.loc[table["generation"] <= generation, "generation"]
    found: pd.DataFrame = table[table["generation"] == known.max()]
    return found
