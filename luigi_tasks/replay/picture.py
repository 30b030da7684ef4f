"""The picture of a replay: AUC, PSI and what happened by month, a column a policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from luigi_tasks.replay.policies import GOVERNED, UNGOVERNED
from luigi_tasks.reports.marks import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, STYLE

Months = Sequence[Mapping[str, Any]]

# The line with governance, drawn above; the one without.
_LINES: dict[str, dict[str, Any]] = {
    UNGOVERNED: {"color": GREY, "marker": "s", "ms": 4, "label": "governance off: first model"},
    GOVERNED: {"color": BLUE, "marker": "o", "ms": 5, "lw": 2, "label": "governance on"},
}
_EVENTS: list[tuple[str, str, str, dict[str, Any]]] = [
    (GOVERNED, "promotions", "promotion", {"marker": "^", "color": GREEN}),
    (GOVERNED, "rejections", "rejection", {"marker": "X", "color": RED}),
    (GOVERNED, "retrains", "retrain", {"marker": "o", "color": ORANGE}),
    (GOVERNED, "incidents", "incident", {"marker": "D", "color": PURPLE}),
    (UNGOVERNED, "incidents", "incident, off", {"marker": "D", "color": GREY}),
]
_LABELS = 12


def draw(
    policies: Sequence[Mapping[str, Any]], rows: Sequence[Sequence[str]], title: str
) -> Figure:
    """The figure for the policies of replay.json, with `rows` of words as the table below."""
    with mpl.rc_context(STYLE):
        many = len(policies)
        table = 0.26 * len(rows) + 0.1
        height = 7.8 + table
        figure = Figure(figsize=(9.5 * many, height), dpi=100)
        figure.suptitle(title, fontsize=13, weight="bold", y=1 - 0.15 / height)
        sides = {"left": 1 / (9.5 * many), "right": 1 - 0.25 / (9.5 * many)}
        grid = figure.add_gridspec(
            3,
            many,
            height_ratios=[3.2, 1.6, 1.3],
            top=1 - 0.85 / height,
            bottom=(table + 1.1) / height,
            hspace=0.1,
            wspace=0.14,
            **sides,
        )
        below = figure.add_gridspec(1, 1, top=table / height, bottom=0.1 / height, **sides)
        first: list[Axes] = []
        for column, policy in enumerate(policies):
            axes = [
                figure.add_subplot(grid[row, column], sharey=first[row] if first else None)
                for row in range(3)
            ]
            first = first or axes
            _auc(axes[0], policy)
            _psi(axes[1], policy)
            _events(axes[2], policy)
            for each in axes:
                _months(each, policy[GOVERNED], is_named=each is axes[2])
        _table(figure.add_subplot(below[0]), rows)
    return figure


def _auc(axes: Axes, policy: Mapping[str, Any]) -> None:
    axes.set_title(policy["params"], loc="left")
    axes.set_ylabel("AUC of performing live loans")
    for number, (name, look) in enumerate(_LINES.items()):
        values = _values(policy[name], "auc")
        places = np.arange(len(values)) + (number - 0.5) * 0.16
        low, high = (_values(policy[name], f"auc_{end}") for end in ("low", "high"))
        axes.vlines(places, low, high, color=look["color"], lw=1.2, alpha=0.55)
        axes.plot(places, values, **look)
    for place, month in enumerate(policy[GOVERNED]):
        if month["promotions"]:
            axes.axvline(place + 0.5, color=GREEN, ls=(0, (5, 2)), lw=1.3, zorder=1)
            names = ", ".join(map(str, month["promotions"]))
            axes.text(
                place + 0.58,
                0.03,
                f"generation {names} scores from here on",
                transform=axes.get_xaxis_transform(),
                color=GREEN,
                fontsize=9,
            )
    if not np.isfinite(_values(policy[UNGOVERNED], "auc")).any():
        axes.text(0.5, 0.5, "no labels have matured", ha="center", transform=axes.transAxes)
    axes.legend(loc="lower right", bbox_to_anchor=(1.01, 0.99), fontsize=9, ncols=2)
    axes.margins(y=0.1)


def _psi(axes: Axes, policy: Mapping[str, Any]) -> None:
    axes.set_ylabel("PSI")
    for name, look in _LINES.items():
        axes.plot(_values(policy[name], "psi"), **look)
    axes.set_ylim(bottom=0)


def _events(axes: Axes, policy: Mapping[str, Any]) -> None:
    axes.set_yticks(range(len(_EVENTS)), [words for *_, words, _ in _EVENTS])
    axes.set_ylim(len(_EVENTS) - 0.5, -0.5)
    for height, (way, name, _, look) in enumerate(_EVENTS):
        for place, month in enumerate(policy[way]):
            if month[name]:
                axes.plot(place, height, ls="", ms=8, mec="white", **look)
                if name != "incidents":
                    axes.annotate(
                        ", ".join(map(str, month[name])),
                        (place, height),
                        xytext=(8, 0),
                        textcoords="offset points",
                        va="center",
                        fontsize=9,
                    )


def _months(axes: Axes, months: Months, *, is_named: bool) -> None:
    step = -(-len(months) // _LABELS)
    shown = range(0, len(months), step)
    names = [months[place]["month"] for place in shown]
    axes.set_xticks(list(shown), names, rotation=45, ha="right")
    axes.tick_params(axis="x", labelbottom=is_named)
    axes.set_xlim(-0.7, len(months) - 0.3)


def _table(axes: Axes, rows: Sequence[Sequence[str]]) -> None:
    axes.axis("off")
    policies = len(rows[0]) - 1
    first = 0.42 if policies == 1 else 0.26
    table = axes.table(
        cellText=[list(row) for row in rows],
        cellLoc="right",
        colWidths=[first, *[0.2] * policies],
        bbox=Bbox.from_bounds(0, 0, first + 0.2 * policies, 1),
        edges="horizontal",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(10)
    for (row, column), cell in table.get_celld().items():
        cell.set_edgecolor("#cccccc")
        cell.PAD = 0.02
        if column == 0:
            cell.get_text().set_horizontalalignment("left")
        if row == 0:
            cell.get_text().set_fontweight("bold")


def _values(months: Months, name: str) -> Any:
    return np.array([np.nan if m[name] is None else m[name] for m in months], dtype=float)
