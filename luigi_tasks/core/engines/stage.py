"""The base of the stages that compute with PySpark."""

from __future__ import annotations

from luigi_tasks.core import imports
from luigi_tasks.core.engines import config, session
from luigi_tasks.core.task import Stage


class SparkStage(Stage):
    """A stage whose `build` uses the session of this process."""

    abstract = True

    def check(self) -> None:
        super().check()
        config.settings()

    def run(self) -> None:
        """Rebuild; what the engine can explain in a sentence is raised as PipelineError."""
        try:
            with session.errors_explained():
                super().run()
        except KeyboardInterrupt:
            imports.stop()
            raise
