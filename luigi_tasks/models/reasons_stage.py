"""The stage Reasons: why each loan has its score, in codes that a customer can be told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from luigi_tasks.core import locks, tables
from luigi_tasks.core.pages import Page
from luigi_tasks.core.parallel import in_order
from luigi_tasks.core.parts import PartedStage, differing, without
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.storage import in_datamart, in_reports
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.models import pseudonyms
from luigi_tasks.models.champion import BestModel
from luigi_tasks.models.predictions import Predictions
from luigi_tasks.models.training_data import TrainingData

if TYPE_CHECKING:
    import pandas as pd


class Reasons(AsOfStage, PartedStage):
    """datamart/gold/reasons.parquet, and reports/reason_codes.md with the words of the codes.

    One row a scored loan that no model was fitted on: of the others the outcome was known, and
    nothing is decided by their score. The parts are those of the predictions.
    """

    reads = ("explanations.not_told", "predictions.identifiers")
    product = "reasons"
    parted = ("reasons",)

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.models.reasons",)

    def requires(self) -> dict[str, Stage]:
        return {
            "predictions": Predictions(**self.moment),
            "gold": GoldFeatures(),
            **{f"model {g}": BestModel(generation=g) for g in self.champions},
            **{f"training data {g}": TrainingData(generation=g) for g in self.champions},
        }

    def output(self) -> dict[str, StageTarget]:
        return {
            "reasons": self.place(Directory(in_datamart("gold", "reasons.parquet"))),
            "codes": self.place(Page(in_reports("reason_codes.md"))),
        }

    def besides_parts(self, recipe: Recipe) -> Recipe:
        """As of all stages in parts; whose reasons they give is in the predictions."""
        return without(super().besides_parts(recipe), ("arguments",))

    def changed_parts(self) -> tuple[list[str], int] | None:
        """The vintages whose predictions are others."""
        told = {part: of["predictions"] for part, of in self.published_parts("reasons").items()}
        return differing(told, tables.parts_of(self.requires()["predictions"].path()))

    def build(self, staging: Mapping[str, Path]) -> None:
        import pyarrow as pa
        import pyarrow.dataset as ds

        from luigi_tasks.models import store
        from luigi_tasks.models.prediction_parts import digests_of
        from luigi_tasks.models.reason_codes import page
        from luigi_tasks.models.reasons import SCHEMA, explained, read_asked, reasons
        from luigi_tasks.models.scored_loans import with_scores

        required, not_told = self.requires(), self.params["explanations.not_told"]
        codes = page(store.read_metadata(self.generation).features, not_told)
        staging["codes"].write_text(codes, encoding="utf-8")
        predictions, gold = required["predictions"].path(), required["gold"].path()
        digests = tables.parts_of(predictions)
        asked = {part: read_asked(predictions, part) for part in digests}
        recipes: dict[str, Recipe] = {}
        for part, own in asked.items():
            by = {f"{g}": digests_of(g, required) for g in sorted(own["generation"].unique())}
            recipes[part] = {"predictions": digests[part], "explained by": by}
        with locks.publishing():
            kept = self.keep(staging, recipes)
        identifiers = self.params["predictions.identifiers"]
        stale = [part for part in sorted(asked.keys() - kept) if len(asked[part])]
        models = {
            g: explained(g, required[f"training data {g}"].path())
            for g in (self.champions if stale else ())
        }
        features = sorted({name for model in models.values() for name in model.features})

        def loans_of(parts: Iterable[str]) -> Iterator[tuple[str, pa.Table]]:
            for part in parts:
                plain = ds.field("loan_id").isin(pa.array(asked[part].index, pa.string()))
                wanted = plain if identifiers == "plain" else None
                for batch in tables.batches(gold, ["loan_id", *features], wanted, [part]):
                    yield part, batch

        def explain(of_part: tuple[str, pa.Table]) -> tuple[str, pd.DataFrame]:
            part, batch = of_part
            known = pseudonyms.as_in_predictions(batch.to_pandas(), identifiers)
            if identifiers != "plain":
                known = known.sort_values("loan_id")  # as the predictions are
            return part, reasons(with_scores(known, asked[part]), models, not_told)

        with (
            tables.writing_parts(staging["reasons"], SCHEMA) as add,
            Progress(self, "explaining", sum(len(asked[p]) for p in stale), "loans") as progress,
        ):
            for part, table in in_order(explain, loans_of(stale)):
                add(part, pa.Table.from_pandas(table, SCHEMA, preserve_index=False))
                progress.add(len(table))
