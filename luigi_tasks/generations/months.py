"""Months that are named on the command line, and the days as of which they are told."""

from __future__ import annotations

import calendar
import datetime as dt

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.generations.as_of import data_span


def last_day(month: dt.date) -> dt.date:
    """The last day of a month, given by any of its days."""
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def check_months(start: dt.date, end: dt.date) -> None:
    """Raise PipelineError unless both are in the data, and in this order."""
    if end < start:
        raise PipelineError(f"--end {end:%Y-%m} lies before --start {start:%Y-%m}")
    first, last = data_span()
    for name, month in (("start", start), ("end", end)):
        if not first.replace(day=1) <= month <= last:
            raise PipelineError(
                f"--{name} {month:%Y-%m} is not in the data, which begin on {first} and end "
                f"on {last}"
            )
