"""The stage Bronze: the CSV as it is, by month; malformed lines in quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import luigi

from luigi_tasks.core import tables
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.storage import in_data, in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage, Task
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.extracts.headers import read_header

# Rows of a row group. The rows of all months arrive side by side.
_ROW_GROUP = 1 << 16


class RawCsv(Task, luigi.ExternalTask):
    """One of the extracts in data/, delivered from outside.

    Its header is looked at before anything runs.
    """

    table = luigi.ChoiceParameter(choices=list(TABLES), description="name of the extract")

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(in_data(TABLES[self.table].file))

    def check(self) -> None:
        read_header(Path(self.output().path), TABLES[self.table])

    def examine(self) -> str | None:
        return None


class Bronze(Stage):
    """The extract as parquet, every column a string; malformed lines go to quarantine.

    Where the extracts are large, a part holds the rows of a month of snapshots, in the order of the
    file; where they are small, to build them again costs less than to keep them apart.
    """

    table = luigi.ChoiceParameter(choices=list(TABLES), description="name of the extract")
    reads = ("datasets.by_month_from_mb",)
    product = "rows"

    def requires(self) -> RawCsv:
        return RawCsv(table=self.table)

    def output(self) -> dict[str, StageTarget]:
        name = f"{self.table}.parquet"
        return {
            "rows": Directory(in_datamart("bronze", name)),
            "quarantine": Directory(in_datamart("quarantine", "bronze", name)),
        }

    def _is_by_month(self) -> bool:
        extracts = (in_data(table.file) for table in TABLES.values())
        size = sum(path.stat().st_size for path in extracts if path.exists())
        return bool(size >= self.params["datasets.by_month_from_mb"] * 1_000_000)

    def recipe(self) -> Recipe:
        return {**super().recipe(), "by_month": self._is_by_month()}

    def build(self, staging: Mapping[str, Path]) -> None:
        import pyarrow as pa

        from luigi_tasks.extracts.csv_files import Malformed, quarantine_of, read_csv
        from luigi_tasks.extracts.snapshot_days import months_of

        path = Path(self.requires().output().path)
        contract = TABLES[self.table]
        schema = pa.schema([(name, pa.string()) for name in read_header(path, contract)])
        malformed: list[Malformed] = []
        with (
            Progress(self, "reading", path.stat().st_size, "bytes") as progress,
            tables.writing_parts(staging["rows"], schema, _ROW_GROUP) as add,
        ):
            by_month = self._is_by_month()
            for batch in read_csv(path, contract, malformed, progress):
                rows = pa.Table.from_batches([batch])
                for part, own in months_of(rows) if by_month else [(tables.ONE_PART, rows)]:
                    add(part, own)
        tables.write(staging["quarantine"], quarantine_of(path, malformed))
