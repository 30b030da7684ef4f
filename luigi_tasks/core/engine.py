"""The engine that executes PySpark: an embedded Sail server, or Apache Spark.

One session serves a process. Whoever asks first starts it; it is stopped when the process ends
or before it forks, because a server does not survive a fork. Sail never writes: it sorts, its
result is streamed and written here. Under Apache Spark the executors read and write.
"""

from __future__ import annotations

import atexit
import concurrent.futures.thread  # noqa: F401 (it must not be imported first within a fork)
import contextlib
import gc
import importlib
import json
import os
import threading
from collections.abc import Iterable, Iterator
from multiprocessing import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from luigi_tasks.core import tables
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import file_system
from luigi_tasks.core.progress import Progress

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession


class engine(luigi.Config):  # noqa: N801 (the class name is the section of luigi.cfg)
    """Who executes PySpark. Section [engine] of luigi.cfg."""

    engine = luigi.ChoiceParameter(
        choices=["sail", "spark", "connect"],
        default="sail",
        description="sail: embedded, no Java; spark: Apache Spark; connect: a Spark Connect server",
    )
    master = luigi.Parameter(default="local[*]", description="spark: the master's address")
    remote = luigi.Parameter(default="sc://localhost:15002", description="connect: the address")
    memory_mb = luigi.IntParameter(
        default=3_000, description="sail: memory of one worker's queries, MiB; then they spill"
    )
    temporary = luigi.Parameter(
        default="", description="sail: folder to spill to; empty is that of the system"
    )
    parts = luigi.IntParameter(
        default=8, description="spark, connect: files of a dataset; as many give the same files"
    )


# The slow imports of the stages. A forked worker would pay for them at every task.
SLOW_MODULES = (
    "pysail.spark",
    "pyspark.sql.connect.session",
    "pyarrow.parquet",
    "pandas",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "matplotlib.figure",
)

QUERY_OPTIONS = {"spark.sql.session.timeZone": "UTC"}
# Otherwise every column expression looks up its place in our code. Static in Apache Spark.
NO_DEBUGGING = {"spark.python.sql.dataFrameDebugging.enabled": "false"}
# Rows of a parquet row group, and so of what is held in memory while a result is written.
ROW_GROUP = 1 << 17

_session: SparkSession | None = None
_server: Any = None
_training_follows = False


def expect_training() -> None:
    """Say that this run goes on after gold."""
    global _training_follows
    _training_follows = True


def session() -> SparkSession:
    """The Spark session of this process; started at the first call."""
    global _session
    if _session is None:
        settings = engine()
        start = {"sail": _start_sail, "spark": _start_spark, "connect": _start_connect}
        _session = start[settings.engine](settings)
        for name, value in QUERY_OPTIONS.items():
            _session.conf.set(name, value)
        util.Finalize(None, shutdown, exitpriority=10)
        if _training_follows:
            # What comes after gold needs slow imports; they are done while the engine computes.
            threading.Thread(target=_import_ahead, name="imports").start()
    return _session


def _start_sail(settings: engine) -> SparkSession:
    global _server
    if settings.memory_mb < 1:
        raise PipelineError(
            f"luigi.cfg: [engine] memory_mb = {settings.memory_mb} is not allowed: a number from 1"
        )
    os.environ.setdefault("RUST_LOG", "error")
    # A fair pool: no operator takes what the others need, and each spills when its share is full.
    os.environ["SAIL_RUNTIME__MEMORY_POOL__TYPE"] = "fair"
    os.environ["SAIL_RUNTIME__MEMORY_POOL__FAIR__MAX_SIZE"] = str(settings.memory_mb << 20)
    if settings.temporary:
        try:
            Path(settings.temporary).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PipelineError(
                f"luigi.cfg: [engine] temporary = {settings.temporary} cannot be made a folder: "
                f"{error.strerror}"
            ) from error
        os.environ["SAIL_RUNTIME__TEMPORARY_FILES__PATHS"] = json.dumps([settings.temporary])
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    _server = SparkConnectServer(port=0)
    _server.start(background=True)
    host, port = _server.listening_address
    found = SparkSession.builder.remote(f"sc://{host}:{port}").create()
    for name, value in NO_DEBUGGING.items():
        found.conf.set(name, value)
    return found


def _start_spark(settings: engine) -> SparkSession:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(settings.master).appName("loan-default-pipeline")
    options = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        **NO_DEBUGGING,
    }
    if settings.master.startswith("local"):
        # The default, 200, suits a cluster. How many cores that has is not known here.
        options["spark.sql.shuffle.partitions"] = str(os.cpu_count() or 1)
    for name, value in options.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:
        raise PipelineError(
            f"luigi.cfg: [engine] engine = spark cannot start on {settings.master}; it needs Java "
            f"17 or later on the PATH and a master that answers ({type(error).__name__})"
        ) from error


