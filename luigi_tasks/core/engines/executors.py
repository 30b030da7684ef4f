"""What engines of Apache Spark have in common: executors, which read and write the datasets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from luigi_tasks.core import tables
from luigi_tasks.core.engines.base import PART, Counts, Engine, Marks
from luigi_tasks.core.files import file_system
from luigi_tasks.core.progress import Progress

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(kw_only=True)
class WithExecutors(Engine):
    """An engine whose executors write `parts` files a dataset."""

    parts: int

    def address(self, file: Path) -> str:
        """With a backslash before what Hadoop would take for a wildcard."""
        return re.sub(r"([*?\[\]{}\\])", r"\\\1", str(file.absolute()))

    def write(
        self, frame: DataFrame, path: Path, order: list[str], progress: Progress | None = None
    ) -> None:
        """A row's file is chosen by the hash of its key, so that as many parts are the same."""
        placed = frame.repartition(self.parts, *order).sortWithinPartitions(*order)
        placed.write.parquet(str(path.absolute()), compression="zstd")
        _name_by_number(path)

    def write_parts(
        self, frame: DataFrame, path: Path, order: list[str], progress: Progress | None = None
    ) -> None:
        """The rows of a part meet on one executor, which sorts and writes them."""
        from pyspark.sql.pandas.types import to_arrow_schema

        placed = frame.repartition(PART).sortWithinPartitions(PART, *order)
        below = path / "_parts"
        placed.write.partitionBy(PART).parquet(str(below.absolute()), compression="zstd")
        files = file_system(path)
        for name in files.names(below):
            folder, _, file = name.rpartition("/")
            if file.endswith(".parquet"):
                part = tables.name_of_part(int(folder.partition("=")[2]))
                files.move(below / name, path / tables.file_of_part(part))
        files.discard(below)
        with tables.writing_parts(path, to_arrow_schema(frame.drop(PART).schema)):
            pass  # there is a file now, if only one without a row

    def sift(
        self,
        frame: DataFrame,
        path: Path,
        order: list[str],
        marks: Marks,
        progress: Progress | None = None,
    ) -> Counts:
        """The executors compute it twice: they count, then they write."""
        from pyspark.sql import functions as F

        rows = (
            frame.groupBy(PART)
            .agg(
                *(
                    F.count(F.when(F.col(mark) == code, 1)).alias(f"{mark} {code}")
                    for mark in marks.columns
                    for code in range(marks.codes)
                )
            )
            .collect()
        )
        kept = frame.where(F.col(marks.aside).isNull()).drop(*marks.columns)
        self.write_parts(kept, path, order, progress)
        return {
            tables.name_of_part(row[PART]): {
                mark: [row[f"{mark} {code}"] for code in range(marks.codes)]
                for mark in marks.columns
            }
            for row in rows
        }


def _name_by_number(path: Path) -> None:
    """Drop the random part of Spark's file names, and the files that are Hadoop's own."""
    files = file_system(path)
    names = files.names(path)
    parts = [name for name in names if name.startswith("part-") and name.endswith(".parquet")]
    for number, name in enumerate(parts):
        files.move(path / name, path / f"part-{number:05d}.parquet")
    for name in set(names) - set(parts):  # _SUCCESS and checksums
        files.discard(path / name)
