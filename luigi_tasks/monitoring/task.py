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
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.models.champion import BestModel
from luigi_tasks.models.predictions import Predictions


class Monitoring(AsOfStage):
    """datamart/gold/model_monitoring.parquet, and feature_drift.parquet beside it."""

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
        generations = range(1, self.generation + 1)
        return {
            "predictions": Predictions(**self.moment),
            "gold": GoldFeatures(),
            **{f"model {g}": BestModel(generation=g) for g in generations},
        }

    def output(self) -> dict[str, StageTarget]:
        gold = in_datamart("gold")
        return {
            "monitoring": self.place(Directory(gold / "model_monitoring.parquet")),
            "drift": self.place(Directory(gold / "feature_drift.parquet")),
        }

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.models.store import read_metadata
        from luigi_tasks.monitoring.table import monitor, scored_batches

        required = self.requires()
        predictions, gold = required["predictions"].path(), required["gold"].path()
        models = {g: read_metadata(g) for g in range(1, self.generation + 1)}
        newest = models[self.generation].window.train_until
        features = sorted({name for model in models.values() for name in model.feature_bins})
        settings = self.params.named()
        named = settings.pop("identifiers") == "plain"
        with Progress(self, "comparing", tables.count_rows(gold), "loans") as progress:
            batches = scored_batches(gold, predictions, features, progress, named=named)
            monitoring, drift = monitor(batches, models, newest, **settings)
        tables.write_frame(staging["monitoring"], monitoring)
        tables.write_frame(staging["drift"], drift)
