"""The stage QualityCheck: customers whose master data cannot be trusted are kept out of gold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from luigi_tasks.core import tables
from luigi_tasks.core.engines import session
from luigi_tasks.core.engines.stage import SparkStage
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.storage import in_datamart, in_reports
from luigi_tasks.core.targets import Directory, Document, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.layers.bronze import Bronze
from luigi_tasks.layers.silver import Silver

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class QualityCheck(SparkStage):
    """Flags customers, reconciles the row counts and writes reports/data_quality.json.

    Fails when more customers are flagged, more rows quarantined or more values of a column
    unreadable than params.yaml allows.
    """

    reads = (
        "labels.prediction_mob",
        "quality.min_age",
        "quality.max_age",
        "quality.max_flagged_share",
        "quality.max_quarantined_share",
        "quality.max_unreadable_share",
    )
    product = "flags"

    def requires(self) -> list[Stage]:
        return [stage(table=name) for name in TABLES for stage in (Bronze, Silver)]

    def inputs(self) -> dict[str, StageTarget]:
        return {
            f"{task} {name}": target
            for task in self.requires()
            for name, target in task.output().items()
        }

    def output(self) -> dict[str, StageTarget]:
        flags = in_datamart("quarantine", "quality", "flagged_customers.parquet")
        return {"flags": Directory(flags), "report": Document(in_reports("data_quality.json"))}

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.layers import reconciliation
        from luigi_tasks.layers.flags import count_customers, flagged_customers

        silver = {name: session.read(Silver(table=name).path()) for name in TABLES}
        flagged = flagged_customers(
            silver,
            prediction_mob=self.params["labels.prediction_mob"],
            min_age=self.params["quality.min_age"],
            max_age=self.params["quality.max_age"],
        )
        counts, nulls = {}, {}
        with Progress(self, "checking", len(TABLES), "tables") as progress:
            session.write(flagged, staging["flags"], ["Customer_ID", "reason"])
            flags = session.read(staging["flags"])
            for name in TABLES:
                nulls[name] = self._nulls(name)
                counts[name] = self._count(name, silver[name], flags)
                progress.add(1)
            customers = count_customers(silver, flags)
        limit = self.params["quality.max_flagged_share"]
        reconciliation.check_flagged(customers, max_flagged_share=limit)
        report = {"tables": counts, "customers": {**customers, "limit": limit}, "nulls": nulls}
        staging["report"].mkdir()
        (staging["report"] / "data_quality.json").write_text(json.dumps(report), encoding="utf-8")

    def _count(self, name: str, silver: DataFrame, flags: DataFrame) -> dict[str, int]:
        """The rows of an extract, checked to add up."""
        from luigi_tasks.layers import reconciliation
        from luigi_tasks.layers.exclusion import passed
        from luigi_tasks.layers.flags import quarantined

        counts = reconciliation.row_counts(
            malformed=tables.count_rows(Bronze(table=name).path("quarantine")),
            bronze=tables.count_rows(Bronze(table=name).path()),
            quarantined=tables.total(Silver(table=name).path("quarantine"), "rows"),
            silver=tables.count_rows(Silver(table=name).path()),
            of_flagged=quarantined(silver, flags).count(),
            passed=passed(silver, flags).count(),
        )
        reconciliation.reconcile(name, counts)
        limit = self.params["quality.max_quarantined_share"]
        file = TABLES[name].file
        reconciliation.check_quarantined(file, counts, max_quarantined_share=limit)
        return counts

    def _nulls(self, name: str) -> dict[str, dict[str, int]]:
        """The nulls of an extract by column and reason, checked to be no column misread."""
        from luigi_tasks.layers import reconciliation

        counts = tables.read(Silver(table=name).path("nulls"))
        nulls = reconciliation.nulls_by_column(counts.to_pylist())
        reconciliation.check_unreadable(
            TABLES[name],
            nulls,
            rows=tables.count_rows(Bronze(table=name).path()),
            max_unreadable_share=self.params["quality.max_unreadable_share"],
        )
        return nulls
