"""The six panels of the dashboard: how the champion does on loans that it was not fitted on."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from luigi_tasks.models.scored_loans import unknown_to_models

# Okabe & Ito's palette, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#8A8A8A"
SAMPLE_COLOURS = {"test": ORANGE, "unseen": GREY, "live": BLUE}
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
}


def draw(
    predictions: pd.DataFrame,
    monitoring: pd.DataFrame,
    title: str,
    threshold: float,
    min_auc: float,
) -> Figure:
    """The figure for a predictions and a monitoring table; rows of sample train are left out."""
    fresh = unknown_to_models(predictions)
    matured = fresh[fresh["actual_label"].notna()]
    labels = matured["actual_label"].astype(int).to_numpy()
    scores = matured["prediction_proba"].to_numpy()
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(17, 10), dpi=100)
        figure.subplots_adjust(0.045, 0.085, 0.985, 0.88, wspace=0.22, hspace=0.3)
        figure.suptitle(
            f"{title}\n{len(fresh):,} loans that no model was fitted on, {len(matured):,} matured",
            fontsize=14,
        )
        axes = figure.subplots(2, 3)
        _roc(axes[0, 0], labels, scores)
        _precision_recall(axes[0, 1], labels, scores, threshold)
        _confusion(axes[0, 2], labels, scores, threshold)
        _distribution(axes[1, 0], labels, scores, threshold)
        _auc_by_month(axes[1, 1], monitoring, min_auc)
        _threshold_metrics_by_month(axes[1, 2], monitoring)
    return figure


def _both_classes(axes: Axes, labels: Any) -> bool:
    if 0 < labels.sum() < len(labels):
        return True
    axes.text(0.5, 0.5, "no matured loans of both classes yet", ha="center", va="center")
    return False


# The curves are drawn here and not by scikit-learn's displays: those set an axis's aspect, limits,
# labels and legend to their own taste, and setting them back takes more lines than the curve.


def _roc(axes: Axes, labels: Any, scores: Any) -> None:
    axes.set(title="ROC", xlabel="False positive rate", ylabel="True positive rate")
    if not _both_classes(axes, labels):
        return
    false_positive, true_positive, _ = roc_curve(labels, scores)
    auc = roc_auc_score(labels, scores)
    axes.plot(false_positive, true_positive, color=BLUE, lw=2, label=f"AUC {auc:.3f}")
    axes.plot([0, 1], [0, 1], color=GREY, ls="--", lw=1, label="chance")
    axes.legend(loc="lower right")


def _precision_recall(axes: Axes, labels: Any, scores: Any, threshold: float) -> None:
    axes.set(title="Precision-recall", xlabel="Recall", ylabel="Precision", ylim=(0, 1.03))
    if not _both_classes(axes, labels):
        return
    precision, recall, _ = precision_recall_curve(labels, scores)
    average = average_precision_score(labels, scores)
    axes.plot(recall, precision, color=BLUE, lw=2, label=f"average precision {average:.3f}")
    axes.axhline(labels.mean(), color=GREY, ls="--", lw=1, label="default rate")
    flagged = scores >= threshold
    if flagged.any():
        point = labels[flagged].sum() / labels.sum(), labels[flagged].mean()
        axes.plot(*point, "o", color=RED, label=f"threshold {threshold:g}")
    axes.legend(loc="lower left")


def _confusion(axes: Axes, labels: Any, scores: Any, threshold: float) -> None:
    counts = confusion_matrix(labels, (scores >= threshold).astype(int), labels=[0, 1])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for y in (0, 1):
        for p in (0, 1):
            axes.text(
                p,
                y,
                f"{counts[y, p]:,}\n{shares[y, p]:.0%}",
                ha="center",
                va="center",
                fontsize=14,
                color="white" if shares[y, p] > 0.5 else "black",
            )
    axes.grid(visible=False)
    axes.set(
        title=f"Confusion matrix at {threshold:g}",
        xticks=[0, 1],
        yticks=[0, 1],
        xticklabels=["good", "default"],
        yticklabels=["good", "default"],
        xlabel="Predicted",
        ylabel="Actual (share of the row)",
    )


def _distribution(axes: Axes, labels: Any, scores: Any, threshold: float) -> None:
    edges = np.linspace(0, 1, 41)
    for value, colour, name in ((0, GREEN, "good"), (1, RED, "default")):
        axes.hist(scores[labels == value], bins=edges.tolist(), color=colour, alpha=0.6, label=name)
    axes.axvline(threshold, color="black", ls="--", lw=1, label=f"threshold {threshold:g}")
    axes.set(title="Prediction distribution", xlabel="Probability of default", ylabel="Loans")
    axes.legend(loc="upper left", bbox_to_anchor=(0.54, 1))


def _month_axis(axes: Axes, months: list[Any]) -> dict[Any, int]:
    """Months as positions 0, 1, …, at most about a dozen of them labelled."""
    step = max(1, round(len(months) / 12))
    shown = list(range(0, len(months), step))
    axes.set_xticks(shown, [f"{months[i]:%b %y}" for i in shown], rotation=45, ha="right")
    axes.set_xlabel("Prediction month")
    return {month: position for position, month in enumerate(months)}


def _auc_by_month(axes: Axes, monitoring: pd.DataFrame, min_auc: float) -> None:
    position = _month_axis(axes, sorted(monitoring["month"].unique()))
    known = monitoring[monitoring["auc"].notna()]
    for sample, colour in SAMPLE_COLOURS.items():
        rows = known[known["sample"] == sample]
        if rows.empty:
            continue
        x = rows["month"].map(position).to_numpy()
        bars = [rows["auc"] - rows["auc_low"], rows["auc_high"] - rows["auc"]]
        axes.errorbar(
            x, rows["auc"], yerr=bars, fmt="o", color=colour, capsize=3, ms=5, label=sample
        )
    axes.axhline(min_auc, color=RED, ls="--", lw=1, label=f"retrain below {min_auc:g}")
    bottom = min(0.5, float(known["auc_low"].min()) - 0.02) if len(known) else 0.5
    axes.set(title="AUC by month, 95 % interval", ylabel="AUC", ylim=(bottom, 1.01))
    axes.legend(loc="lower left", ncols=2)


def _threshold_metrics_by_month(axes: Axes, monitoring: pd.DataFrame) -> None:
    position = _month_axis(axes, sorted(monitoring["month"].unique()))
    rows = monitoring[monitoring["n_matured"] > 0].sort_values(["month", "generation"])
    x = rows["month"].map(position).to_numpy()
    for name, colour in (("precision", BLUE), ("recall", ORANGE), ("f1", GREEN)):
        label = "F1" if name == "f1" else name
        axes.plot(x, rows[name], "o-", color=colour, ms=4, lw=1.5, label=label)
    axes.set(title="Precision, recall and F1 by month", ylabel="Share", ylim=(0, 1.03))
    axes.legend(loc="lower left", ncols=3)
