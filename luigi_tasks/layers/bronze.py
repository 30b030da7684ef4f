"""The stage Bronze: the CSV as it is, by month; malformed lines in quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import luigi

from luigi_tasks.core import digests, locks, tables
from luigi_tasks.core.delivered import Delivered
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.parallel import in_order
from luigi_tasks.core.parts import PartedStage, differing
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.storage import in_data, in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Task
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.extracts.deliveries import files_of, place_of, read_columns
from luigi_tasks.extracts.remembered import surveys

# Rows of a row group. The rows of all months arrive side by side.
_ROW_GROUP = 1 << 16


class RawCsv(Task, luigi.ExternalTask):
    """One of the extracts in data/, delivered from outside: a CSV file, or a folder of them.

    The headers are looked at before anything runs.
    """

    table = luigi.ChoiceParameter(choices=list(TABLES), description="name of the extract")

    def output(self) -> Delivered:
        extract = in_data(TABLES[self.table].file)
        return Delivered(place_of(extract), files_of(extract))

    def check(self) -> None:
        read_columns(in_data(TABLES[self.table].file), TABLES[self.table])

    def examine(self) -> str | None:
        return None


class Bronze(PartedStage):
    """The extract as parquet, every column a string; malformed lines go to quarantine.

    Where the extracts are large, a part holds the rows of a month of snapshots, in the order of the
    files and of their lines; of a folder only the files are read that a month which is not kept has
    rows in. Where the extracts are small, to build them again costs less than to keep months apart.
    """

    table = luigi.ChoiceParameter(choices=list(TABLES), description="name of the extract")
    reads = ("datasets.by_month_from_mb",)
    product = "rows"
    parted = ("rows",)

    def requires(self) -> RawCsv:
        return RawCsv(table=self.table)

    def output(self) -> dict[str, StageTarget]:
        name = f"{self.table}.parquet"
        return {
            "rows": Directory(in_datamart("bronze", name)),
            "quarantine": Directory(in_datamart("quarantine", "bronze", name)),
        }

    def _is_by_month(self) -> bool:
        files = (file for t in TABLES.values() for file in files_of(in_data(t.file)))
        size = sum(path.stat().st_size for path in files if path.exists())
        return bool(size >= self.params["datasets.by_month_from_mb"] * 1_000_000)

    def recipe(self) -> Recipe:
        return {**super().recipe(), "by_month": self._is_by_month()}

    def changed_parts(self) -> tuple[list[str], int] | None:
        """The months with rows in files that are others than those that were read."""
        if len(self.requires().output().files) == 1:
            return None
        return differing(self.published_parts("rows"), self._part_recipes())

    def _part_recipes(self) -> dict[str, Recipe]:
        """By part: the digests of the files that have rows of it, and of the order of columns."""
        from luigi_tasks.extracts.snapshot_days import month_of

        extract, contract = in_data(TABLES[self.table].file), TABLES[self.table]
        columns = digests.of_json(read_columns(extract, contract))
        by_month = self._is_by_month()
        recipes: dict[str, Recipe] = {}
        for file, survey in surveys(extract, contract).items():
            months = set(map(month_of, survey.dates["snapshot_date"]))
            for part in months if by_month else [tables.ONE_PART]:
                recipe = recipes.setdefault(part, {"columns": columns, "files": {}})
                recipe["files"][file.name] = digests.of_file(file)
        return recipes

    def build(self, staging: Mapping[str, Path]) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        from luigi_tasks.extracts.csv_files import Malformed, quarantine_of, read_csv
        from luigi_tasks.extracts.snapshot_days import months_of

        contract = TABLES[self.table]
        columns = read_columns(in_data(contract.file), contract)
        recipes = self._part_recipes()
        by_month = tables.ONE_PART not in recipes
        with locks.publishing():
            kept = self.keep(staging, recipes)
            before = tables.read(self.path("quarantine")) if kept else None
        stale = recipes.keys() - kept

        def divide(block: pa.Table) -> list[tuple[str, pa.Table]]:
            rows = block.select(columns)
            return list(months_of(rows)) if by_month else [(tables.ONE_PART, rows)]

        wanted = {name for part in stale for name in recipes[part]["files"]}
        files = self.requires().output().files
        size = sum(file.stat().st_size for file in files if file.name in wanted)
        quarantined = [quarantine_of(files[0], [])]
        schema = pa.schema([(name, pa.string()) for name in columns])
        with (
            Progress(self, "reading", size, "bytes") as progress,
            tables.writing_parts(staging["rows"], schema, _ROW_GROUP) as add,
        ):
            for file in files:
                if file.name not in wanted:
                    assert before is not None  # its months are kept
                    quarantined.append(before.filter(pc.equal(before["file"], file.name)))
                    continue
                malformed: list[Malformed] = []
                rows = read_csv(file, contract, malformed, progress)
                for divided in in_order(divide, rows):
                    for part, own in divided:
                        if part not in recipes:
                            raise PipelineError(f"{file}: changed while it was read")
                        if part in stale:
                            add(part, own)
                quarantined.append(quarantine_of(file, malformed))
        tables.write(staging["quarantine"], pa.concat_tables(quarantined))
