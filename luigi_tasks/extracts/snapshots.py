"""The days that the extracts speak of, remembered by what is in the files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from luigi_tasks.core import code_digests, digests
from luigi_tasks.extracts.contract import Table
from luigi_tasks.extracts.remembered import state, surveys
from luigi_tasks.extracts.survey import total

Span = tuple[dt.date, dt.date]


def snapshot_dates(extract: Path, table: Table, latest: dt.date | None = None) -> Span | None:
    """The oldest and newest `snapshot_date` in an extract; None when none can be read.

    Only rows that can be keyed and dated count, and of these not the days that silver quarantines:
    those after `latest`, or without one those beyond the newest month that holds enough rows.
    Raises PipelineError as `surveys` does.
    """
    known = [state(extract), code_digests.of_code(__name__), str(latest)]

    def read() -> list[str] | None:
        # Only after a change: the slow imports are not for every start.
        from luigi_tasks.extracts.snapshot_days import believable

        whole = total(surveys(extract, table).values())
        days = {dt.date.fromisoformat(day): rows for day, rows in whole.days.items()}
        span = believable(days)
        if span is None:
            return None
        first, last = span[0], latest or span[1]
        inside = sorted(day for day in days if first <= day <= last)
        return [inside[0].isoformat(), inside[-1].isoformat()] if inside else None

    span = digests.remembered(f"span-{digests.of_json(known)[:32]}", read)
    return (dt.date.fromisoformat(span[0]), dt.date.fromisoformat(span[1])) if span else None
