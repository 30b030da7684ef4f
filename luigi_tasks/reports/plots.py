"""Metrics and plots for DVC: plain data, which `dvc.yaml` gives titles, axes and templates.

All but the candidates' test metrics are of loans that no model was fitted on.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from luigi_tasks.core import tables
from luigi_tasks.core.targets import Directory
from luigi_tasks.core.task import in_reports
from luigi_tasks.generations.as_of import AsOfTask
from luigi_tasks.models.predictions import Predictions, read_scores, unknown_to_models
from luigi_tasks.models.training import BestModel, read_metadata
from luigi_tasks.monitoring.task import Monitoring, measure

if TYPE_CHECKING:
    import pandas as pd

CLASSES = {0: "good", 1: "default"}


def metrics(
    predictions: pd.DataFrame,
    monitoring: pd.DataFrame,
    metadata: dict[str, Any],
    threshold: float,
) -> dict[str, Any]:
    """What `dvc metrics` shows, in JSON without nulls.

    generation, champion, candidates (the test metrics of each), book (measures by sample) and
    psi (of the newest months of each sample together).
    """
    fresh = unknown_to_models(predictions)
    newest = monitoring.sort_values("month").groupby("sample").tail(1).set_index("sample")
    found = {
        "generation": metadata["generation"],
        "champion": metadata["champion"],
        "candidates": {name: splits["test"] for name, splits in metadata["metrics"].items()},
        "book": {str(sample): measure(rows, threshold) for sample, rows in fresh.groupby("sample")},
        "psi": {str(sample): float(psi) for sample, psi in newest["window_psi"].items()},
    }
    return _without_nulls(found)


def _without_nulls(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_nulls(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if value is not None
    }


def curves(labels: Any, scores: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The ROC (false_positive_rate, true_positive_rate) and the precision-recall curve.

    Both are empty unless there are labels of both classes.
    """
    import pandas as pd
    from sklearn.metrics import precision_recall_curve, roc_curve

    names = ["false_positive_rate", "true_positive_rate"], ["recall", "precision"]
    if not 0 < labels.sum() < len(labels):
        return pd.DataFrame(columns=names[0]), pd.DataFrame(columns=names[1])
    false_positive, true_positive, _ = roc_curve(labels, scores)
    precision, recall, _ = precision_recall_curve(labels, scores, drop_intermediate=True)
    return (
        pd.DataFrame(dict(zip(names[0], (false_positive, true_positive), strict=True))),
        pd.DataFrame(dict(zip(names[1], (recall, precision), strict=True))),
    )


def by_month(monitoring: pd.DataFrame) -> pd.DataFrame:
    """month (yyyy-mm), generation, sample, auc, auc_low, auc_high, psi, in that order."""
    columns = ["generation", "sample", "auc", "auc_low", "auc_high", "psi"]
    ordered = monitoring.sort_values(["month", *columns[:2]])
    months = ordered["month"].map(lambda day: f"{day:%Y-%m}")
    return ordered[columns].assign(month=months)[["month", *columns]]


class Plots(AsOfTask):
    """reports/plots: metrics.json, and one CSV file for each plot of dvc.yaml."""

    reads = ("predictions.threshold",)

    def requires(self) -> list[luigi.Task]:
        return [
            Predictions(**self.moment),
            Monitoring(**self.moment),
            BestModel(generation=self.generation),
        ]

    def output(self) -> Directory:
        return self.place(Directory(in_reports("plots")))

    def build(self, *built: Path) -> None:
        import pandas as pd

        threshold = self.params["predictions.threshold"]
        scored, (monitored, _), _ = self.input()
        predictions, monitoring = read_scores(scored.path), tables.read(monitored.path).to_pandas()
        fresh = unknown_to_models(predictions)
        known = fresh[fresh["actual_label"].notna()]
        labels = known["actual_label"].astype(int)
        roc, precision_recall = curves(labels.to_numpy(), known["prediction_proba"].to_numpy())
        confusion = pd.DataFrame(
            {"actual": labels.map(CLASSES), "predicted": known["prediction"].map(CLASSES)}
        )
        months = by_month(monitoring)
        built[0].mkdir()
        for name, table in {
            "roc": roc,
            "precision_recall": precision_recall,
            "confusion": confusion,
            "auc_by_month": months.dropna(subset=["auc"]).drop(columns="psi"),
            "psi_by_month": months[["month", "generation", "sample", "psi"]],
        }.items():
            table.to_csv(built[0] / f"{name}.csv", index=False, lineterminator="\n")
        found = metrics(predictions, monitoring, read_metadata(self.generation), threshold)
        text = json.dumps(found, indent=1, sort_keys=True) + "\n"
        (built[0] / "metrics.json").write_text(text, encoding="utf-8")
