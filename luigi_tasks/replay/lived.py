"""The stage LivedMonths: what became of every live month, in one JSON document."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from luigi_tasks.core import digests, tables
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.records import as_json
from luigi_tasks.core.storage import in_reports
from luigi_tasks.core.targets import Document, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.generations.audit_trail import Entry, read_trail
from luigi_tasks.models.champion import BestModel
from luigi_tasks.monitoring.incident_stage import Incidents
from luigi_tasks.monitoring.task import Monitoring

FILE = "lived_months.json"
EVENTS = {"retrain": "retrains", "promote": "promotions", "reject": "rejections"}
"""The actions of the audit trail that are told, and what a month calls them."""
MEASURES = ("n", "n_matured", "auc", "auc_low", "auc_high", "psi", "psi_level")
"""What is told of the performing live loans of a month, as the monitoring table calls it."""


NOTHING: dict[str, Any] = dict.fromkeys(("generation", *MEASURES))
"""What is told of a month in which no live loan was scored."""


def months_lived(
    monitoring: Any, incidents: Sequence[Mapping[str, Any]], trail: Iterable[Entry]
) -> list[dict[str, Any]]:
    """One entry a month: month, generation, MEASURES, incidents and EVENTS.

    `monitoring` is the monitoring table; `incidents` are rows of that table. An incident is in
    every month from its first to its last, by its extract; an event is in the month on whose
    first day it was decided, by the generation that it is about (of a retrain: that is raised).
    A month has an entry when live loans were scored or a decision was taken in it.
    """
    live = monitoring[monitoring["sample"] == "live"]
    scored = {row["month"]: row for row in live.to_dict("records")}
    decided = [(entry.as_of.replace(day=1), entry) for entry in trail]
    months = []
    for month in sorted({*scored, *(day for day, _ in decided)}):
        row = scored.get(month)
        found = {name: _plain(row[f"performing_{name}"]) for name in MEASURES} if row else {}
        events: dict[str, list[int]] = {name: [] for name in EVENTS.values()}
        for day, entry in decided:
            if day == month and entry.action in EVENTS:
                events[EVENTS[entry.action]].append(entry.next_generation or entry.generation)
        months.append(
            {
                "month": f"{month:%Y-%m}",
                **NOTHING,
                **({"generation": row["generation"]} if row else {}),
                **found,
                "incidents": sorted(
                    {
                        str(each["extract"])
                        for each in incidents
                        if each["first_month"] <= month <= each["last_month"]
                    }
                ),
                **events,
            }
        )
    return months


def _plain(value: Any) -> Any:
    """A number, None for one that is not known."""
    return None if value is None or value != value else value


class LivedMonths(AsOfStage):
    """reports/lived_months.json of the place in which months are replayed.

    With the day up to which the first model knows labels.
    """

    product = "months"

    def requires(self) -> dict[str, Stage]:
        return {
            "monitoring": Monitoring(**self.moment),
            "incidents": Incidents(**self.moment),
            "first model": BestModel(generation=1),
        }

    def output(self) -> dict[str, StageTarget]:
        return {"months": self.place(Document(in_reports(FILE)))}

    def _trail(self) -> list[Entry]:
        return [e for e in read_trail() if e.as_of <= self.as_of]

    def recipe(self) -> Recipe:
        return {
            **super().recipe(),
            "trail": digests.of_json([as_json(entry) for entry in self._trail()]),
        }

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.models.store import read_metadata

        required = self.requires()
        months = months_lived(
            tables.read(required["monitoring"].path()).to_pandas(),
            tables.read(required["incidents"].path()).to_pylist(),
            self._trail(),
        )
        until: dt.date = read_metadata(1).window.train_until
        document = {"train_until": until.isoformat(), "months": months}
        staging["months"].mkdir()
        (staging["months"] / FILE).write_text(json.dumps(document), encoding="utf-8")
