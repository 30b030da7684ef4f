"""Metrics and plots for DVC: plain data, which `dvc.yaml` gives titles, axes and templates.

All but the candidates' out-of-time metrics are of loans that no model was fitted on.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_curve

from luigi_tasks.models.metadata import ModelMetadata
from luigi_tasks.models.scored_loans import unknown_to_models
from luigi_tasks.monitoring.table import measure

CLASSES = {0: "good", 1: "default"}


def metrics(
    predictions: pd.DataFrame,
    monitoring: pd.DataFrame,
    metadata: ModelMetadata,
    threshold: float,
) -> dict[str, Any]:
    """What `dvc metrics` shows, in JSON without nulls.

    generation, champion, candidates (the out-of-time metrics of each), book (measures by sample)
    and psi (of the newest months of each sample together).
    """
    fresh = unknown_to_models(predictions)
    newest = monitoring.sort_values("month").groupby("sample").tail(1).set_index("sample")
    summary = {
        "generation": metadata.generation,
        "champion": metadata.champion,
        "candidates": {name: measured["all"] for name, measured in metadata.metrics.items()},
        "book": {str(sample): measure(rows, threshold) for sample, rows in fresh.groupby("sample")},
        "psi": {str(sample): float(psi) for sample, psi in newest["window_psi"].items()},
    }
    return _without_nulls(summary)


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


def plot_tables(
    predictions: pd.DataFrame, monitoring: pd.DataFrame, *, min_auc: float, max_psi: float
) -> dict[str, pd.DataFrame]:
    """The data of each plot of dvc.yaml, by the name of its file.

    Those by month have the limit that governance sets to the measure in every row (`limit`).
    """
    fresh = unknown_to_models(predictions)
    known = fresh[fresh["actual_label"].notna()]
    labels = known["actual_label"].astype(int)
    roc, precision_recall = curves(labels.to_numpy(), known["prediction_proba"].to_numpy())
    months = by_month(monitoring)
    return {
        "roc": roc,
        "precision_recall": precision_recall,
        "confusion": pd.DataFrame(
            {"actual": labels.map(CLASSES), "predicted": known["prediction"].map(CLASSES)}
        ),
        "auc_by_month": months.dropna(subset=["auc"]).drop(columns="psi").assign(limit=min_auc),
        "psi_by_month": months[["month", "generation", "sample", "psi"]].assign(limit=max_psi),
    }
