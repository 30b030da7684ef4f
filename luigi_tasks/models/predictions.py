"""The stage Predictions: every loan at its prediction point, scored by the model of its time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from luigi_tasks.core import tables
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.parallel import in_order
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage, log
from luigi_tasks.generations import releases
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.models import pseudonyms
from luigi_tasks.models.champion import BestModel
from luigi_tasks.models.released import keeps_released
from luigi_tasks.models.training_data import TrainingData

if TYPE_CHECKING:
    import pandas as pd


class Predictions(AsOfStage):
    """datamart/gold/model_predictions.parquet: one row a loan known on the as-of day.

    The rows are in the order of gold, which is read batch by batch; with pseudonyms in theirs.
    A live loan keeps the score that was published; kept_scores.parquet has those that would be
    others today.
    """

    reads = ("predictions.threshold", "predictions.identifiers", "governance.released")
    product = "predictions"

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
        recipe["reigns"] = [[str(since), generation] for since, generation in self.reigns]
        recipe["restated"] = {str(g): releases.restatements(g) for g in self.champions}
        if self.names_nobody:
            recipe["pseudonym_key"] = pseudonyms.fingerprint()
        return recipe

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.models.scored_loans",)

    def requires(self) -> dict[str, Stage]:
        return {
            "gold": GoldFeatures(),
            **{f"model {g}": BestModel(generation=g) for g in self.champions},
            **{f"training data {g}": TrainingData(generation=g) for g in self.champions},
        }

    def output(self) -> dict[str, StageTarget]:
        path = in_datamart("gold", "model_predictions.parquet")
        return {
            "predictions": self.place(Directory(path)),
            "kept": self.place(Directory(in_datamart("gold", "kept_scores.parquet"))),
        }

    def build(self, staging: Mapping[str, Path]) -> None:
        import pandas as pd
        import pyarrow as pa
        import pyarrow.dataset as ds

        from luigi_tasks.models.published import KEPT, as_published
        from luigi_tasks.models.scored_loans import KEYS, LABEL, SCHEMA, score_loans, scoring_model

        required = self.requires()
        models = {
            g: scoring_model(g, required[f"training data {g}"].path()) for g in self.champions
        }
        first = models[min(models)].train_until
        if self.as_of < first:
            raise PipelineError(
                f"--as-of {self.as_of} lies before the first model: it knows labels until "
                f"{first} (training.train_until of params.yaml)"
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
            published, reigns = self._published(), self.reigns
            held, differing = [], []

            def score(batch: pa.Table) -> tuple[pd.DataFrame, pd.DataFrame]:
                scored = score_loans(batch.to_pandas(), models, reigns, self.as_of, threshold)
                said = self._said(scored["loan_id"], published)
                return as_published(scored, said, threshold)

            batches = tables.batches(gold, [*KEYS, *LABEL, *sorted(features)], known)
            for scored, otherwise in in_order(score, batches):
                differing.append(otherwise)
                progress.add(len(scored))
                if self.names_nobody:
                    held.append(scored)  # they are sorted anew
                else:
                    file.write_table(pa.Table.from_pandas(scored, SCHEMA, preserve_index=False))
            if held:
                loans = pseudonyms.pseudonymised(pd.concat(held))
                file.write_table(pa.Table.from_pandas(loans, SCHEMA, preserve_index=False))
        kept = pd.concat(differing)
        if self.names_nobody and len(kept):
            kept["loan_id"] = pseudonyms.pseudonyms_of(kept["loan_id"])
        kept = kept.sort_values("loan_id", ignore_index=True)
        tables.write(staging["kept"], pa.Table.from_pandas(kept, KEPT, preserve_index=False))
        if len(kept):
            largest = (kept["rescored_proba"] - kept["prediction_proba"]).abs().max()
            log.info(
                "%s: %d published scores are kept; scored today they would differ, by %.6f at most",
                self,
                len(kept),
                largest,
            )

    def _said(self, loan_id: pd.Series, published: pd.Series) -> pd.Series:
        """The published scores of loans, be it under their pseudonyms; null where there is none."""
        said = loan_id.map(published)
        if self.names_nobody and len(published):
            said = said.fillna(pseudonyms.pseudonyms_of(loan_id).map(published))
        return said

    def _published(self) -> pd.Series:
        """The scores that live loans keep, by loan_id."""
        from luigi_tasks.models.published import read_published

        kept = {g for g in self.champions if keeps_released(g)}
        return read_published(
            batch
            for batch in releases.published().values()
            if batch.generation in kept and batch.day <= self.as_of
        )
