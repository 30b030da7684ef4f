"""The stage EstimatedPerformance: how well each month is scored, before its labels have matured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from luigi_tasks.core import tables
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.models.predictions import Predictions


class EstimatedPerformance(AsOfStage):
    """datamart/gold/estimated_performance.parquet: a view, which governance does not read."""

    reads = ("predictions.threshold", "labels.prediction_mob", "labels.observation_mob")
    product = "estimates"

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.monitoring.estimation", "luigi_tasks.monitoring.populations")

    def requires(self) -> Predictions:
        return Predictions(**self.moment)

    def output(self) -> dict[str, StageTarget]:
        path = in_datamart("gold", "estimated_performance.parquet")
        return {"estimates": self.place(Directory(path))}

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.monitoring.estimation import estimated_performance
        from luigi_tasks.monitoring.populations import read_unknown_to_models

        scored = read_unknown_to_models(self.requires().path())
        table = estimated_performance(scored, **self.params.named())
        tables.write_frame(staging["estimates"], table)
