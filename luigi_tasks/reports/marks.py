"""What the pictures share: colours, style, the axis of months and the marks on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

# Okabe & Ito's palette, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, GREY = "#CC79A7", "#8A8A8A"
SAMPLE_COLOURS = {"unseen": GREY, "live": BLUE}
LEVEL_COLOURS = {"none": BLUE, "watch": ORANGE, "critical": RED}
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    # Where it would lie anyway: otherwise all ticks are laid out twice to find that out.
    "axes.titley": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
}
# The whole book behind the performing loans.
BEHIND: dict[str, Any] = {"alpha": 0.45, "lw": 1, "zorder": 1.5}
_LABELS = 12
_STEPS = (1, 2, 3, 6, 12, 24, 60, 120)
_MANY = 36  # of more months the dots are smaller
# The upper part of a panel by month is its legend's.
_HEIGHT = 0.8
_DAYS_NAMED = 3


def say(axes: Axes, words: str) -> None:
    """Say in the middle of a panel why it is empty."""
    axes.text(0.5, 0.5, words, ha="center", va="center", transform=axes.transAxes, color="#444444")


def numbered(months: Iterable[dt.date]) -> NDArray[np.int64]:
    """Months as numbers that count on by one from month to month."""
    return np.array([month.year * 12 + month.month - 1 for month in months], dtype=np.int64)


def room_for_legend(axes: Axes, lowest: float, highest: float) -> None:
    """Limits of y that leave the upper part of a panel, above `highest`, to its legend."""
    axes.set_ylim(lowest, lowest + (highest - lowest) / _HEIGHT)
    axes.set_yticks([tick for tick in axes.get_yticks() if lowest <= tick <= highest + 1e-9])


def month_and_year(number: int) -> str:
    """What an axis says of a month that `numbered` gave."""
    return f"{dt.date(number // 12, number % 12 + 1, 1):%b %y}"


@dataclass(frozen=True)
class Timeline:
    """The months of a monitoring table, and what happened in them.

    Incidents are shaded, the first month of every generation but the first is a line before it,
    and a month that has drifted beyond chance has a triangle on the axis.
    """

    monitoring: pd.DataFrame
    incidents: pd.DataFrame

    def draw(self, axes: Axes) -> None:
        """Give a panel the axis of months with its marks."""
        first, last = self._span()
        many = last - first + 1
        step = next((step for step in _STEPS if many <= step * _LABELS), many)
        shown = range(first, last + 1, step)
        labels = [month_and_year(number) for number in shown]
        axes.set_xticks(list(shown), labels, rotation=45, ha="right")
        axes.set(xlabel="Prediction month", xlim=(first - 0.7, last + 0.7))
        for start, end, is_open in self._incidents():
            axes.axvspan(start - 0.5, end + 0.5, ymax=_HEIGHT, **_shade(is_open))
        for number in self._retrains():
            axes.axvline(number - 0.5, ymax=_HEIGHT, **_RETRAIN)
        for _, look, months in self._drifted():
            heights = np.full(len(months), 0.02)
            place = axes.get_xaxis_transform()
            axes.plot(months, heights, transform=place, clip_on=False, **look)

    @property
    def dot(self) -> float:
        """The size of a month's dot in points."""
        first, last = self._span()
        return 3 if last - first >= _MANY else 5

    def legend(self, figure: Figure) -> None:
        """Say at the foot of a figure what the marks mean, of those that are there."""
        states = [is_open for _, _, is_open in self._incidents()]
        handles: list[Artist] = [
            Patch(**_shade(is_open), label=f"{word} incident")
            for is_open, word in ((True, "open"), (False, "closed"))
            if is_open in states
        ]
        if retrains := self._retrains():
            named = ", ".join(month_and_year(number) for number in retrains[-_DAYS_NAMED:])
            more = "…, " if len(retrains) > _DAYS_NAMED else ""
            handles.append(Line2D([], [], **_RETRAIN, label=f"retrained, from {more}{named}"))
        handles += [Line2D([], [], label=words, **look) for words, look, _ in self._drifted()]
        if handles:
            figure.legend(handles=handles, loc="lower center", ncols=len(handles), fontsize=11)

    def _span(self) -> tuple[int, int]:
        months = numbered(self.monitoring["month"])
        return int(months.min()), int(months.max())

    def _incidents(self) -> list[tuple[int, int, bool]]:
        """First month, last month and whether it is open, of every incident; open ones on top."""
        ends = (numbered(self.incidents[name]).tolist() for name in ("first_month", "last_month"))
        spans = set(zip(*ends, self.incidents["is_open"].astype(bool), strict=True))
        return sorted(spans, key=lambda span: (span[2], span))

    def _retrains(self) -> list[int]:
        firsts = self.monitoring.groupby("generation")["month"].min().sort_index()
        return [int(number) for number in numbered(firsts.iloc[1:])]

    def _drifted(self) -> list[tuple[str, dict[str, Any], NDArray[np.int64]]]:
        """What has drifted, how its triangle looks, and when; a month by the worst of it."""
        levels, features = (
            self.monitoring[name] for name in ("performing_psi_level", "drifted_features")
        )
        found = [
            ("features drifted", GREY, (levels == "none") & (features > 0)),
            ("score drifted: watch", ORANGE, levels == "watch"),
            ("score drifted: critical", RED, levels == "critical"),
        ]
        return [
            (words, {**_TRIANGLE, "color": colour}, numbered(self.monitoring["month"][is_it]))
            for words, colour, is_it in found
            if is_it.any()
        ]


_TRIANGLE: dict[str, Any] = {"marker": "^", "ls": "", "ms": 7, "mec": "white", "zorder": 5}
_RETRAIN: dict[str, Any] = {"color": "#222222", "ls": (0, (5, 2)), "lw": 1.3, "zorder": 1}


def _shade(is_open: bool) -> dict[str, Any]:
    return {"color": RED if is_open else GREY, "alpha": 0.16, "lw": 0, "zorder": 0}