def _start_connect(settings: engine) -> SparkSession:
    from pyspark.sql import SparkSession
    from pyspark.sql.connect.client.retries import DefaultPolicy

    try:
        found = SparkSession.builder.remote(settings.remote).create()
        # The client tries for ten minutes. That suits a lost connection, not a wrong address.
        patient = found.client.get_retry_policies()
        found.client.set_retry_policies([DefaultPolicy(max_retries=3)])
        _ = found.version
        found.client.set_retry_policies(patient)
    except Exception as error:
        raise PipelineError(
            f"luigi.cfg: [engine] remote = {settings.remote} does not answer as a Spark Connect "
            f"server ({type(error).__name__})"
        ) from error
    return found


def shutdown() -> None:
    """Stop the session first, the server second: the other order hangs."""
    global _session, _server
    if _session is not None:
        _session.stop()
        _session = None
    if _server is not None:
        _server.stop()
        _server = None


def _before_fork() -> None:
    """Import once, in the parent, what every worker needs; start nothing there."""
    shutdown()
    if engine().engine == "sail":
        _import_slow_modules()


def _import_ahead() -> None:
    # A process that ends sooner than its imports refuses some of them.
    with contextlib.suppress(RuntimeError):
        _import_slow_modules()


def _import_slow_modules() -> None:
    for module in SLOW_MODULES:
        importlib.import_module(module)


# What is alive at the end dies with the process: do not search it for garbage (0.6 s).
atexit.register(gc.freeze)
atexit.register(shutdown)
os.register_at_fork(before=_before_fork)


def read(path: Path) -> DataFrame:
    """The parquet dataset at a path. A missing one is an error, not an empty frame."""
    if not file_system(path).exists(path):
        raise PipelineError(f"{path} does not exist; run the task that makes it")
    return session().read.parquet(str(path.absolute()))


@contextlib.contextmanager
def memory_told() -> Iterator[None]:
    """Around queries: what does not fit into the memory of Sail is told as a PipelineError."""
    try:
        yield
    except Exception as error:
        if engine().engine != "sail" or "Failed to allocate" not in str(error):
            raise
        raise PipelineError(
            f"luigi.cfg: [engine] memory_mb = {engine().memory_mb} is too little for a query of "
            "this size; give it more"
        ) from error


def write(frame: DataFrame, path: Path, order: list[str], progress: Progress | None = None) -> None:
    """Write a frame as a parquet dataset; `order` are columns that identify a row.

    The same rows give the same files: part-00000.parquet and so on. Sail gives one file, sorted;
    Apache Spark `[engine] parts` of them, each sorted, a row's file chosen by the hash of its key.
    """
    if engine().engine == "sail":
        _write_here(frame.sort(*order), path, progress)
    else:
        _write_by_executors(frame, path, order)


def _write_here(frame: DataFrame, path: Path, progress: Progress | None) -> None:
    from pyspark.sql.pandas.types import to_arrow_schema

    schema = to_arrow_schema(frame.schema)
    with tables.writing(path, schema) as file:
        for group in regrouped(_stream(frame, schema), ROW_GROUP):
            file.write_table(group)
            if progress:
                progress.add(group.num_rows)


def _stream(frame: Any, schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows of a frame of a Spark Connect session as they arrive, never all at once."""
    import pyarrow as pa

    client = frame.sparkSession.client
    for found in client.to_table_as_iterator(frame._plan.to_proto(client), {}):
        if isinstance(found, pa.Table):
            yield found.cast(schema)


def regrouped(tables: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """The same rows in tables of `size` rows (the last has fewer), each in one chunk."""
    import pyarrow as pa

    held: list[pa.Table] = []
    rows = 0
    for table in tables:
        held.append(table)
        rows += table.num_rows
        while rows >= size:
            joined = pa.concat_tables(held)
            yield joined.slice(0, size).combine_chunks()
            held, rows = [joined.slice(size)], rows - size
    if rows:
        yield pa.concat_tables(held).combine_chunks()


def _write_by_executors(frame: DataFrame, path: Path, order: list[str]) -> None:
    placed = frame.repartition(engine().parts, *order).sortWithinPartitions(*order)
    placed.write.parquet(str(path.absolute()), compression="zstd")
    files = file_system(path)
    names = files.names(path)
    parts = [name for name in names if name.startswith("part-") and name.endswith(".parquet")]
    for number, name in enumerate(parts):
        files.move(path / name, path / f"part-{number:05d}.parquet")
    for name in set(names) - set(parts):  # Hadoop's own: _SUCCESS and checksums
        files.discard(path / name)
