"""The six panels of the drift dashboard: whether the loans, the data or the model have changed."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from luigi_tasks.layers.feeds import feed_of
from luigi_tasks.reports.marks import (
    BEHIND,
    BLUE,
    GREEN,
    GREY,
    LEVEL_COLOURS,
    ORANGE,
    PURPLE,
    RED,
    STYLE,
    Timeline,
    numbered,
    room_for_legend,
    say,
)
from luigi_tasks.reports.panels import draw_auc, head
from luigi_tasks.reports.vintage_panel import draw_vintages

_FEED_COLOURS = (BLUE, ORANGE, GREEN, PURPLE)
_FEATURES = 10
_LONGEST_NAME = 26


def draw(
    timeline: Timeline,
    drift: pd.DataFrame,
    vintages: pd.DataFrame,
    reliability: pd.DataFrame,
    title: str,
    state: str,
    *,
    watch: float,
    critical: float,
    min_auc: float,
    estimated: pd.DataFrame | None = None,
) -> Figure:
    """The figure for the tables of Monitoring, CreditRiskViews, Calibration and, when there is one,
    EstimatedPerformance. `state` is the line of plain words below the title."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(17, 10.5), dpi=100)
        figure.subplots_adjust(0.045, 0.125, 0.985, 0.865, wspace=0.22, hspace=0.4)
        head(
            figure,
            title,
            state,
            "scores and AUC of performing loans; lighter: all loans. Features of all loans",
        )
        axes = figure.subplots(2, 3)
        _psi_by_month(axes[0, 0], timeline, watch, critical)
        _drifted_features(axes[0, 1], drift, watch, critical)
        _missing_by_month(axes[0, 2], timeline, drift)
        _calibration(axes[1, 0], reliability)
        _auc_by_month(axes[1, 1], timeline, min_auc, estimated)
        _shrink(axes[1, 2], right=0.03)
        draw_vintages(axes[1, 2], vintages)
        timeline.legend(figure)
    return figure


def _shrink(axes: Axes, left: float = 0, right: float = 0) -> None:
    """Leave room at the sides of a panel, in shares of the figure."""
    box = axes.get_position()
    axes.set_position((box.x0 + left, box.y0, box.width - left - right, box.height))


def _psi_by_month(axes: Axes, timeline: Timeline, watch: float, critical: float) -> None:
    axes.set(title="Score drift by month (PSI)", ylabel="Population stability index")
    table = timeline.monitoring.sort_values(["month", "n"])
    own, book = (
        table[table[name].notna()].groupby("month").tail(1) for name in ("performing_psi", "psi")
    )
    axes.plot(numbered(book["month"]), book["psi"], color=BLUE, **BEHIND, label="all loans")
    x = numbered(own["month"])
    limit = own["performing_psi_chance_limit"].to_numpy()
    highest = np.nanmax([own["performing_psi"].max(), book["psi"].max(), 0.0])
    highest = 1.1 * max(highest, critical, min(np.nanmax([*limit, 0.0]), 3 * critical))
    limit = np.minimum(limit, highest)
    axes.bar(x, limit, width=1, color=GREY, alpha=0.25, lw=0, label="chance, 99.9 %", zorder=0.5)
    axes.plot(x, own["performing_psi"], color=BLUE, lw=1.8)
    for level, colour in LEVEL_COLOURS.items():
        rows = own[own["performing_psi_level"] == level]
        if len(rows):
            name = "not beyond chance" if level == "none" else level
            where = numbered(rows["month"])
            axes.plot(
                where,
                rows["performing_psi"],
                "o",
                color=colour,
                ms=timeline.dot + 1,
                label=name,
                zorder=3,
            )
    for index, level in ((watch, "watch"), (critical, "critical")):
        axes.axhline(index, color=LEVEL_COLOURS[level], ls="--", lw=1)
    room_for_legend(axes, 0, highest)
    timeline.draw(axes)
    axes.legend(loc="upper left", ncols=3)


