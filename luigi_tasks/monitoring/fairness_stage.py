"""The stage Fairness: how alike the models treat groups of customers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from luigi_tasks.core import tables
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.models.predictions import Predictions


class Fairness(AsOfStage):
    """datamart/gold/fairness.parquet: one row a generation, population, column and group."""

    reads = ("predictions.threshold", "predictions.identifiers", "fairness.columns")
    product = "fairness"

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.monitoring.fairness", "luigi_tasks.monitoring.populations")

    def requires(self) -> dict[str, Stage]:
        return {"predictions": Predictions(**self.moment), "gold": GoldFeatures()}

    def output(self) -> dict[str, StageTarget]:
        path = in_datamart("gold", "fairness.parquet")
        return {"fairness": self.place(Directory(path))}

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.models.feature_columns import NOT_FEATURES
        from luigi_tasks.monitoring.fairness import fairness
        from luigi_tasks.monitoring.populations import (
            read_unknown_to_models,
            with_columns_of_gold,
        )

        required, columns = self.requires(), self.params["fairness.columns"]
        gold = required["gold"].path()
        unknown = set(columns) - (set(tables.dataset(gold).schema.names) - set(NOT_FEATURES))
        if unknown:
            raise PipelineError(
                f"params.yaml: fairness.columns.{min(unknown)}: gold has no such feature"
            )
        scored = read_unknown_to_models(required["predictions"].path(), ["loan_id"])
        identifiers = self.params["predictions.identifiers"]
        loans = with_columns_of_gold(scored, gold, list(columns), identifiers)
        table = fairness(loans, columns, self.params["predictions.threshold"])
        tables.write_frame(staging["fairness"], table)
