"""The stage TrainingData: the labelled loans that a generation may know."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import luigi

from luigi_tasks.core import tables
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage, log
from luigi_tasks.generations import registry
from luigi_tasks.layers.gold import GoldFeatures


class TrainingData(Stage):
    """The labelled loans that a generation may know, the newest vintages by the origin of each.

    Beside them, without features, those that training.max_rows leaves out.
    """

    generation = luigi.IntParameter(description="the model's running number")
    product = "sets"

    def settings_read(self) -> tuple[str, ...]:
        first = ("training.train_until",) if self.generation == 1 else ()
        return (
            *first,
            "training.origins",
            "training.max_rows",
            "training.random_state",
            "training.features",
        )

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.models.splits",)

    def requires(self) -> dict[str, Stage]:
        return {"gold": GoldFeatures()}

    def output(self) -> dict[str, StageTarget]:
        folder = in_datamart("gold", "training_data", f"generation_{self.generation}")
        return {"sets": Directory(folder)}

    def recipe(self) -> Recipe:
        until = registry.train_until(self.generation)
        return {**super().recipe(), "train_until": until.isoformat() if until else None}

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.models import splits, training_sets
        from luigi_tasks.models.feature_columns import select_features

        gold = self.requires()["gold"].path()
        settings = self.params.named()
        features = select_features(tables.dataset(gold).schema.names, settings.pop("features"))
        loans = tables.read(
            gold, ["loan_id", "vintage", "delinquent", "label", "label_date"]
        ).to_pandas()
        until = settings.pop("train_until", None)
        day = registry.train_until(self.generation) or (
            splits.first_train_until(loans) if until == "auto" else dt.date.fromisoformat(until)
        )
        matured = splits.matured_loans(loans, day)
        matured["origin"] = splits.origins_of(matured, settings["origins"])
        kept = splits.is_kept(matured, settings["max_rows"], settings["random_state"])
        left_out = matured[~kept]
        if len(left_out):
            log.info(
                "%s: %d of %d matured loans are used, sampled by vintage and label "
                "(training.max_rows)",
                self,
                len(matured) - len(left_out),
                len(matured),
            )
        used = matured.drop(left_out.index).assign(train_until=day)
        training_sets.write_training_sets(
            staging["sets"],
            training_sets.with_features(used, gold, features),
            left_out[["loan_id", "vintage", "label"]],
        )