def _drifted_features(axes: Axes, drift: pd.DataFrame, watch: float, critical: float) -> None:
    _shrink(axes, left=0.068)  # their names are long
    axes.set(xlabel="Characteristic stability index (CSI)")
    axes.grid(visible=False, axis="y")
    live = drift[drift["sample"] == "live"]
    of_newest = live if len(live) else drift
    month = of_newest["month"].max()
    rows = of_newest[(of_newest["month"] == month) & of_newest["csi"].notna()]
    rows = rows.nlargest(_FEATURES, "csi").sort_values("csi", kind="stable")
    kind = "" if len(live) else ", not live yet"
    axes.set_title(f"Most drifted features in {month:%b %Y}{kind}")
    y = np.arange(len(rows))
    axes.barh(y, rows["csi"], color=rows["level"].map(LEVEL_COLOURS).tolist(), height=0.65)
    limits = rows["csi_chance_limit"].to_numpy()
    axes.plot(limits, y, "|", color="black", ms=15, mew=2, label="chance, 99.9 %")
    for index, level in ((watch, "watch"), (critical, "critical")):
        colour = LEVEL_COLOURS[level]
        look: dict[str, Any] = {
            "ls": "--",
            "lw": 1,
            "zorder": 0,
            "label": level,
        }
        axes.vlines(index, -0.6, max(len(rows), 1) - 0.4, color=colour, **look)
    furthest = np.nanmax([*rows["csi"], *limits, critical])
    for position, csi, limit in zip(y, rows["csi"], limits, strict=True):
        beside = max(csi, limit) if limit - csi < 0.12 * furthest else csi
        axes.text(beside + 0.015 * furthest, float(position), f"{csi:.2f}", va="center", fontsize=9)
    names = [
        name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
        for name in rows["feature"]
    ]
    axes.set_yticks(y, names, fontsize=9)
    axes.set(xlim=(0, furthest * 1.12), ylim=(-0.6, max(len(rows), 1) + 0.9))
    axes.legend(loc="upper right", ncols=3, fontsize=9, columnspacing=1, handlelength=1.4)


def _missing_by_month(axes: Axes, timeline: Timeline, drift: pd.DataFrame) -> None:
    axes.set(
        title="Missing values by extract (thin: worst feature)",
        ylabel="Share of values",
    )
    known = drift.assign(
        extract=drift["feature"].map(feed_of),
        missing=drift["missing_share"] * drift["n"],
        rise=drift["missing_share"] - drift["reference_missing_share"],
    )
    highest = 0.1
    for (extract, rows), colour in zip(known.groupby("extract"), _FEED_COLOURS, strict=False):
        worst = rows.loc[rows["rise"].idxmax(), "feature"]
        looks: list[tuple[pd.DataFrame, dict[str, Any]]] = [
            (rows, {"lw": 2, "marker": "o", "ms": timeline.dot - 1}),
            (rows[rows["feature"] == worst], BEHIND),
        ]
        for own, look in looks:
            months = own.groupby("month")[["missing", "n"]].sum()
            shares = months["missing"] / months["n"]
            label = str(extract) if own is rows else "_"
            axes.plot(numbered(months.index), shares, color=colour, label=label, **look)
            highest = max(highest, float(shares.max()))
    room_for_legend(axes, 0, highest)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    timeline.draw(axes)
    axes.legend(loc="upper left", ncols=2)


def _calibration(axes: Axes, reliability: pd.DataFrame) -> None:
    """Of the newest generation of which any loan has matured."""
    axes.set(
        title="Calibration by decile of the score, 95 % interval",
        xlabel="Mean probability of default",
        ylabel="Default rate",
    )
    if reliability.empty:
        say(axes, "no matured loans yet")
        return
    newest = reliability[reliability["generation"] == reliability["generation"].max()]
    book, own = (newest[newest["population"] == name] for name in ("all", "performing"))
    look: dict[str, Any] = {"color": BLUE, "ms": 3, **BEHIND}
    axes.plot(book["mean_score"], book["default_rate"], "o-", **look, label="all loans")
    if len(own):
        ends = own[["low", "default_rate", "high"]].to_numpy().T
        bars = np.maximum(np.diff(ends, axis=0), 0)
        look = {"color": BLUE, "ms": 5, "lw": 2, "elinewidth": 1, "capsize": 3}
        x = own["mean_score"].to_numpy()
        axes.errorbar(x, ends[1], yerr=bars, fmt="o-", **look, label="performing")
    shown = [*newest["mean_score"], *newest["default_rate"], *own["high"]]
    furthest = min(1.0, max(shown)) * 1.04
    axes.plot([0, furthest], [0, furthest], color=GREY, ls="--", lw=1, label="as predicted")
    axes.set(xlim=(0, furthest), ylim=(0, furthest))
    axes.legend(loc="upper left")


def _auc_by_month(
    axes: Axes, timeline: Timeline, min_auc: float, estimated: pd.DataFrame | None
) -> None:
    table = timeline.monitoring
    axes.set(title="AUC of performing loans, realised", ylabel="AUC")
    lows = [table["performing_auc_low"].min(), min_auc, 0.6]
    if estimated is not None:
        axes.set_title("AUC of performing loans, realised and estimated")
        own = estimated[
            (estimated["population"] == "performing") & (estimated["metric"] == "auc")
        ].sort_values("month")
        own = own[own["estimated"].notna()]
        x = numbered(own["month"])
        axes.fill_between(x, own["low"], own["high"], color=PURPLE, alpha=0.25, lw=0)
        axes.plot(x, own["estimated"], color=PURPLE, lw=2, label="estimated")
        lows.append(own["low"].min())
    draw_auc(axes, timeline)
    axes.axhline(min_auc, color=RED, ls="--", lw=1, label=f"retrain below {min_auc:g}")
    room_for_legend(axes, float(np.nanmin(lows)) - 0.03, 1.0)
    timeline.draw(axes)
    axes.legend(loc="upper left", ncols=3)
