"""The stage Monitoring: the monitoring table and the drift of every feature."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from luigi_tasks.core import locks, tables
from luigi_tasks.core.parts import PartedStage, differing, without
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.generations.registry import decision_days
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.models.champion import BestModel
from luigi_tasks.models.predictions import Predictions

if TYPE_CHECKING:
    from luigi_tasks.models.metadata import ModelMetadata
    from luigi_tasks.monitoring.months import Months, Part


class Monitoring(AsOfStage, PartedStage):
    """datamart/gold/model_monitoring.parquet, and feature_drift.parquet beside it.

    And both as they stood on every decision day since this generation became champion. A part is
    a month, where the predictions are kept by vintage.
    """

    reads = (
        "predictions.threshold",
        "predictions.identifiers",
        "monitoring.floor",
        "monitoring.window_months",
        "monitoring.watch",
        "monitoring.critical",
    )
    product = "monitoring"
    parted = ("monitoring", "drift", "history", "drift history")

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.monitoring.table",)

    def requires(self) -> dict[str, Stage]:
        return {
            "predictions": Predictions(**self.moment),
            "gold": GoldFeatures(),
            **{f"model {g}": BestModel(generation=g) for g in self.champions},
        }

    def output(self) -> dict[str, StageTarget]:
        gold = in_datamart("gold")
        return {
            "monitoring": self.place(Directory(gold / "model_monitoring.parquet")),
            "drift": self.place(Directory(gold / "feature_drift.parquet")),
            "history": self.place(Directory(gold / "monitoring_history.parquet")),
            "drift history": self.place(Directory(gold / "drift_history.parquet")),
        }

    def besides_parts(self, recipe: Recipe) -> Recipe:
        """As of all stages in parts; what the day and the champion change is in those of each."""
        return without(super().besides_parts(recipe), ("arguments",))

    def changed_parts(self) -> tuple[list[str], int] | None:
        """The months whose loans, labels or bins are others."""
        recipes = {name: recipe for name, (_, recipe) in self._parts(self._months()).items()}
        return differing(self.published_parts("monitoring"), recipes)

    def _months(self) -> Months:
        from luigi_tasks.monitoring.months import read_months

        return read_months(self.requires()["predictions"].path())

    def _models(self) -> dict[int, ModelMetadata]:
        from luigi_tasks.models.store import read_metadata

        return {g: read_metadata(g) for g in self.champions}

    def _parts(self, months: Months) -> dict[str, tuple[Part, Recipe]]:
        """The parts, by their names, and the recipe of each."""
        from luigi_tasks.monitoring.months import parts_by_month, recipe_of

        required, models = self.requires(), self._models()
        sources = {n: tables.parts_of(required[n].path()) for n in ("predictions", "gold")}
        since = max(self.reigns[-1].since, models[self.generation].window.train_until)
        parts = parts_by_month(
            months,
            self.generation,
            decision_days(since, self.as_of),
            self.params["monitoring.window_months"],
            by_month=tables.ONE_PART not in sources["predictions"],
        )
        return {
            name: (part, recipe_of(part, months, sources, models, self.generation))
            for name, part in parts.items()
        }

    def build(self, staging: Mapping[str, Path]) -> None:
        import pandas as pd
        import pyarrow as pa

        from luigi_tasks.monitoring.history import history
        from luigi_tasks.monitoring.table import KNOWN_ON, monitor, schema_of, scored_batches
        from luigi_tasks.monitoring.tally import tally

        required, models = self.requires(), self._models()
        predictions, gold = required["predictions"].path(), required["gold"].path()
        features = sorted({name for model in models.values() for name in model.feature_bins})
        settings = self.params.named()
        identifiers = settings.pop("identifiers")
        months = self._months()
        parts = self._parts(months)
        with locks.publishing():
            kept = self.keep(staging, {name: recipe for name, (_, recipe) in parts.items()})
        stale = sorted(parts.keys() - kept) or sorted(parts)[-1:]
        self.drop(staging, kept & set(stale))
        built = [parts[name][0] for name in stale]
        read = months.parts_with(set().union(*(part.rests_on for part in built)))
        with Progress(self, "comparing", tables.count_rows(gold, parts=read), "loans") as progress:
            batches = scored_batches(gold, predictions, read, features, progress, identifiers)
            train_until = models[self.generation].window.train_until
            tallies = tally(batches, models, train_until, settings.pop("floor"))
        told = {day for part in built for day in part.months}
        monitoring, drift = monitor(tallies, told, **settings)
        days = sorted(day for part in built for day in part.days)
        then = history(tallies, self.generation, days, **settings) or (
            pd.DataFrame(columns=[KNOWN_ON, *monitoring]),
            pd.DataFrame(columns=[KNOWN_ON, *drift]),
        )
        part_of = {
            day: name for name in stale for day in (*parts[name][0].months, *parts[name][0].days)
        }
        frames = dict(zip(self.parted, (monitoring, drift, *then), strict=True))
        for output, frame in frames.items():
            schema = schema_of(map(str, frame))
            day = frame[KNOWN_ON if KNOWN_ON in frame else "month"]
            with tables.writing_parts(staging[output], schema) as add:
                for name, rows in frame.groupby(day.map(part_of)):
                    add(str(name), pa.Table.from_pandas(rows, schema, preserve_index=False))
