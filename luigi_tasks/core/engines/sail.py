"""Sail: a server of the Spark Connect protocol inside this process. Needs no Java.

It computes and sorts, and never writes: its own writer drops the order of the rows. The result is
streamed, and written here.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luigi_tasks.core import tables
from luigi_tasks.core.engines.base import NO_DEBUGGING, PART, Counts, Engine, Marks, impatient
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import is_shared
from luigi_tasks.core.progress import Progress

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

# Its allocator reads this when it is loaded. As it comes, it keeps a third more than was in use.
for _name, _value in (("MIMALLOC_PURGE_DELAY", "100"), ("MIMALLOC_ARENA_EAGER_COMMIT", "0")):
    os.environ.setdefault(_name, _value)

# Rows of a parquet row group, and so of what is held in memory while a result is written.
ROW_GROUP = 1 << 17


@dataclass(kw_only=True)
class Sail(Engine):
    """A Sail server whose queries share `memory_mb` MiB and spill to the folder `temporary`."""

    modules = ("pysail.spark", "pyspark.sql.connect.session")

    memory_mb: int
    temporary: str
    # Clients of a server that is collected as garbage wait for ever.
    _server: Any = field(default=None, init=False)

    def start(self) -> SparkSession:
        self._settle_environment()
        from pysail.spark import SparkConnectServer

        self._server = SparkConnectServer(port=0)
        self._server.start(background=True)
        host, port = self._server.listening_address
        session = _connected(f"sc://{host}:{port}")
        impatient(session)
        for name, value in NO_DEBUGGING.items():
            session.conf.set(name, value)
        _keep_ctrl_c()
        return session

    def _settle_environment(self) -> None:
        """Sail reads its own settings from the environment when it starts."""
        os.environ.setdefault("RUST_LOG", "error")
        # A fair pool: no operator takes what the others need, and each spills when its share is
        # full.
        os.environ["SAIL_RUNTIME__MEMORY_POOL__TYPE"] = "fair"
        os.environ["SAIL_RUNTIME__MEMORY_POOL__FAIR__MAX_SIZE"] = str(self.memory_mb << 20)
        if self.temporary:
            try:
                Path(self.temporary).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise PipelineError(
                    f"luigi.cfg: [engine] temporary = {self.temporary} cannot be made a folder: "
                    f"{error.strerror}"
                ) from error
            os.environ["SAIL_RUNTIME__TEMPORARY_FILES__PATHS"] = json.dumps([self.temporary])

    def stop(self, session: SparkSession | None) -> None:
        """The session first, the server second: the other order hangs."""
        super().stop(session)
        if self._server is not None:
            self._server.stop()
            self._server = None

    def address(self, file: Path) -> str:
        """As a URI: of a plain path with a wildcard Sail reads no row, without an error."""
        return str(file) if is_shared(file) else file.absolute().as_uri()

    def write(
        self, frame: DataFrame, path: Path, order: list[str], progress: Progress | None = None
    ) -> None:
        """One file, sorted, in row groups of ROW_GROUP rows."""
        _write(*_stream(frame.sort(*order)), path, progress)

    def write_parts(
        self, frame: DataFrame, path: Path, order: list[str], progress: Progress | None = None
    ) -> None:
        schema, rows = _stream(frame.sort(PART, *order))
        with tables.writing_parts(path, _without(schema, [PART])) as add:
            for part, table in _by_part(rows):
                add(part, table)
                if progress:
                    progress.add(table.num_rows)

    def sift(
        self,
        frame: DataFrame,
        path: Path,
        order: list[str],
        marks: Marks,
        progress: Progress | None = None,
    ) -> Counts:
        """The marks are counted and taken off as the rows arrive.

        The engine leaves no row out: it would compute what says so once more before the rest.
        """
        schema, rows = _stream(frame.sort(PART, *order))
        counts: Counts = {}
        with tables.writing_parts(path, _without(schema, [PART, *marks.columns])) as add:
            for part, table in _by_part(rows):
                own = counts.setdefault(part, {mark: [0] * marks.codes for mark in marks.columns})
                kept = _sifted(table, marks, own)
                if kept.num_rows:
                    add(part, kept)
                if progress:
                    progress.add(table.num_rows)
        return counts

    def explained(self, error: Exception) -> PipelineError | None:
        if "Failed to allocate" not in str(error):
            return None
        return PipelineError(
            f"luigi.cfg: [engine] memory_mb = {self.memory_mb} is too little for a query of this "
            "size; give it more"
        )


def _connected(address: str) -> SparkSession:
    """A session of the server at an address of this machine.

    It takes answers as they are: gzip, which gRPC offers unasked, costs more than most queries.
    """
    from pyspark.sql.connect.client import DefaultChannelBuilder
    from pyspark.sql.connect.session import SparkSession

    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"  # as PySpark does for an address alone
    plain = [("grpc.compression_enabled_algorithms_bitset", 1)]
    builder = SparkSession.Builder().channelBuilder(DefaultChannelBuilder(address, plain))
    return builder.create()  # type: ignore[return-value]


def _keep_ctrl_c() -> None:
    """Take SIGINT back from the server, which would end at once and leave its clients waiting.

    Called after the first answer: by then the server has put its handler in front of Python's.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT))


def _stream(frame: Any) -> tuple[pa.Schema, Iterator[pa.Table]]:
    """The schema of a frame of Spark Connect, and its rows as they arrive, never all at once.

    The answer begins with the schema. To ask for it first would have the query analysed twice.
    """
    import pyarrow as pa
    from pyspark.sql.pandas.types import to_arrow_schema

    client = frame.sparkSession.client
    answers = client.to_table_as_iterator(frame._plan.to_proto(client), {})
    schema = to_arrow_schema(next(answers))
    return schema, (answer.cast(schema) for answer in answers if isinstance(answer, pa.Table))


def _write(
    schema: pa.Schema, rows: Iterable[pa.Table], path: Path, progress: Progress | None
) -> None:
    with tables.writing(path, schema) as file:
        for group in regrouped(rows, ROW_GROUP):
            file.write_table(group)
            if progress:
                progress.add(group.num_rows)


def _by_part(arriving: Iterable[pa.Table]) -> Iterator[tuple[str, pa.Table]]:
    """The rows in tables of one part each, without its name. They arrive sorted by part."""
    for table in arriving:
        begin = 0
        for run in table[PART].value_counts().to_pylist():
            yield (
                tables.name_of_part(run["values"]),
                table.slice(begin, run["counts"]).drop_columns(PART),
            )
            begin += run["counts"]


def _without(schema: pa.Schema, names: Collection[str]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema(field for field in schema if field.name not in names)


def _sifted(table: pa.Table, marks: Marks, counts: dict[str, list[int]]) -> pa.Table:
    """The rows that are not set aside, without their marks, which are added to `counts`."""
    for mark in marks.columns:
        if table[mark].null_count < table.num_rows:
            for entry in table[mark].drop_null().value_counts().to_pylist():
                counts[mark][entry["values"]] += entry["counts"]
    return table.filter(table[marks.aside].is_null()).drop_columns(list(marks.columns))


def regrouped(arriving: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """The same rows in tables of `size` rows (the last has fewer), each in one chunk."""
    import pyarrow as pa

    held: list[pa.Table] = []
    rows = 0
    for table in arriving:
        held.append(table)
        rows += table.num_rows
        while rows >= size:
            joined = pa.concat_tables(held)
            yield joined.slice(0, size).combine_chunks()
            held, rows = [joined.slice(size)], rows - size
    if rows:
        yield pa.concat_tables(held).combine_chunks()
