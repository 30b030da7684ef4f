"""The stage Silver: an extract with typed columns; what cannot be keyed or dated in quarantine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import luigi

from luigi_tasks.core import tables
from luigi_tasks.core.engines import session
from luigi_tasks.core.engines.stage import SparkStage
from luigi_tasks.core.files import file_system
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.layers.bronze import Bronze


class Silver(SparkStage):
    """One extract, cleaned. Beside it the quarantined rows and the nulls counted by reason."""

    table = luigi.ChoiceParameter(choices=list(TABLES), description="name of the extract")
    reads = ("quality.latest_snapshot",)
    product = "rows"

    def requires(self) -> Bronze:
        return Bronze(table=self.table)

    def output(self) -> dict[str, StageTarget]:
        quarantine = in_datamart("quarantine", "silver")
        return {
            "rows": Directory(in_datamart("silver", f"{self.table}.parquet")),
            "quarantine": Directory(quarantine / f"{self.table}.parquet"),
            "nulls": Directory(quarantine / f"{self.table}_nulls.parquet"),
        }

    def _latest_snapshot(self, bronze: Path) -> dt.date:
        """The day after which a snapshot is mistyped."""
        from luigi_tasks.extracts.snapshot_days import believable, columns_read, count_days

        if self.params["quality.latest_snapshot"] != "auto":
            return dt.date.fromisoformat(self.params["quality.latest_snapshot"])
        contract = TABLES[self.table]
        batches = tables.batches(bronze, columns_read(contract))
        span = believable(count_days(batches, contract))
        return span[1] if span else dt.date.max

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.layers.cleaning import (
            empty_quarantine,
            findings,
            marked,
            marks,
            null_counts,
            read_values,
            split,
        )

        bronze = self.requires().path()
        contract = TABLES[self.table]
        contract = contract.until(self._latest_snapshot(bronze))
        values = read_values(session.read(bronze), contract)
        rows, order = staging["rows"], list(contract.key)
        with Progress(self, "cleaning", tables.count_rows(bronze), "rows") as progress:
            frame = marked(values, contract)
            counts = session.sift(frame, rows, order, marks(contract), progress)
            found = findings(counts, session.read(rows), contract)
            kept, quarantine = split(values, contract, found)
            if found.contradicts or found.has_duplicates:
                file_system(rows).discard(rows)
                session.write(kept, rows, order, progress)
            if found.has_quarantined_rows:
                session.write(quarantine, staging["quarantine"], quarantine.columns)
            else:
                tables.write(staging["quarantine"], empty_quarantine(contract))
        tables.write(staging["nulls"], null_counts(found.nulls))
