"""The stage CreditRiskViews: vintage curves, roll rates and score cut-offs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from luigi_tasks.core import tables
from luigi_tasks.core.engines import session
from luigi_tasks.core.engines.stage import SparkStage
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.extracts.contract import LOANS
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.layers.quality import QualityCheck
from luigi_tasks.layers.silver import Silver
from luigi_tasks.models.predictions import Predictions

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame


class CreditRiskViews(AsOfStage, SparkStage):
    """datamart/gold/vintage_curves.parquet, roll_rates.parquet and cutoffs.parquet.

    The first two are of all loans but those of flagged customers, the last of matured loans that
    no model was fitted on.
    """

    reads = ("labels.overdue_threshold", "monitoring.cost_ratio")
    product = "vintages"

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.models.scored_loans",)

    def requires(self) -> dict[str, Stage]:
        return {
            "loans": Silver(table=LOANS.name),
            "flags": QualityCheck(),
            "predictions": Predictions(**self.moment),
        }

    def output(self) -> dict[str, StageTarget]:
        gold = in_datamart("gold")
        return {
            "vintages": self.place(Directory(gold / "vintage_curves.parquet")),
            "roll rates": self.place(Directory(gold / "roll_rates.parquet")),
            "cutoffs": self.place(Directory(gold / "cutoffs.parquet")),
        }

    def build(self, staging: Mapping[str, Path]) -> None:
        with Progress(self, "adding up installments"):
            self._from_installments(staging)
        self._from_scores(staging)

    def _from_installments(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.monitoring.installments import known_on, newest_snapshot
        from luigi_tasks.monitoring.roll_rates import roll_rates, transitions
        from luigi_tasks.monitoring.vintages import first_defaults, vintage_curves

        required = self.requires()
        threshold = {"overdue_threshold": self.params["labels.overdue_threshold"]}
        loans = session.read(required["loans"].path())
        known = known_on(loans, session.read(required["flags"].path()), self.as_of)
        counts = first_defaults(known, newest_snapshot(loans, self.as_of), **threshold)
        tables.write_frame(staging["vintages"], vintage_curves(_held(counts)))
        rates = roll_rates(_held(transitions(known, **threshold)))
        tables.write_frame(staging["roll rates"], rates)

    def _from_scores(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.models.scored_loans import read_scores, unknown_to_models
        from luigi_tasks.monitoring.cutoffs import cutoff_table

        scored = unknown_to_models(read_scores(self.requires()["predictions"].path()))
        matured = scored[scored["actual_label"].notna()]
        table = cutoff_table(
            matured["actual_label"],
            matured["prediction_proba"],
            cost_ratio=self.params["monitoring.cost_ratio"],
        )
        tables.write_frame(staging["cutoffs"], table)


def _held(counts: DataFrame) -> pd.DataFrame:
    """The few rows of an aggregate."""
    frame: pd.DataFrame = counts.toArrow().to_pandas()
    return frame
