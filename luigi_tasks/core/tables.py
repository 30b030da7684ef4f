"""Parquet datasets: read whole or batch by batch, written as one file.

A published dataset is the files that its provenance names. A copy that somebody left beside them
is not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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

PART = "part-00000.parquet"
# Rows that are held at a time when a dataset is read in batches.
BATCH = 1 << 16


def for_arrow(path: Path) -> tuple[Any, Any]:
    """A path and its file system (None for this machine), as pyarrow takes them."""
    shared: Any = path
    return (shared.path, shared.fs) if is_shared(path) else (path, None)


def files_of(path: Path) -> list[Path]:
    """The parquet files of a dataset, in the order of their names; of one being built, all.

    The dataset may lie in the folder of a published output. Raises PipelineError when there is
    none, or nothing says what belongs to it.
    """
    names = _published_names(path)
    if names is None:
        names = file_system(path).names(path)
    files = [path / name for name in names if name.endswith(".parquet")]
    if not files:
        raise PipelineError(f"{path} does not exist; run the task that makes it")
    return files


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


def dataset(path: Path) -> ds.Dataset:
    """The files of a dataset, in the order of their names."""
    import pyarrow.dataset as ds

    places = [for_arrow(file) for file in files_of(path)]
    return ds.dataset([str(p) for p, _ in places], filesystem=places[0][1], format="parquet")


def read(path: Path, columns: list[str] | None = None, where: Any = None) -> pa.Table:
    """A dataset, or these columns of the rows that meet a pyarrow expression."""
    return dataset(path).to_table(columns=columns, filter=where)


def batches(path: Path, columns: list[str], where: Any = None) -> Iterator[pa.Table]:
    """The same as `read` in parts of at most BATCH rows; none of them is empty."""
    import pyarrow as pa

    scanned = dataset(path).to_batches(
        columns=columns, filter=where, batch_size=BATCH, batch_readahead=1, fragment_readahead=1
    )
    for batch in scanned:
        if batch.num_rows:
            yield pa.Table.from_batches([batch])


def count_rows(path: Path, where: Any = None) -> int:
    """The number of rows of a dataset, or of those that meet a pyarrow expression."""
    return int(dataset(path).count_rows(filter=where))


@contextmanager
def writing(folder: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """A writer of a new dataset in a folder that is made for it."""
    import pyarrow.parquet as pq

    folder.mkdir()
    place, file_system = for_arrow(folder / PART)
    with pq.ParquetWriter(place, schema, filesystem=file_system, compression="zstd") as file:
        yield file


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
