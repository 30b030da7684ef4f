"""The stage Predictions: every loan at its prediction point, scored by the model of its time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from luigi_tasks.core import tables
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.models import pseudonyms
from luigi_tasks.models.champion import BestModel
from luigi_tasks.models.training_data import TrainingData


class Predictions(AsOfStage):
    """datamart/gold/model_predictions.parquet: one row a loan known on the as-of day.

    The rows are in the order of gold, which is read batch by batch; with pseudonyms in theirs.
    """

    reads = ("predictions.threshold", "predictions.identifiers")
    product = "predictions"

    @property
    def generations(self) -> range:
        """The generations that can have scored anything by the as-of day."""
        return range(1, self.generation + 1)

    @property
    def names_nobody(self) -> bool:
        """Whether customers and loans stand under pseudonyms."""
        return bool(self.params["predictions.identifiers"] == "pseudonyms")

    def check(self) -> None:
        super().check()
        if self.names_nobody:
            pseudonyms.key()

    def recipe(self) -> Recipe:
        recipe = super().recipe()
        if self.names_nobody:
            recipe["pseudonym_key"] = pseudonyms.fingerprint()
        return recipe

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.models.scored_loans",)

    def requires(self) -> dict[str, Stage]:
        return {
            "gold": GoldFeatures(),
            **{f"model {g}": BestModel(generation=g) for g in self.generations},
            **{f"training data {g}": TrainingData(generation=g) for g in self.generations},
        }

    def output(self) -> dict[str, StageTarget]:
        path = in_datamart("gold", "model_predictions.parquet")
        return {"predictions": self.place(Directory(path))}

    def build(self, staging: Mapping[str, Path]) -> None:
        import pandas as pd
        import pyarrow as pa
        import pyarrow.dataset as ds

        from luigi_tasks.models.scored_loans import KEYS, LABEL, SCHEMA, score_loans, scoring_model

        required = self.requires()
        models = {
            g: scoring_model(g, required[f"training data {g}"].path()) for g in self.generations
        }
        if self.as_of < models[1].train_until:
            raise PipelineError(
                f"--as-of {self.as_of} lies before the first model: it knows labels until "
                f"{models[1].train_until} (training.train_until of params.yaml)"
            )
        gold = required["gold"].path()
        features = {name for model in models.values() for name in model.features}
        known = ds.field("prediction_date") <= pa.scalar(self.as_of)
        total = tables.count_rows(gold, known)
        if not total:
            raise PipelineError(f"--as-of {self.as_of}: no loan has reached its prediction point")
        with (
            tables.writing(staging["predictions"], SCHEMA) as file,
            Progress(self, "scoring", total, "loans") as progress,
        ):
            threshold = self.params["predictions.threshold"]
            held = []
            for batch in tables.batches(gold, [*KEYS, *LABEL, *sorted(features)], known):
                scored = score_loans(batch.to_pandas(), models, self.as_of, threshold)
                progress.add(len(scored))
                if self.names_nobody:
                    held.append(scored)  # they are sorted anew
                else:
                    file.write_table(pa.Table.from_pandas(scored, SCHEMA, preserve_index=False))
            if held:
                loans = pseudonyms.pseudonymised(pd.concat(held))
                file.write_table(pa.Table.from_pandas(loans, SCHEMA, preserve_index=False))
