"""The stage Dashboard: reports/performance_dashboard.png."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from luigi_tasks.core import tables
from luigi_tasks.core.storage import in_reports
from luigi_tasks.core.targets import Picture, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.models.predictions import Predictions
from luigi_tasks.monitoring.task import Monitoring


class Dashboard(AsOfStage):
    """reports/performance_dashboard.png."""

    reads = ("predictions.threshold", "governance.min_auc")
    product = "picture"

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.reports.panels",)

    def requires(self) -> dict[str, Stage]:
        return {
            "predictions": Predictions(**self.moment),
            "monitoring": Monitoring(**self.moment),
        }

    def output(self) -> dict[str, StageTarget]:
        return {"picture": self.place(Picture(in_reports("performance_dashboard.png")))}

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.models.scored_loans import read_scores
        from luigi_tasks.reports.panels import draw

        required = self.requires()
        figure = draw(
            read_scores(required["predictions"].path()),
            tables.read(required["monitoring"].path()).to_pandas(),
            title=f"Loan default, as of {self.as_of}, generation {self.generation}",
            **self.params.named(),
        )
        figure.savefig(staging["picture"], format="png")
