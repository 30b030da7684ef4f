"""The line of plain words above the dashboards: the worst thing first."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import pandas as pd

_WIDTH, _LINES = 145, 2
# |z| beyond which chance explains a calibration gap once in a thousand times.
_Z999 = 3.290526731491926


def state_in_words(
    monitoring: pd.DataFrame,
    incidents: pd.DataFrame,
    drift: pd.DataFrame,
    *,
    min_auc: float,
    max_calibration_gap: float,
) -> str:
    """Open incidents, then what has drifted or decayed in the newest live months, in two lines.

    A drifted feature that an open incident names is not told a second time. The AUC counts when
    all of its 95 % interval is below `min_auc`, the gap between mean score and default rate when
    it is more than `max_calibration_gap`, beyond chance.
    """
    limits = {"min_auc": min_auc, "max_calibration_gap": max_calibration_gap}
    told = [*_open_incidents(incidents), *_of_live_months(monitoring, **limits)]
    told += _drifted_features(monitoring, incidents, drift)
    if not told:
        told = ["no incident, no drift beyond chance"]
    return _in_lines(told)


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
) -> Iterator[str]:
    live = monitoring[monitoring["sample"] == "live"].sort_values("month")
    if live.empty:
        yield "no live loan has been scored yet"
        return
    newest = live.iloc[-1]
    window = "window_performing_"
    level = newest[f"{window}psi_level"]
    if level != "none":
        yield (
            f"{_DRIFT[level]} of the score up to {newest['month']:%b %Y}: PSI "
            f"{newest[f'{window}psi']:.2f}, chance gives up to "
            f"{newest[f'{window}psi_chance_limit']:.2f}"
        )
    judged = live[live[f"{window}auc_high"].notna()].tail(1)
    for _, row in judged[judged[f"{window}auc_high"] < min_auc].iterrows():
        low, high = row[f"{window}auc_low"], row[f"{window}auc_high"]
        yield (
            f"AUC {row[f'{window}auc']:.2f} [{low:.2f}, {high:.2f}] up to {row['month']:%b %Y} is "
            f"below {min_auc:g}"
        )
    for _, row in judged.iterrows():
        gap, z = row[f"{window}calibration_gap"], row[f"{window}calibration_z"]
        if abs(gap) > max_calibration_gap and abs(z) > _Z999:
            word = "high" if gap > 0 else "low"
            yield f"scores are {abs(gap):.2f} too {word} up to {row['month']:%b %Y}"


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
