"""What lies in quarantine, counted by extract, reason and month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pandas as pd

from luigi_tasks.extracts.contract import parse_date
from luigi_tasks.reports.page.values import Rows, month_name


def set_aside(
    flagged: pd.DataFrame,
    rows: Mapping[str, pd.DataFrame],
    malformed: Mapping[str, pd.DataFrame],
) -> Rows:
    """extract, reason, month (null where no date can be read), what (customers or rows), n.

    `flagged` has reason and flagged_on, `rows` by extract reason, snapshot_date (text) and rows,
    `malformed` by extract reason.
    """
    found = [
        ("customers", "customers", reason, day, 1)
        for reason, day in zip(flagged["reason"], flagged["flagged_on"], strict=True)
    ]
    for extract, table in rows.items():
        found += [
            (extract, "rows", reason, parse_date(text or ""), n)
            for reason, text, n in zip(
                table["reason"], table["snapshot_date"], table["rows"], strict=True
            )
        ]
    for extract, table in malformed.items():
        found += [(extract, "rows", reason, None, 1) for reason in table["reason"]]
    counts: dict[tuple[str, str, str, dt.date | None], int] = {}
    for extract, what, reason, day, n in found:
        key = (extract, what, reason, day.replace(day=1) if day else None)
        counts[key] = counts.get(key, 0) + int(n)
    return [
        {
            "extract": extract,
            "what": what,
            "reason": reason,
            "month": month.isoformat() if month else None,
            "month_name": month_name(month) if month else "no date",
            "n": n,
        }
        for (extract, what, reason, month), n in sorted(
            counts.items(), key=lambda item: (*item[0][:3], item[0][3] or dt.date.min)
        )
    ]
