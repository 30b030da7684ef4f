"""The state of the champion, in a word and in plain words: the worst thing first."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

Level = Literal["ok", "watch", "retrain", "incident"]
LEVELS: tuple[Level, ...] = ("ok", "watch", "retrain", "incident")
"""How the champion does in a word, from best to worst."""
# What the state in a decision comes to. An incident may have been closed since, and is looked up.
_DECIDED: dict[str | None, Level] = {"watch": "watch", "waiting": "retrain", "retrain": "retrain"}


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be: what it is about, and in words."""

    about: Literal["incident", "no live loan", "score", "auc", "calibration", "features"]
    words: str


_WIDTH, _LINES = 145, 2
# |z| beyond which chance explains a calibration gap once in a thousand times.
_Z999 = 3.290526731491926


def state_in_words(found: Sequence[Finding]) -> str:
    """What was found, the worst first, in two lines."""
    return _in_lines([each.words for each in found] or ["no incident, no drift beyond chance"])


def champion_state(found: Sequence[Finding], decided: str | None) -> Level:
    """How the champion does in a word; `decided` is the state in the newest decision on it.

    An open incident is the worst. Without one it is what governance has decided, or to be watched
    when there is anything but the lack of live loans.
    """
    about = {each.about for each in found}
    if "incident" in about:
        return "incident"
    seen: Level = "watch" if about - {"no live loan"} else "ok"
    return max(seen, _DECIDED.get(decided, "ok"), key=LEVELS.index)


def findings(
    monitoring: pd.DataFrame,
    incidents: pd.DataFrame,
    drift: pd.DataFrame,
    *,
    min_auc: float,
    max_calibration_gap: float,
) -> list[Finding]:
    """Open incidents, then what has drifted or decayed in the newest live months.

    A drifted feature that an open incident names is not told a second time. The AUC counts when
    all of its 95 % interval is below `min_auc`, the gap between mean score and default rate when
    it is more than `max_calibration_gap`, beyond chance.
    """
    limits = {"min_auc": min_auc, "max_calibration_gap": max_calibration_gap}
    return [
        *(Finding("incident", words) for words in _open_incidents(incidents)),
        *_of_live_months(monitoring, **limits),
        *(Finding("features", words) for words in _drifted_features(monitoring, incidents, drift)),
    ]


def _in_lines(told: list[str]) -> str:
    """What is told in one line or two, broken between two things when both lines hold theirs."""
    whole = "; ".join(told)
    halves = [(";\n".join(("; ".join(told[:i]), "; ".join(told[i:])))) for i in range(1, len(told))]
    longest = {max(map(len, lines.split("\n"))): lines for lines in halves}
    if len(whole) > _WIDTH and min(longest, default=_WIDTH + 1) <= _WIDTH:
        return longest[min(longest)]
    return textwrap.fill(whole, _WIDTH, max_lines=_LINES, placeholder=" …")


def _open_incidents(incidents: pd.DataFrame) -> list[str]:
    return [str(words) for words in incidents.loc[incidents["is_open"].astype(bool), "words"]]


def _of_live_months(
    monitoring: pd.DataFrame, *, min_auc: float, max_calibration_gap: float
) -> Iterator[Finding]:
    live = monitoring[monitoring["sample"] == "live"].sort_values("month")
    if live.empty:
        yield Finding("no live loan", "no live loan has been scored yet")
        return
    newest = live.iloc[-1]
    window = "window_performing_"
    level = newest[f"{window}psi_level"]
    if level != "none":
        yield Finding(
            "score",
            f"{_DRIFT[level]} of the score up to {newest['month']:%b %Y}: PSI "
            f"{newest[f'{window}psi']:.2f}, chance gives up to "
            f"{newest[f'{window}psi_chance_limit']:.2f}",
        )
    judged = live[live[f"{window}auc_high"].notna()].tail(1)
    for _, row in judged[judged[f"{window}auc_high"] < min_auc].iterrows():
        low, high = row[f"{window}auc_low"], row[f"{window}auc_high"]
        yield Finding(
            "auc",
            f"AUC {row[f'{window}auc']:.2f} [{low:.2f}, {high:.2f}] up to {row['month']:%b %Y} is "
            f"below {min_auc:g}",
        )
    for _, row in judged.iterrows():
        gap, z = row[f"{window}calibration_gap"], row[f"{window}calibration_z"]
        if abs(gap) > max_calibration_gap and abs(z) > _Z999:
            word = "high" if gap > 0 else "low"
            words = f"scores are {abs(gap):.2f} too {word} up to {row['month']:%b %Y}"
            yield Finding("calibration", words)


_DRIFT = {"watch": "drift", "critical": "critical drift"}


def _drifted_features(
    monitoring: pd.DataFrame, incidents: pd.DataFrame, drift: pd.DataFrame
) -> Iterator[str]:
    month = monitoring.loc[monitoring["sample"] == "live", "month"].max()
    named = set(incidents.loc[incidents["is_open"].astype(bool), "features"].explode())
    own = drift[
        (drift["month"] == month)
        & (drift["sample"] == "live")
        & (drift["level"] != "none")
        & ~drift["feature"].isin(named)
    ]
    if own.empty:
        return
    worst = own.loc[own["csi"].idxmax()]
    many = "1 feature has" if len(own) == 1 else f"{len(own)} features have"
    most = "" if len(own) == 1 else "most of all "
    yield (f"{many} drifted in {month:%b %Y}: {most}{worst['feature']} (CSI {worst['csi']:.2f})")
