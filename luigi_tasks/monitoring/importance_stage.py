"""The stage FeatureImportance: which features the models need, on loans they were not fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from luigi_tasks.core import tables
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage, log
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.models.champion import BestModel
from luigi_tasks.models.predictions import Predictions


class FeatureImportance(AsOfStage):
    """datamart/gold/feature_importance.parquet: one row a generation and feature.

    Each model is tried on the performing loans that it scored, was not fitted on, and whose label
    has matured. Without any, or with one class only, it has no row.
    """

    reads = ("predictions.identifiers",)
    product = "importance"

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.monitoring.importance", "luigi_tasks.monitoring.populations")

    def requires(self) -> dict[str, Stage]:
        return {
            "predictions": Predictions(**self.moment),
            "gold": GoldFeatures(),
            **{f"model {g}": BestModel(generation=g) for g in self.champions},
        }

    def output(self) -> dict[str, StageTarget]:
        path = in_datamart("gold", "feature_importance.parquet")
        return {"importance": self.place(Directory(path))}

    def build(self, staging: Mapping[str, Path]) -> None:
        import pandas as pd

        from luigi_tasks.models.store import load_model, read_metadata
        from luigi_tasks.monitoring.importance import feature_importance, sampled
        from luigi_tasks.monitoring.populations import (
            read_unknown_to_models,
            with_columns_of_gold,
        )

        required = self.requires()
        scored = read_unknown_to_models(required["predictions"].path(), ["loan_id"])
        judged = scored[scored["actual_label"].notna() & ~scored["delinquent"].astype(bool)]
        found = []
        with Progress(self, "shuffling", len(self.champions), "models") as progress:
            for generation in self.champions:
                features = read_metadata(generation).features
                own = sampled(judged[judged["generation"] == generation])
                loans = own.reindex(columns=[*own, *features])
                if len(own):
                    gold, identifiers = (
                        required["gold"].path(),
                        self.params["predictions.identifiers"],
                    )
                    loans = with_columns_of_gold(own, gold, features, identifiers)
                table = feature_importance(
                    generation, load_model(generation), loans[features], loans["actual_label"]
                )
                if table.empty:
                    log.info("%s: no out-of-time loans to try generation %d on", self, generation)
                found.append(table)
                progress.add(1)
        tables.write_frame(staging["importance"], pd.concat(found, ignore_index=True))
