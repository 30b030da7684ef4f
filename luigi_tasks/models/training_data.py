"""The stage TrainingData: the labelled loans that a generation may know."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from luigi_tasks.core import tables
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage, log
from luigi_tasks.generations import registry
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.models.released import StageOfGeneration


class TrainingData(StageOfGeneration):
    """The labelled loans that a generation may know, the newest vintages by the origin of each.

    Beside them, without features, those that training.max_rows leaves out.
    """

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

    def _asked_for(self) -> dict[str, str | None]:
        """The day up to which the generation knows labels, and the month of the break, if any."""
        entry = registry.raised_by(self.generation)
        if entry is None:
            return {"train_until": None, "since": None}
        return {"train_until": entry.as_of.isoformat(), "since": entry.facts.get("since")}

    def recipe(self) -> Recipe:
        return {**super().recipe(), **self._asked_for()}

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.models import splits, training_sets
        from luigi_tasks.models.feature_columns import select_features

        gold = self.requires()["gold"].path()
        settings = self.params.named()
        features = select_features(tables.dataset(gold).schema.names, settings.pop("features"))
        loans = tables.read(gold, splits.LOAN).sort_by("loan_id").to_pandas()
        asked = self._asked_for()
        until = asked["train_until"] or settings.pop("train_until", "auto")
        day = splits.first_train_until(loans) if until == "auto" else dt.date.fromisoformat(until)
        since = dt.date.fromisoformat(asked["since"]) if asked["since"] else None
        matured = splits.matured_loans(loans, day)
        if since:
            matured["origin"] = splits.folds_since(matured, since, settings["random_state"])
        else:
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
        used = matured.drop(left_out.index).drop(columns="prediction_date")
        used = used.assign(train_until=day, since=since)
        training_sets.write_training_sets(
            staging["sets"],
            training_sets.with_features(used, gold, features),
            left_out[["loan_id", "vintage", "label"]],
        )
