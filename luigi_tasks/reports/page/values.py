"""Numbers of tables as values of JSON, and what is not told of a few loans."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from luigi_tasks.reports.markdown import is_known

Rows = list[dict[str, Any]]

FEWEST = 5
"""Of fewer loans no rate and no count is told: it could be told of one of them."""
_DIGITS = 6


def plain(value: Any) -> Any:
    """A value of JSON: numbers with six digits, days as yyyy-mm-dd, what is missing as null."""
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if not is_known(value):
        return None
    if isinstance(value, bool | str):
        return value
    if isinstance(value, dt.date):
        return value.isoformat()[:10]
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, float):
        short = float(f"{value:.{_DIGITS}g}")
        return 0.0 if short == 0 else short
    return value


def rows_of(table: pd.DataFrame, columns: Sequence[str] | None = None) -> Rows:
    """The rows of a table as values of JSON; every month with its name for people."""
    found = []
    for row in table[list(columns or table.columns)].to_dict("records"):
        values = {str(name): plain(value) for name, value in row.items()}
        for name in ("month", "vintage"):
            if isinstance(row.get(name), dt.date):
                values[f"{name}_name"] = month_name(row[name])
        found.append(values)
    return found


def month_name(day: dt.date) -> str:
    """A month for people: Oct 2024."""
    return f"{day:%b %Y}"


def around(first: dt.date, last: dt.date) -> dict[str, str]:
    """From the middle of the month before the first to the middle of the last, for a time axis."""
    before = first.replace(day=1) - dt.timedelta(days=15)
    return {"from": before.isoformat(), "to": last.replace(day=16).isoformat()}


def told(counts: Sequence[int]) -> list[int | None]:
    """Counts of loans, those of fewer than FEWEST as null.

    When a single one would be null its neighbour in size is as well: it could be told from the sum.
    """
    hidden = {i for i, n in enumerate(counts) if 0 < n < FEWEST}
    if len(hidden) == 1:
        others = [i for i, n in enumerate(counts) if n >= FEWEST]
        hidden |= set(sorted(others, key=lambda i: counts[i])[:1])
    return [None if i in hidden else int(n) for i, n in enumerate(counts)]
