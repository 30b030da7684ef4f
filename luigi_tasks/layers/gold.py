"""The stage GoldFeatures: features and labels of every loan at its prediction point."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from luigi_tasks.core import tables
from luigi_tasks.core.engines import session
from luigi_tasks.core.engines.stage import SparkStage
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.extracts.contract import LOANS, TABLES
from luigi_tasks.layers.quality import QualityCheck
from luigi_tasks.layers.silver import Silver


class GoldFeatures(SparkStage):
    """Features and labels of every loan at its prediction point, without flagged customers."""

    reads = ("labels.*",)
    product = "features"

    def requires(self) -> dict[str, Stage]:
        return {"flags": QualityCheck(), **{name: Silver(table=name) for name in TABLES}}

    def output(self) -> dict[str, StageTarget]:
        return {"features": Directory(in_datamart("gold", "features.parquet"))}

    def build(self, staging: Mapping[str, Path]) -> None:
        import pyarrow.dataset as ds

        from luigi_tasks.layers.gold_table import gold_table

        required = self.requires()
        gold = gold_table(
            {name: session.read(required[name].path()) for name in TABLES},
            session.read(required["flags"].path()),
            **self.params.named(),
        )
        reached = ds.field("installment_num") == self.params["labels.prediction_mob"]
        total = tables.count_rows(required[LOANS.name].path(), reached)
        with Progress(self, "joining", total, "loans") as progress:
            session.write(gold, staging["features"], ["loan_id"], progress)
