"""Apache Spark, started by this process: local[*], or the driver of a cluster. Needs Java."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luigi_tasks.core.engines.base import NO_DEBUGGING
from luigi_tasks.core.engines.executors import WithExecutors
from luigi_tasks.core.errors import PipelineError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(kw_only=True)
class Spark(WithExecutors):
    """Apache Spark on a master: local[2], spark://host:7077."""

    master: str

    def start(self) -> SparkSession:
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master(self.master).appName("loan-default-pipeline")
        options = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.log.level": "ERROR",
            **NO_DEBUGGING,
        }
        if self.master.startswith("local"):
            # The default, 200, suits a cluster. How many cores that has is not known here.
            options["spark.sql.shuffle.partitions"] = str(os.cpu_count() or 1)
        for name, value in options.items():
            builder = builder.config(name, value)
        try:
            return builder.getOrCreate()
        except Exception as error:
            raise PipelineError(
                f"luigi.cfg: [engine] engine = spark cannot start on {self.master}; it needs Java "
                f"17 or later on the PATH and a master that answers ({type(error).__name__})"
            ) from error
