"""The stage Calibration: default rates beside scores, by decile and by rating grade."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from luigi_tasks.core import tables
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.models.predictions import Predictions


class Calibration(AsOfStage):
    """datamart/gold/reliability.parquet, and rating_grades.parquet beside it."""

    reads = ("monitoring.grades",)
    product = "reliability"

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.monitoring.calibration", "luigi_tasks.monitoring.populations")

    def requires(self) -> Predictions:
        return Predictions(**self.moment)

    def output(self) -> dict[str, StageTarget]:
        gold = in_datamart("gold")
        return {
            "reliability": self.place(Directory(gold / "reliability.parquet")),
            "grades": self.place(Directory(gold / "rating_grades.parquet")),
        }

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.monitoring.calibration import rating_grades, reliability
        from luigi_tasks.monitoring.populations import read_unknown_to_models

        scored = read_unknown_to_models(self.requires().path())
        tables.write_frame(staging["reliability"], reliability(scored))
        grades = rating_grades(scored, self.params["monitoring.grades"])
        tables.write_frame(staging["grades"], grades)
