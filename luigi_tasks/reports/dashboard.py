"""The stage Dashboard: reports/performance_dashboard.png."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from luigi_tasks.core.task import Stage
from luigi_tasks.models.predictions import Predictions
from luigi_tasks.reports.state_picture import StatePicture


class Dashboard(StatePicture):
    """reports/performance_dashboard.png: how well the champion does."""

    reads = ("predictions.threshold", "governance.min_auc", "governance.max_calibration_gap")
    file = "performance_dashboard.png"

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.reports.panels",)

    def requires(self) -> dict[str, Stage]:
        return {"predictions": Predictions(**self.moment), **super().requires()}

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.reports.panels import COLUMNS, draw

        figure = draw(
            self.read("predictions", columns=COLUMNS),
            **self.shown(),
            title=f"Loan default, as of {self.as_of}, generation {self.generation}",
            threshold=self.params["predictions.threshold"],
            min_auc=self.params["governance.min_auc"],
        )
        figure.savefig(staging["picture"], format="png")
