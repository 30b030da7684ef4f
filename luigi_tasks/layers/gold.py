"""The stage GoldFeatures: features and labels of every loan at its prediction point."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from luigi_tasks.core import tables
from luigi_tasks.core.engines import session
from luigi_tasks.core.engines.stage import SparkStage
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.extracts.contract import LOANS, TABLES
from luigi_tasks.layers.quality import QualityCheck
from luigi_tasks.layers.silver import Silver

log = logging.getLogger("luigi-interface")


class GoldFeatures(SparkStage):
    """Features and labels of every loan at its prediction point, without flagged customers.

    Beside them the loans that should have a label by now and have none, each with the reason, and
    the loans that the flags keep out, with the label that they would have.
    """

    reads = ("labels.*", "features.*")
    product = "features"

    def check(self) -> None:
        super().check()
        last = self.params["labels.observation_mob"]
        if (
            self.params["labels.performance_from"] == "after"
            and self.params["labels.prediction_mob"] >= last
        ):
            raise PipelineError(
                f"params.yaml: labels.prediction_mob = {self.params['labels.prediction_mob']} "
                f"leaves no installment up to labels.observation_mob = {last} with "
                "labels.performance_from = after"
            )

    def requires(self) -> dict[str, Stage]:
        return {"flags": QualityCheck(), **{name: Silver(table=name) for name in TABLES}}

    def output(self) -> dict[str, StageTarget]:
        return {
            "features": Directory(in_datamart("gold", "features.parquet")),
            "unlabelled": Directory(in_datamart("quarantine", "gold", "unlabelled.parquet")),
            "excluded": Directory(in_datamart("quarantine", "gold", "excluded.parquet")),
        }

    def build(self, staging: Mapping[str, Path]) -> None:
        import pyarrow.dataset as ds

        from luigi_tasks.layers.gold_table import excluded_loans, gold_table
        from luigi_tasks.layers.labels import first_of_window, unlabelled

        required = self.requires()
        silver = {name: session.read(required[name].path()) for name in TABLES}
        flags = session.read(required["flags"].path())
        settings = self.params.named()
        gold = gold_table(silver, flags, **settings)
        reached = ds.field("installment_num") == self.params["labels.prediction_mob"]
        total = tables.count_rows(required[LOANS.name].path(), reached)
        with Progress(self, "joining", total, "loans") as progress:
            session.write(gold, staging["features"], ["loan_id"], progress)
        without_label = unlabelled(
            session.read(staging["features"]),
            silver[LOANS.name],
            first_mob=first_of_window(
                self.params["labels.prediction_mob"], self.params["labels.performance_from"]
            ),
            observation_mob=self.params["labels.observation_mob"],
        )
        session.write(without_label, staging["unlabelled"], ["loan_id"])
        del settings["clickstream_months"]
        excluded = excluded_loans(session.read(staging["features"]), silver[LOANS.name], **settings)
        session.write(excluded, staging["excluded"], ["loan_id"])
        reasons = tables.read(staging["unlabelled"], ["reason"])["reason"].to_pylist()
        for reason, n in sorted(Counter(reasons).items()):
            log.warning("loans past their observation point without a label: %d (%s)", n, reason)
