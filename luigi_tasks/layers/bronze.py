"""The stage Bronze: the CSV as it is, every column a string; malformed lines in quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import luigi

from luigi_tasks.core import tables
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.storage import in_data, in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage, Task
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.extracts.headers import read_header


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
    """The extract as parquet, every column a string; malformed lines go to quarantine."""

    table = luigi.ChoiceParameter(choices=list(TABLES), description="name of the extract")
    product = "rows"

    def requires(self) -> RawCsv:
        return RawCsv(table=self.table)

    def output(self) -> dict[str, StageTarget]:
        name = f"{self.table}.parquet"
        return {
            "rows": Directory(in_datamart("bronze", name)),
            "quarantine": Directory(in_datamart("quarantine", "bronze", name)),
        }

    def build(self, staging: Mapping[str, Path]) -> None:
        import pyarrow as pa

        from luigi_tasks.extracts.csv_files import Malformed, quarantine_of, read_csv

        path = Path(self.requires().output().path)
        contract = TABLES[self.table]
        schema = pa.schema([(name, pa.string()) for name in read_header(path, contract)])
        malformed: list[Malformed] = []
        with (
            Progress(self, "reading", path.stat().st_size, "bytes") as progress,
            tables.writing(staging["rows"], schema) as file,
        ):
            for batch in read_csv(path, contract, malformed, progress):
                file.write_batch(batch)
        tables.write(staging["quarantine"], quarantine_of(path, malformed))
