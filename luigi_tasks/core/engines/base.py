"""What every engine does: start, read, write, explain its errors, stop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from luigi_tasks.core import tables
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.progress import Progress

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# The column of a frame that says in which part of a dataset a row belongs: a number that
# `tables.name_of_part` names.
PART = "part"
# Rows by part, mark and code.
Counts = dict[str, dict[str, list[int]]]
# Otherwise every column expression looks up its place in our code. Static in Apache Spark.
NO_DEBUGGING = {"spark.python.sql.dataFrameDebugging.enabled": "false"}


@dataclass(frozen=True)
class Marks:
    """Columns that say of a row what is the matter with it: a code from 0 to `codes` - 1, or null.

    They are counted and not written; nor is a row that has a code in the column `aside`.
    """

    columns: tuple[str, ...]
    codes: int
    aside: str


@dataclass(kw_only=True)
class Engine(ABC):
    """One way to execute PySpark.

    The fields of a subclass are the settings of section [engine] that it takes, under the same
    names.
    """

    # Its slow imports. A forked worker would pay for them at every task.
    modules: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def start(self) -> SparkSession:
        """A new session; raises PipelineError when the settings cannot work."""

    def stop(self, session: SparkSession | None) -> None:
        """Stop the session, if there came to be one, and what `start` left running beside it."""
        if session is not None:
            session.stop()

    def read(
        self, session: SparkSession, path: Path, parts: Collection[str] | None = None
    ) -> DataFrame:
        """The parquet dataset at a path that exists, or these parts of it."""
        return session.read.parquet(*(self.address(file) for file in tables.files_of(path, parts)))

    @abstractmethod
    def address(self, file: Path) -> str:
        """A file as the engine takes it, also where its folders have names with *, ?, [ or {."""

    @abstractmethod
    def write(
        self, frame: DataFrame, path: Path, order: list[str], progress: Progress | None = None
    ) -> None:
        """Write a frame as a parquet dataset; `order` are columns that identify a row.

        The same rows give the same files: part-00000.parquet and so on, each sorted by `order`.
        Rows are added to `progress` as far as they pass through this process.
        """

    @abstractmethod
    def write_parts(
        self, frame: DataFrame, path: Path, order: list[str], progress: Progress | None = None
    ) -> None:
        """Write a frame as a dataset in parts, or add parts to one that is being built.

        The column PART names the part of a row and is not written. A part is one file, sorted by
        `order`, columns that identify a row within it.
        """

    @abstractmethod
    def sift(
        self,
        frame: DataFrame,
        path: Path,
        order: list[str],
        marks: Marks,
        progress: Progress | None = None,
    ) -> Counts:
        """Write a frame as `write_parts` does, but for its `marks`, which are counted.

        A frame is computed once wherever its rows pass through this process.
        """

    def explained(self, error: Exception) -> PipelineError | None:
        """The error of a query in a sentence for users; None when the engine has none for it."""
        return None


def impatient(session: SparkSession) -> None:
    """Have a session of Spark Connect give up soon; it tries for ten minutes, also at the end.

    A server inside this process that does not answer is gone for good: Ctrl-C ends it too.
    """
    from pyspark.sql.connect.client.retries import DefaultPolicy

    session.client.set_retry_policies([DefaultPolicy(max_retries=3, max_backoff=100)])
