"""The stage DriftDashboard: reports/drift_dashboard.png."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from luigi_tasks.core.task import Stage
from luigi_tasks.monitoring.calibration_stage import Calibration
from luigi_tasks.monitoring.estimation_stage import EstimatedPerformance
from luigi_tasks.monitoring.views import CreditRiskViews
from luigi_tasks.reports.state_picture import StatePicture


class DriftDashboard(StatePicture):
    """reports/drift_dashboard.png: whether the loans, the data or the model have changed."""

    reads = (
        "monitoring.watch",
        "monitoring.critical",
        "governance.min_auc",
        "governance.max_calibration_gap",
    )
    file = "drift_dashboard.png"

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.reports.drift_panels",)

    def requires(self) -> dict[str, Stage]:
        return {
            **super().requires(),
            "views": CreditRiskViews(**self.moment),
            "calibration": Calibration(**self.moment),
            "estimates": EstimatedPerformance(**self.moment),
        }

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.reports.drift_panels import draw

        figure = draw(
            **self.shown(),
            drift=self.read("monitoring", "drift"),
            vintages=self.read("views"),
            reliability=self.read("calibration"),
            estimated=self.read("estimates"),
            title=f"Drift, as of {self.as_of}, generation {self.generation}",
            watch=self.params["monitoring.watch"],
            critical=self.params["monitoring.critical"],
            min_auc=self.params["governance.min_auc"],
        )
        figure.savefig(staging["picture"], format="png")
