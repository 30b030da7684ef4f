"""The stage Monitoring: the monitoring table and the drift of every feature."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from luigi_tasks.core import tables
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.generations.registry import decision_days
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.models.champion import BestModel
from luigi_tasks.models.predictions import Predictions


class Monitoring(AsOfStage):
    """datamart/gold/model_monitoring.parquet, and feature_drift.parquet beside it.

    And both as they stood on every decision day since this generation became champion.
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

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.models.store import read_metadata
        from luigi_tasks.monitoring.history import history
        from luigi_tasks.monitoring.table import KNOWN_ON, monitor, scored_batches
        from luigi_tasks.monitoring.tally import tally

        required = self.requires()
        predictions, gold = required["predictions"].path(), required["gold"].path()
        models = {g: read_metadata(g) for g in self.champions}
        train_until = models[self.generation].window.train_until
        features = sorted({name for model in models.values() for name in model.feature_bins})
        settings = self.params.named()
        identifiers = settings.pop("identifiers")
        with Progress(self, "comparing", tables.count_rows(gold), "loans") as progress:
            batches = scored_batches(gold, predictions, features, progress, identifiers)
            tallies = tally(batches, models, train_until, settings.pop("floor"))
        monitoring, drift = monitor(tallies, **settings)
        days = decision_days(max(self.reigns[-1].since, train_until), self.as_of)
        then = history(tallies, self.generation, days, **settings) or (
            monitoring.iloc[:0].assign(**{KNOWN_ON: None}),
            drift.iloc[:0].assign(**{KNOWN_ON: None}),
        )
        tables.write_frame(staging["monitoring"], monitoring)
        tables.write_frame(staging["drift"], drift)
        tables.write_frame(staging["history"], then[0])
        tables.write_frame(staging["drift history"], then[1])
