"""What the stages of both dashboards share: what they read, and the line of plain words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from luigi_tasks.core import tables
from luigi_tasks.core.storage import in_reports
from luigi_tasks.core.targets import Picture, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.monitoring.incident_stage import Incidents
from luigi_tasks.monitoring.task import Monitoring

if TYPE_CHECKING:
    import pandas as pd


# The settings that the line of plain words holds the state against.
LIMITS = ("min_auc", "max_calibration_gap")


class StatePicture(AsOfStage):
    """A picture of the state of model and data, with that state in words on top."""

    abstract = True
    product = "picture"
    file: str

    def requires(self) -> dict[str, Stage]:
        return {
            "monitoring": Monitoring(**self.moment),
            "incidents": Incidents(**self.moment),
        }

    def inputs(self) -> dict[str, StageTarget]:
        monitoring = self.requires()["monitoring"]
        return {**super().inputs(), f"{monitoring} drift": monitoring.output()["drift"]}

    def output(self) -> dict[str, StageTarget]:
        return {"picture": self.place(Picture(in_reports(self.file)))}

    def read(
        self, task: str, output: str | None = None, columns: list[str] | None = None
    ) -> pd.DataFrame:
        """An output of a required task, its product unless another is named."""
        path: Path = self.requires()[task].path(output)
        frame: pd.DataFrame = tables.read(path, columns).to_pandas()
        return frame

    def shown(self) -> dict[str, Any]:
        """What both pictures show: `timeline` and `state`."""
        from luigi_tasks.reports.marks import Timeline
        from luigi_tasks.reports.state import findings, state_in_words

        timeline = Timeline(self.read("monitoring"), self.read("incidents"))
        drift = self.read("monitoring", "drift")
        limits = {name: self.params[f"governance.{name}"] for name in LIMITS}
        found = findings(timeline.monitoring, timeline.incidents, drift, **limits)
        return {"timeline": timeline, "state": state_in_words(found)}
