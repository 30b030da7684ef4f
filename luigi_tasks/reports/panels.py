"""The six panels of the dashboard: how the champion does on loans that it was not fitted on.

Each shows performing loans, with the whole book behind them, lighter.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from luigi_tasks.models.scored_loans import unknown_to_models
from luigi_tasks.reports.marks import (
    BEHIND,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    SAMPLE_COLOURS,
    STYLE,
    Timeline,
    numbered,
    room_for_legend,
    say,
)

# What is read of the predictions.
COLUMNS = ["sample", "delinquent", "prediction_proba", "actual_label"]
_METRICS = {"precision": BLUE, "recall": ORANGE, "f1": GREEN}


class Matured(NamedTuple):
    """Labels (0 or 1) and scores of matured loans."""

    labels: NDArray[Any]
    scores: NDArray[Any]

    @property
    def has_both_classes(self) -> bool:
        """Without both there is no curve."""
        return bool(0 < self.labels.sum() < len(self.labels))


def matured(loans: pd.DataFrame) -> Matured:
    """The loans whose label is known."""
    known = loans[loans["actual_label"].notna()]
    return Matured(
        known["actual_label"].astype("int64").to_numpy(), known["prediction_proba"].to_numpy()
    )


def draw(
    predictions: pd.DataFrame,
    timeline: Timeline,
    title: str,
    state: str,
    threshold: float,
    min_auc: float,
) -> Figure:
    """The figure for a predictions and a monitoring table; rows of sample train are left out.

    `predictions` have COLUMNS; `state` is the line of plain words below the title.
    """
    fresh = unknown_to_models(predictions)
    performing = fresh[~fresh["delinquent"]]
    own, book = matured(performing), matured(fresh)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(17, 10.5), dpi=100)
        figure.subplots_adjust(0.045, 0.125, 0.985, 0.865, wspace=0.22, hspace=0.4)
        head(
            figure,
            title,
            state,
            f"{len(performing):,} performing loans that no model was fitted on, {len(own.labels):,}"
            f" of them matured; lighter: all {len(fresh):,} loans",
        )
        axes = figure.subplots(2, 3)
        _roc(axes[0, 0], own, book)
        _precision_recall(axes[0, 1], own, book, threshold)
        _confusion(axes[0, 2], own, book, threshold)
        _distribution(axes[1, 0], own, book, threshold)
        _auc_by_month(axes[1, 1], timeline, min_auc)
        _threshold_metrics_by_month(axes[1, 2], timeline)
        timeline.legend(figure)
    return figure


def head(figure: Figure, title: str, state: str, loans: str) -> None:
    """The title, the state in plain words (at most two lines) and which loans are shown."""
    figure.text(0.5, 0.985, title, ha="center", va="top", fontsize=12, color="#444444")
    figure.text(0.5, 0.962, state, ha="center", va="top", fontsize=13, weight="bold")
    below = 0.912 if "\n" in state else 0.933
    figure.text(0.5, below, loans, ha="center", va="top", fontsize=11, color="#444444")


# The curves are drawn here and not by scikit-learn's displays: those set an axis's aspect, limits,
# labels and legend to their own taste, and setting them back takes more lines than the curve.


def _both(axes: Axes, own: Matured, book: Matured) -> list[tuple[Matured, str, dict[str, Any]]]:
    """The sets of loans that have curves, with their names and how their lines look."""
    sets: list[tuple[Matured, str, dict[str, Any]]] = [
        (own, "performing", {"color": BLUE, "lw": 2}),
        (book, "all loans", {"color": BLUE, **BEHIND}),
    ]
    found = [each for each in sets if each[0].has_both_classes]
    if not found:
        say(axes, "no matured loans of both classes yet")
    return found


def _roc(axes: Axes, own: Matured, book: Matured) -> None:
    axes.set(title="ROC", xlabel="False positive rate", ylabel="True positive rate")
    found = _both(axes, own, book)
    for loans, name, look in found:
        false_positive, true_positive, _ = roc_curve(*loans)
        auc = roc_auc_score(*loans)
        axes.plot(false_positive, true_positive, label=f"{name}, AUC {auc:.3f}", **look)
    if found:
        axes.plot([0, 1], [0, 1], color=GREY, ls="--", lw=1, label="chance")
        axes.legend(loc="lower right")


def _precision_recall(axes: Axes, own: Matured, book: Matured, threshold: float) -> None:
    axes.set(title="Precision-recall", xlabel="Recall", ylabel="Precision")
    room_for_legend(axes, 0, 1)
    found = _both(axes, own, book)
    for loans, name, look in found:
        precision, recall, _ = precision_recall_curve(*loans)
        average = average_precision_score(*loans)
        axes.plot(recall, precision, label=f"{name}, average precision {average:.3f}", **look)
    for loans, _, _ in found[:1]:
        axes.axhline(loans.labels.mean(), color=GREY, ls="--", lw=1, label="default rate")
        flagged = loans.scores >= threshold
        if flagged.any():
            point = loans.labels[flagged].sum() / loans.labels.sum(), loans.labels[flagged].mean()
            axes.plot(*point, "o", color=RED, label=f"threshold {threshold:g}")
    if found:
        axes.legend(loc="upper left", ncols=2, fontsize=9, columnspacing=1)


def _confusion(axes: Axes, own: Matured, book: Matured, threshold: float) -> None:
    counts, every = (
        confusion_matrix(loans.labels, loans.scores >= threshold, labels=[0, 1])
        if len(loans.labels)
        else np.zeros((2, 2), dtype=int)
        for loans in (own, book)
    )
    shares, of_every = (
        found / np.maximum(found.sum(axis=1, keepdims=True), 1) for found in (counts, every)
    )
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (y, p), share in np.ndenumerate(shares):
        place: dict[str, Any] = {
            "ha": "center",
            "va": "center",
            "color": "white" if share > 0.5 else "black",
        }
        axes.text(p, y - 0.06, f"{counts[y, p]:,}\n{share:.0%}", fontsize=15, **place)
        words = f"all loans: {every[y, p]:,}, {of_every[y, p]:.0%}"
        axes.text(p, y + 0.24, words, fontsize=10, alpha=0.75, **place)
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


def _distribution(axes: Axes, own: Matured, book: Matured, threshold: float) -> None:
    edges = np.linspace(0, 1, 41)
    for value, colour, name in ((0, GREEN, "good"), (1, RED, "default")):
        heights, every = (
            np.histogram(loans.scores[loans.labels == value], edges)[0] for loans in (own, book)
        )
        axes.stairs(heights, edges, fill=True, color=colour, alpha=0.6, label=name)
        axes.stairs(every, edges, color=colour, alpha=0.6, lw=1, label=f"{name}, all loans")
    axes.axvline(threshold, color="black", ls="--", lw=1, label=f"threshold {threshold:g}")
    axes.set(
        title="Prediction distribution",
        xlabel="Probability of default",
        ylabel="Matured loans",
        xlim=(-0.01, 1.01),
    )
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left", bbox_to_anchor=(0.54, 1))


def _auc_by_month(axes: Axes, timeline: Timeline, min_auc: float) -> None:
    table = timeline.monitoring
    book = table[table["auc"].notna()]
    axes.scatter(numbered(book["month"]), book["auc"], **_HOLLOW, label="all loans")
    draw_auc(axes, timeline)
    axes.axhline(min_auc, color=RED, ls="--", lw=1, label=f"retrain below {min_auc:g}")
    known = table["performing_auc_low"].min()
    lowest = float(np.nanmin([known, book["auc"].min(), min_auc, 0.6])) - 0.03
    axes.set(title="AUC by month, 95 % interval", ylabel="AUC")
    room_for_legend(axes, lowest, 1.0)
    timeline.draw(axes)
    axes.legend(loc="upper left", ncols=3)


_HOLLOW: dict[str, Any] = {
    "s": 22,
    "facecolors": "none",
    "edgecolors": GREY,
    "alpha": 0.8,
    "zorder": 1.5,
}


def draw_auc(axes: Axes, timeline: Timeline) -> None:
    """The AUC of performing loans with its 95 % interval, a colour a sample."""
    table = timeline.monitoring
    known = table[table["performing_auc"].notna()]
    for sample, colour in SAMPLE_COLOURS.items():
        rows = known[known["sample"] == sample]
        if rows.empty:
            continue
        auc, low, high = (rows[f"performing_auc{end}"].to_numpy() for end in ("", "_low", "_high"))
        bars = [auc - low, high - auc]
        size = timeline.dot
        look: dict[str, Any] = {"color": colour, "capsize": 0.6 * size, "ms": size}
        axes.errorbar(numbered(rows["month"]), auc, yerr=bars, fmt="o", label=sample, **look)


def _threshold_metrics_by_month(axes: Axes, timeline: Timeline) -> None:
    for prefix in ("performing_", ""):
        # Where a month has several samples, the one with the most matured loans.
        rows = timeline.monitoring[timeline.monitoring[f"{prefix}n_matured"] > 0]
        rows = rows.sort_values(f"{prefix}n_matured", kind="stable").groupby("month").tail(1)
        rows = rows.sort_values("month")
        x = numbered(rows["month"])
        for name, colour in _METRICS.items():
            label = "F1" if name == "f1" else name
            look: dict[str, Any] = {
                "marker": "o",
                "ms": timeline.dot - 1,
                "lw": 1.8,
                "label": label,
            }
            if not prefix:
                look = {**BEHIND, "label": "_"}
            axes.plot(x, rows[f"{prefix}{name}"], color=colour, **look)
    axes.set(title="Precision, recall and F1 by month", ylabel="Share")
    room_for_legend(axes, 0, 1)
    timeline.draw(axes)
    axes.legend(loc="upper left", ncols=3)
