"""Parquet datasets: read whole or batch by batch, written as one file.

A published dataset is the files that its provenance names. A copy that somebody left beside them
is not read.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import MARKER, file_system, is_shared
from luigi_tasks.core.targets import Directory

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

# The only part of a dataset that is not kept by month, and its file.
ONE_PART = "part-00000"
PART = f"{ONE_PART}.parquet"
# Of one that is: the part of the rows without a month, and that of a dataset without a row.
UNDATED, NO_PART = "undated", "none"
# Rows of a row group, and so of what is held in memory for each part while it is written.
ROW_GROUP = 1 << 17
# Row groups that may wait for the disk.
_PENDING = 2
# Rows that are held at a time when a dataset is read in batches.
BATCH = 1 << 16


def for_arrow(path: Path) -> tuple[Any, Any]:
    """A path and its file system (None for this machine), as pyarrow takes them."""
    shared: Any = path
    return (shared.path, shared.fs) if is_shared(path) else (path, None)


def files_of(path: Path, parts: Collection[str] | None = None) -> list[Path]:
    """The parquet files of a dataset, or of these parts of it, in the order of their names.

    Of one being built, all count. The dataset may lie in the folder of a published output. Raises
    PipelineError when there is none, or nothing says what belongs to it.
    """
    names = _published_names(path)
    if names is None:
        names = file_system(path).names(path)
    wanted = None if parts is None else set(map(file_of_part, parts))
    files = [
        path / name
        for name in names
        if name.endswith(".parquet") and (wanted is None or name in wanted)
    ]
    if not files:
        raise PipelineError(f"{path} does not exist; run the task that makes it")
    return files


def name_of_part(code: int) -> str:
    """The name of a part by its number, which sorts like it: 24309 is 2025-10.

    A month is 12 years + month - 1; 0 is ONE_PART, and 1 UNDATED.
    """
    if code < 2:
        return (ONE_PART, UNDATED)[code]
    return f"{code // 12:04}-{code % 12 + 1:02}"


def file_of_part(part: str) -> str:
    """The name of the file of a part; see `parts.py`."""
    return f"{part}.parquet"


def parts_of(path: Path) -> dict[str, str]:
    """The parts of a dataset with the SHA-256 of each one's file; of one without a row, none.

    Where nothing was published with a provenance, the digests are empty.
    """
    provenance = Directory(path).provenance()
    if provenance is None:
        return dict.fromkeys(sorted(parts_there(path) - {NO_PART}), "")
    return {
        name.removesuffix(".parquet"): digest
        for name, digest in sorted(provenance.files.items())
        if name != file_of_part(NO_PART)
    }


def _published_names(path: Path) -> list[str] | None:
    """What the provenance of a folder, or of the one around it, names below a path."""
    for folder, start in ((path, ""), (path.parent, f"{path.name}/")):
        if file_system(path).exists(folder / MARKER):
            provenance = Directory(folder).provenance()
            if provenance is None:
                raise PipelineError(
                    f"{folder / MARKER}: the provenance cannot be read; run the task that makes it"
                )
            below = (name for name in provenance.files if name.startswith(start))
            return sorted(name.removeprefix(start) for name in below)
    return None


def dataset(path: Path, parts: Collection[str] | None = None) -> ds.Dataset:
    """The files of a dataset, or of these parts of it, in the order of their names."""
    import pyarrow.dataset as ds

    places = [for_arrow(file) for file in files_of(path, parts)]
    return ds.dataset([str(p) for p, _ in places], filesystem=places[0][1], format="parquet")


def read(path: Path, columns: list[str] | None = None, where: Any = None) -> pa.Table:
    """A dataset, or these columns of the rows that meet a pyarrow expression."""
    return dataset(path).to_table(columns=columns, filter=where)


def batches(
    path: Path, columns: list[str], where: Any = None, parts: Collection[str] | None = None
) -> Iterator[pa.Table]:
    """The same as `read`, of these parts, in tables of at most BATCH rows; none is empty."""
    import pyarrow as pa

    scanned = dataset(path, parts).to_batches(
        columns=columns, filter=where, batch_size=BATCH, batch_readahead=1, fragment_readahead=1
    )
    for batch in scanned:
        if batch.num_rows:
            yield pa.Table.from_batches([batch])


def count_rows(path: Path, where: Any = None, parts: Collection[str] | None = None) -> int:
    """The number of rows of a dataset, or of those that meet a pyarrow expression."""
    return int(dataset(path, parts).count_rows(filter=where))


@contextmanager
def writing(folder: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """A writer of a new dataset in a folder that is made for it."""
    folder.mkdir()
    with _file(folder / PART, schema) as file:
        yield file


def _file(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    import pyarrow.parquet as pq

    place, system = for_arrow(path)
    return pq.ParquetWriter(place, schema, filesystem=system, compression="zstd")


@contextmanager
def writing_parts(
    folder: Path, schema: pa.Schema, row_group: int = ROW_GROUP
) -> Iterator[Callable[[str, pa.Table], None]]:
    """A function that adds rows to a part of a dataset, for any part at any time.

    The folder is made unless it is there. The same rows of a part in the same order give the same
    file, whatever comes between them. Without a row there is the part NO_PART.
    """
    folder.mkdir(exist_ok=True)
    # Compressed on all cores, beside the one that parses or receives the rows. The threads end
    # before their files are closed, also after an error.
    with ExitStack() as files, ThreadPoolExecutor(os.cpu_count()) as writers:
        begun: dict[str, _Part] = {}
        pending: deque[Future[None]] = deque()

        def write(part: _Part, rows: int) -> None:
            pending.append(writers.submit(part.write, part.taken(rows), part.last))
            part.last = pending[-1]
            if len(pending) > _PENDING:
                pending.popleft().result()

        def add(name: str, rows: pa.Table) -> None:
            if name not in begun:
                file = files.enter_context(_file(folder / file_of_part(name), schema))
                begun[name] = _Part(file)
            part = begun[name]
            part.add(rows)
            while part.rows >= row_group:
                write(part, row_group)

        yield add
        for each in begun.values():
            if each.rows:
                write(each, each.rows)
        while pending:
            pending.popleft().result()
    settle_parts(folder, schema)


def settle_parts(folder: Path, schema: pa.Schema) -> None:
    """Have a dataset that is being built hold NO_PART if it has no other part, and only then."""
    if not parts_there(folder):
        with _file(folder / file_of_part(NO_PART), schema):
            pass
    elif len(parts_there(folder)) > 1:
        file_system(folder).discard(folder / file_of_part(NO_PART))


def parts_there(folder: Path) -> set[str]:
    """The parts of a dataset that is being built which have a file; NO_PART may be one."""
    names = file_system(folder).names(folder)
    return {
        name.removesuffix(".parquet")
        for name in names
        if name.endswith(".parquet") and "/" not in name
    }


def replace_parts(folder: Path, new: Path, parts: Collection[str]) -> None:
    """Put parts of one dataset that is being built in the place of those of another.

    A part without a row has no file. Nothing is left of the first one.
    """
    if not parts:
        return
    files, schema = file_system(folder), dataset(new).schema
    for part in sorted(parts):
        files.discard(folder / file_of_part(part))
    for part in sorted(parts_there(new) & set(parts)):
        files.move(new / file_of_part(part), folder / file_of_part(part))
    files.discard(new)
    settle_parts(folder, schema)


class _Part:
    """The rows of a part that are waiting until they make a row group."""

    def __init__(self, file: pq.ParquetWriter) -> None:
        self.rows = 0
        self.last: Future[None] | None = None
        """What writes its newest row group."""
        self._file = file
        self._waiting: list[pa.Table] = []

    def add(self, rows: pa.Table) -> None:
        self._waiting.append(rows)
        self.rows += rows.num_rows

    def taken(self, rows: int) -> pa.Table:
        """The rows that have waited longest."""
        import pyarrow as pa

        waiting = pa.concat_tables(self._waiting)
        self._waiting, self.rows = [waiting.slice(rows)], self.rows - rows
        return waiting.slice(0, rows)

    def write(self, rows: pa.Table, after: Future[None] | None) -> None:
        """Write a row group behind the one before."""
        group = rows.combine_chunks()
        if after:
            after.result()  # it was begun before this one
        self._file.write_table(group)


def write(folder: Path, table: pa.Table) -> None:
    """Write a table as a new dataset. Only its rows and types count, not its metadata."""
    plain = table.replace_schema_metadata(None)
    with writing(folder, plain.schema) as file:
        file.write_table(plain)


def write_frame(folder: Path, frame: pd.DataFrame) -> None:
    """Write a frame without its index as a new dataset."""
    import pyarrow as pa

    write(folder, pa.Table.from_pandas(frame, preserve_index=False))


def total(path: Path, column: str) -> int:
    """The sum over an integer column of a dataset."""
    import pyarrow.compute as pc

    return int(pc.sum(read(path, [column])[column]).as_py() or 0)
