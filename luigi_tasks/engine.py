"""The engine that executes PySpark: an embedded Sail server, or Apache Spark.

One session serves a process. Whoever asks first starts it; it is stopped when the process ends
or before it forks, because a server does not survive a fork. Sail never writes: its results are
collected as Arrow and written here, in order and under fixed names.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import threading
from multiprocessing import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from luigi_tasks.errors import PipelineError

if TYPE_CHECKING:
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

_session: SparkSession | None = None
_server: Any = None


def session() -> SparkSession:
    """The Spark session of this process; started at the first call."""
    global _session
    if _session is None:
        settings = engine()
        start = {"sail": _start_sail, "spark": _start_spark, "connect": _start_connect}
        _session = start[settings.engine](settings)
        _session.conf.set("spark.sql.session.timeZone", "UTC")
        # Without this every column expression looks up its place in our code.
        _session.conf.set("spark.python.sql.dataFrameDebugging.enabled", "false")
        util.Finalize(None, shutdown, exitpriority=10)
        # What comes after gold needs slow imports; they are done while the engine computes.
        threading.Thread(target=_import_slow_modules, name="imports").start()
    return _session


def _start_sail(settings: engine) -> SparkSession:
    global _server
    os.environ.setdefault("RUST_LOG", "error")
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    _server = SparkConnectServer(port=0)
    _server.start(background=True)
    host, port = _server.listening_address
    return SparkSession.builder.remote(f"sc://{host}:{port}").create()


def _start_spark(settings: engine) -> SparkSession:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(settings.master).appName("loan-default-pipeline")
    options = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": str(os.cpu_count() or 1),
        "spark.log.level": "ERROR",
    }
    for name, value in options.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:
        raise PipelineError(
            f"luigi.cfg: [engine] engine = spark cannot start on {settings.master}; it needs Java "
            f"17 or later on the PATH ({type(error).__name__})"
        ) from error


def _start_connect(settings: engine) -> SparkSession:
    from pyspark.sql import SparkSession

    try:
        found = SparkSession.builder.remote(settings.remote).create()
        _ = found.version
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


def _import_slow_modules() -> None:
    for module in SLOW_MODULES:
        importlib.import_module(module)


# What is alive at the end dies with the process: do not search it for garbage (0.6 s).
atexit.register(gc.freeze)
atexit.register(shutdown)
os.register_at_fork(before=_before_fork)


def read(path: Path) -> DataFrame:
    """The parquet dataset at a path. A missing one is an error, not an empty frame."""
    if not path.exists():
        raise PipelineError(f"{path} does not exist; run the task that makes it")
    return session().read.parquet(str(path.absolute()))


def write(frame: DataFrame, path: Path, order: list[str]) -> None:
    """Write a frame as a parquet dataset, rows ordered by columns that identify a row.

    The same rows give the same files: part-00000.parquet and so on.
    """
    if engine().engine == "sail":
        import pyarrow.parquet as pq

        table = frame.toArrow().sort_by([(name, "ascending") for name in order])
        path.mkdir()
        pq.write_table(table, path / "part-00000.parquet", compression="zstd")
        return
    frame.sort(*order).write.parquet(str(path.absolute()), compression="zstd")
    parts = sorted(path.glob("part-*.parquet"))
    for number, part in enumerate(parts):
        part.rename(path / f"part-{number:05d}.parquet")
    for leftover in (*path.glob("_SUCCESS"), *path.glob(".*.crc")):
        leftover.unlink()
