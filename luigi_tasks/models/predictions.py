"""The stage Predictions: every loan at its prediction point, scored by the model of its time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from luigi_tasks.core import locks, tables
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.parallel import in_order
from luigi_tasks.core.parts import PartedStage, differing, without
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


class Predictions(AsOfStage, PartedStage):
    """datamart/gold/model_predictions.parquet: one row a loan known on the as-of day.

    The parts are those of gold, the rows in its order; with pseudonyms those of a part in theirs.
    A live loan keeps the score that was published; kept_scores.parquet has those that would be
    others today.
    """

    reads = ("predictions.threshold", "predictions.identifiers", "governance.released")
    product = "predictions"
    parted = ("predictions",)

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

    def besides_parts(self, recipe: Recipe) -> Recipe:
        """As of all stages in parts; these say, too, on which day and by whom they were scored."""
        return without(super().besides_parts(recipe), ("arguments", "reigns", "restated"))

    def changed_parts(self) -> tuple[list[str], int] | None:
        """The vintages whose loans or models are others, or of which the day says more."""
        return differing(self.published_parts("predictions"), self._part_recipes())

    def _part_recipes(self) -> dict[str, Recipe]:
        """By part of gold with a loan that is known on the day."""
        from luigi_tasks.models.prediction_parts import days_of, digests_of, recipe_of

        required = self.requires()
        gold = required["gold"].path()
        models = {
            g: [*digests_of(g, required), f"restated {releases.restatements(g)} times"]
            for g in self.champions
        }
        reigns, batches = self.reigns, self._batches()
        recipes = {}
        for part, digest in tables.parts_of(gold).items():
            days = days_of(gold, part)
            if days and days.first <= self.as_of:
                recipes[part] = recipe_of(digest, days, self.as_of, reigns, models, batches)
        return recipes

    def build(self, staging: Mapping[str, Path]) -> None:
        import pandas as pd
        import pyarrow as pa
        import pyarrow.dataset as ds

        from luigi_tasks.models import store
        from luigi_tasks.models.published import KEPT, as_published, read_published
        from luigi_tasks.models.scored_loans import KEYS, LABEL, SCHEMA, score_loans, scoring_model

        required = self.requires()
        first = store.read_metadata(min(self.champions)).window.train_until
        if self.as_of < first:
            raise PipelineError(
                f"--as-of {self.as_of} lies before the first model: it knows labels until "
                f"{first} (training.train_until of params.yaml)"
            )
        gold = required["gold"].path()
        recipes = self._part_recipes()
        if not recipes:
            raise PipelineError(f"--as-of {self.as_of}: no loan has reached its prediction point")
        with locks.publishing():
            kept = self.keep(staging, recipes)
            rescored = [tables.read(self.path("kept")).to_pandas()] if kept else []
        if rescored and len(rescored[0]):
            loans = tables.read(staging["predictions"], ["loan_id"])["loan_id"].to_pandas()
            rescored = [rescored[0][rescored[0]["loan_id"].isin(loans)]]
        stale = recipes.keys() - kept
        models = {
            g: scoring_model(g, required[f"training data {g}"].path())
            for g in (self.champions if stale else ())
        }
        features = {name for model in models.values() for name in model.features}
        known = ds.field("prediction_date") <= pa.scalar(self.as_of)
        threshold = self.params["predictions.threshold"]
        published, reigns = read_published(self._batches()), self.reigns

        columns = [*KEYS, *LABEL, *sorted(features)]

        def loans_of(parts: Iterable[str]) -> Iterator[tuple[str, pa.Table]]:
            for part in parts:
                for batch in tables.batches(gold, columns, known, [part]):
                    yield part, batch

        def score(of_part: tuple[str, pa.Table]) -> tuple[str, pd.DataFrame, pd.DataFrame]:
            part, batch = of_part
            scored = score_loans(batch.to_pandas(), models, reigns, self.as_of, threshold)
            said = self._said(scored["loan_id"], published)
            return part, *as_published(scored, said, threshold)

        total = tables.count_rows(gold, known, stale) if stale else 0
        with (
            tables.writing_parts(staging["predictions"], SCHEMA) as add,
            Progress(self, "scoring", total, "loans") as progress,
        ):
            for part, batches in groupby(in_order(score, loans_of(sorted(stale))), itemgetter(0)):
                held = []
                for _, scored, otherwise in batches:
                    held.append(scored)
                    if self.names_nobody:
                        otherwise["loan_id"] = pseudonyms.pseudonyms_of(otherwise["loan_id"])
                    rescored.append(otherwise)
                    progress.add(len(scored))
                loans = pd.concat(held)
                if self.names_nobody:  # in the order of the pseudonyms
                    loans = pseudonyms.pseudonymised(loans)
                add(part, pa.Table.from_pandas(loans, SCHEMA, preserve_index=False))
        others = pd.concat(rescored).sort_values("loan_id", ignore_index=True)
        tables.write(staging["kept"], pa.Table.from_pandas(others, KEPT, preserve_index=False))
        if len(others):
            largest = (others["rescored_proba"] - others["prediction_proba"]).abs().max()
            log.info(
                "%s: %d published scores are kept; scored today they would differ, by %.6f at most",
                self,
                len(others),
                largest,
            )

    def _said(self, loan_id: pd.Series, published: pd.Series) -> pd.Series:
        """The published scores of loans, be it under their pseudonyms; null where there is none."""
        said = loan_id.map(published)
        if self.names_nobody and len(published):
            said = said.fillna(pseudonyms.pseudonyms_of(loan_id).map(published))
        return said

    def _batches(self) -> list[releases.Batch]:
        """What was published of the scores that live loans keep."""
        kept = {g for g in self.champions if keeps_released(g)}
        return [
            batch
            for batch in releases.published().values()
            if batch.generation in kept and batch.day <= self.as_of
        ]
