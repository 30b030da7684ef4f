"""The stage CreditRiskPicture: reports/credit_risk_views.png."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from luigi_tasks.core import tables
from luigi_tasks.core.storage import in_reports
from luigi_tasks.core.targets import Picture, StageTarget
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.monitoring.views import CreditRiskViews


class CreditRiskPicture(AsOfStage):
    """reports/credit_risk_views.png: vintage curves, roll rates and score cut-offs."""

    reads = ("monitoring.cost_ratio",)
    product = "picture"

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.reports.credit_risk_panels",)

    def requires(self) -> CreditRiskViews:
        return CreditRiskViews(**self.moment)

    def inputs(self) -> dict[str, StageTarget]:
        views = self.requires()
        return {f"{views} {name}": target for name, target in views.output().items()}

    def output(self) -> dict[str, StageTarget]:
        return {"picture": self.place(Picture(in_reports("credit_risk_views.png")))}

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.reports.credit_risk_panels import draw

        views = self.requires()
        figure = draw(
            {name: tables.read(views.path(name)).to_pandas() for name in views.output()},
            title=f"Credit risk, as of {self.as_of}",
            **self.params.named(),
        )
        figure.savefig(staging["picture"], format="png")
