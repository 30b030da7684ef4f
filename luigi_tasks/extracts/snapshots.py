"""The days that the extracts speak of, remembered by what is in the files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from luigi_tasks.core import code_digests, digests
from luigi_tasks.extracts.contract import Table


def snapshot_dates(path: Path, table: Table) -> tuple[dt.date, dt.date] | None:
    """The oldest and newest `snapshot_date` in a CSV file; None when none can be read.

    Raises PipelineError as `read_header` does.
    """
    try:
        known = digests.of_json([digests.of_file(path), code_digests.of_code(__name__)])
    except FileNotFoundError:
        known = "missing"

    def read() -> list[str] | None:
        # Only a file that has changed is read: the slow imports are not for every start.
        from luigi_tasks.extracts.csv_files import span_of_dates

        span = span_of_dates(path, table)
        return [day.isoformat() for day in span] if span else None

    span = digests.remembered(f"span-{known[:32]}", read)
    return (dt.date.fromisoformat(span[0]), dt.date.fromisoformat(span[1])) if span else None
