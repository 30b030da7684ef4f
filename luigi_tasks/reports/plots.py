"""The stage Plots: the data of DVC's metrics and plots."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from luigi_tasks.core import tables
from luigi_tasks.core.storage import in_reports
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.models.champion import BestModel
from luigi_tasks.models.predictions import Predictions
from luigi_tasks.monitoring.task import Monitoring


class Plots(AsOfStage):
    """reports/plots: metrics.json, and one CSV file for each plot of dvc.yaml."""

    reads = ("predictions.threshold", "governance.min_auc", "governance.max_psi")
    product = "plots"

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.reports.plot_data",)

    def requires(self) -> dict[str, Stage]:
        return {
            "predictions": Predictions(**self.moment),
            "monitoring": Monitoring(**self.moment),
            "model": BestModel(generation=self.generation),
        }

    def output(self) -> dict[str, StageTarget]:
        return {"plots": self.place(Directory(in_reports("plots")))}

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.models.scored_loans import read_scores
        from luigi_tasks.models.store import read_metadata
        from luigi_tasks.reports.plot_data import metrics, plot_tables

        required = self.requires()
        predictions = read_scores(required["predictions"].path())
        monitoring = tables.read(required["monitoring"].path()).to_pandas()
        folder = staging["plots"]
        folder.mkdir()
        limits = {name: self.params[f"governance.{name}"] for name in ("min_auc", "max_psi")}
        for name, table in plot_tables(predictions, monitoring, **limits).items():
            table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        metadata, threshold = read_metadata(self.generation), self.params["predictions.threshold"]
        summary = metrics(predictions, monitoring, metadata, threshold)
        text = json.dumps(summary, indent=1, sort_keys=True) + "\n"
        (folder / "metrics.json").write_text(text, encoding="utf-8")
