"""The monitoring of a champion as it stood on every decision day: what governance looks at.

A run that comes late finds in it what a run on the day would have found. Scores and bins do not
change with the day, only which loans and labels are known: a month is measured again only when
one of its labels has matured.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pandas as pd

from luigi_tasks.monitoring.table import (
    KNOWN_ON,
    as_drift,
    as_monitoring,
    feature_drift,
    row_of,
    window_of,
)
from luigi_tasks.monitoring.tally import ByMonth, Tallies


def history(
    tallies: Tallies,
    generation: int,
    days: Iterable[dt.date],
    *,
    threshold: float,
    window_months: int,
    watch: float,
    critical: float,
) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """The live rows of a generation's monitoring on each day, and the drift of the newest month.

    Both have the columns of `table.monitor` and in front of them known_on. The drift of the months
    before the newest is the same later. None when no live loan was known on any of the days.
    """
    limits = {"threshold": threshold, "watch": watch, "critical": critical}
    own: dict[str, Any] = {"generation": generation, "sample": "live"}
    live = (generation, "live")
    rows: list[dict[str, Any]] = []
    drifts: list[pd.DataFrame] = []
    seen: dict[Any, dict[str, Any]] = {}
    drift_of: dict[Any, pd.DataFrame] = {}
    for day in days:
        months = _known(tallies.months.get(live, {}), tallies.first_days.get(live, {}), day)
        for month, batch in months.items():
            window = window_of(months, month, window_months)
            # Whether it is the first day of a month alone, and which labels were known.
            state = (month, batch.n, batch.n_matured(day), window.n_matured(day))
            if state not in seen:
                drift = feature_drift(batch, watch, critical)
                drift_of[month] = drift
                known = batch.as_known(day), window.as_known(day)
                seen[state] = row_of(month, *known, drift, limits)
            rows.append({**seen[state], **own, KNOWN_ON: day})
        if day in months:
            drifts.append(drift_of[day].assign(month=day, **own, known_on=day))
    if not rows:
        return None
    return as_monitoring(rows), as_drift(drifts)


def _known(months: ByMonth, first_days: ByMonth, day: dt.date) -> ByMonth:
    """The months until a decision day, the month that begins on it with what begins on it."""
    known = {month: batch for month, batch in months.items() if month < day}
    newest = first_days.get(day, months.get(day))
    if newest is not None and newest.n:
        known[day] = newest
    return known
