"""Section [engine] of luigi.cfg: which engine there is, and its settings."""

from __future__ import annotations

import dataclasses
import operator

import luigi

from luigi_tasks.core.engines.base import Engine
from luigi_tasks.core.engines.connect import Connect
from luigi_tasks.core.engines.sail import Sail
from luigi_tasks.core.engines.spark import Spark
from luigi_tasks.core.refusals import section

# A new engine is a module and an entry here; a setting of its own is a parameter of EngineConfig.
ENGINES: dict[str, type[Engine]] = {"sail": Sail, "spark": Spark, "connect": Connect}


class EngineConfig(luigi.Config):
    """Who executes PySpark. Section [engine] of luigi.cfg, `--engine-…` on the command line."""

    engine = luigi.ChoiceParameter(
        choices=list(ENGINES),
        default="sail",
        description="sail: embedded, no Java; spark: Apache Spark; connect: a Spark Connect server",
    )
    master = luigi.Parameter(default="local[*]", description="spark: the master's address")
    remote = luigi.Parameter(default="sc://localhost:15002", description="connect: the address")
    memory_mb = luigi.NumericalParameter(
        default=3_000,
        var_type=int,
        min_value=1,
        max_value=1 << 24,
        right_op=operator.le,
        description="sail: memory of one worker's queries, MiB; then they spill;",
    )
    temporary = luigi.Parameter(
        default="", description="sail: folder to spill to; empty is that of the system"
    )
    parts = luigi.NumericalParameter(
        default=8,
        var_type=int,
        min_value=1,
        max_value=100_000,
        right_op=operator.le,
        description="spark, connect: files of a dataset; as many give the same files;",
    )

    @classmethod
    def get_task_family(cls) -> str:
        """The section: Luigi takes the name of the class, unless it is told another."""
        return "engine"

    @property
    def kind(self) -> type[Engine]:
        """The class of the engine that is set."""
        return ENGINES[self.engine]

    def make(self) -> Engine:
        """The engine that is set, with the settings that it takes."""
        names = [field.name for field in dataclasses.fields(self.kind) if field.init]
        return self.kind(**{name: getattr(self, name) for name in names})


def settings() -> EngineConfig:
    """The section as it is set; raises PipelineError for a value that is not allowed."""
    return section(EngineConfig)
