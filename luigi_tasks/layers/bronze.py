"""Bronze: the CSV as it is, every column a string, and the malformed lines in quarantine."""

from __future__ import annotations

from pathlib import Path

import luigi

from luigi_tasks.core import tables
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.targets import Directory
from luigi_tasks.core.task import PipelineTask, in_data, in_datamart
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.extracts.csv_files import quarantine_of, read_csv, read_header


class RawCsv(luigi.ExternalTask):
    """One of the four extracts in data/, delivered from outside.

    Complete when its header is as agreed; raises PipelineError otherwise, before anything runs.
    """

    table = luigi.ChoiceParameter(choices=list(TABLES), description="name of the extract")

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(in_data(TABLES[self.table].file))

    def complete(self) -> bool:
        read_header(Path(self.output().path), TABLES[self.table])
        return True


class Bronze(PipelineTask):
    """The extract as parquet, every column a string; malformed lines go to quarantine."""

    table = luigi.ChoiceParameter(choices=list(TABLES), description="name of the extract")

    def requires(self) -> RawCsv:
        return RawCsv(table=self.table)

    def output(self) -> list[Directory]:
        name = f"{self.table}.parquet"
        return [
            Directory(in_datamart("bronze", name)),
            Directory(in_datamart("quarantine", "bronze", name)),
        ]

    def build(self, *built: Path) -> None:
        import pyarrow as pa

        path = Path(self.input().path)
        contract = TABLES[self.table]
        dataset, quarantine = built
        schema = pa.schema([(name, pa.string()) for name in read_header(path, contract)])
        malformed: list[str] = []
        with (
            Progress(self, "reading", path.stat().st_size, "bytes") as progress,
            tables.writing(dataset, schema) as file,
        ):
            for batch in read_csv(path, contract, malformed, progress):
                file.write_batch(batch)
        tables.write(quarantine, quarantine_of(path, len(schema), malformed))
