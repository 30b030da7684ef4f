"""The one Spark session of a process.

Whoever asks first starts it; it is stopped when the process ends or before it forks, because a
server does not survive a fork.
"""

from __future__ import annotations

import atexit
import concurrent.futures.thread  # noqa: F401 (it must not be imported first within a fork)
import contextlib
import gc
import os
from collections.abc import Collection, Iterator
from multiprocessing import util
from pathlib import Path
from typing import TYPE_CHECKING

from luigi_tasks.core import imports
from luigi_tasks.core.engines.base import Counts, Engine, Marks
from luigi_tasks.core.engines.config import settings
from luigi_tasks.core.files import file_system
from luigi_tasks.core.progress import Progress

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

QUERY_OPTIONS = {"spark.sql.session.timeZone": "UTC"}

_running: tuple[Engine, SparkSession] | None = None
_starting = False


def current() -> SparkSession:
    """The session; started at the first call."""
    return _started()[1]


def _started() -> tuple[Engine, SparkSession]:
    global _running
    if _running is None:
        engine = settings().make()
        session = _start(engine)
        _running = engine, session
        for name, value in QUERY_OPTIONS.items():
            session.conf.set(name, value)
        util.Finalize(None, shutdown, exitpriority=10)
        imports.start()  # while the engine computes
    return _running


def _start(engine: Engine) -> SparkSession:
    global _starting
    _starting = True
    try:
        return engine.start()
    except BaseException:
        engine.stop(None)
        raise
    finally:
        _starting = False


def shutdown() -> None:
    """Stop the session, if there is one."""
    global _running
    if _running is not None:
        engine, session = _running
        engine.stop(session)
        _running = None


def _before_fork() -> None:
    """Import once, in the parent, what every worker needs; start nothing there."""
    if _starting:  # Apache Spark forks to start Java
        return
    shutdown()
    imports.all_now(settings().kind.modules)


# What is alive at the end dies with the process: do not search it for garbage (0.6 s).
atexit.register(gc.freeze)
atexit.register(shutdown)
os.register_at_fork(before=_before_fork)


def read(path: Path, parts: Collection[str] | None = None) -> DataFrame:
    """The parquet dataset at a path, or these parts of it.

    A missing one is an error, not an empty frame.
    """
    engine, session = _started()
    return engine.read(session, path, parts)


def write(frame: DataFrame, path: Path, order: list[str], progress: Progress | None = None) -> None:
    """Write a frame of this session as a parquet dataset; `order` are columns that identify a row.

    The same rows give the same files: part-00000.parquet and so on, each sorted by `order`.
    """
    engine, _ = _started()
    engine.write(frame, path, order, progress)


@contextlib.contextmanager
def stored(frame: DataFrame, path: Path, order: list[str]) -> Iterator[DataFrame]:
    """The same frame from a dataset that lies at `path` meanwhile: it is computed once.

    An engine computes a frame again for each use of it within a query.
    """
    write(frame, path, order)
    try:
        yield read(path)
    finally:
        file_system(path).discard(path)


def write_parts(
    frame: DataFrame, path: Path, order: list[str], progress: Progress | None = None
) -> None:
    """Write a frame of this session as a dataset in parts, which its column PART names.

    The dataset may have other parts already. A part is one file, sorted by `order`, columns that
    identify a row within it.
    """
    engine, _ = _started()
    engine.write_parts(frame, path, order, progress)


def sift(
    frame: DataFrame,
    path: Path,
    order: list[str],
    marks: Marks,
    progress: Progress | None = None,
) -> Counts:
    """Write a frame of this session in parts, but for its marks: {part: {mark: rows by code}}."""
    engine, _ = _started()
    return engine.sift(frame, path, order, marks, progress)


@contextlib.contextmanager
def errors_explained() -> Iterator[None]:
    """Around queries: an error for which the engine has a sentence is raised as PipelineError."""
    try:
        yield
    except Exception as error:
        sentence = _running[0].explained(error) if _running else None
        if sentence is None:
            raise
        raise sentence from error
