"""Whether the dates of an extract were written month first, told by what they contradict.

5/1/2023 is the fifth of January: M/d/yyyy is never guessed. But a whole file in that form would be
read as if all had happened in the first days of one month, or in no month at all.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.extracts.contract import BLANKS, DAY_MONTH_YEAR

# Single dates are mistyped; these are so many that the form is another.
FEWEST_DAYS = 6
SHARE = 0.2
# An installment is due its number of months after the start: so do most of a form that fits.
FITS, MISFITS = 0.9, 0.5
INSTALLMENT = ("loan_start_date", "installment_num", "snapshot_date")


class Parts(NamedTuple):
    """The numbers of a date with slashes, in the order in which they are written."""

    first: int
    second: int
    year: int


def parts_of(text: str) -> Parts | None:
    """The parts of a text such as 5/1/2023; None for another form."""
    text = text.strip(BLANKS)
    return Parts(*map(int, text.split("/"))) if re.fullmatch(DAY_MONTH_YEAR, text) else None


def refuse_month_first(
    extract: Path,
    dates: Mapping[str, Mapping[str, int]],
    installments: Iterable[tuple[str, str, str, int]],
) -> None:
    """Raise PipelineError when a column was written as M/d/yyyy.

    `dates` and `installments` are those of the survey of the whole extract.
    """
    for name, texts in dates.items():
        days = {parts: n for text, n in texts.items() if (parts := parts_of(text))}
        why = no_such_month(days) or one_month(set(days))
        if why is None and name == INSTALLMENT[-1]:
            why = out_of_step(installments)
        if why:
            raise PipelineError(
                f"{extract}: column {name}: written as M/d/yyyy ({why}); "
                "d/M/yyyy or yyyy-MM-dd was expected"
            )


def no_such_month(dates: dict[Parts, int]) -> str | None:
    """Many dates whose second number is no month and whose first one is. `dates`: rows by date."""
    swapped = {date: n for date, n in dates.items() if date.first <= 12 < date.second <= 31}
    proper = sum(n for date, n in dates.items() if date.second <= 12 < date.first <= 31)
    rows = sum(swapped.values())
    if len(swapped) < FEWEST_DAYS or rows <= proper or rows < SHARE * sum(dates.values()):
        return None
    return f"read as d/M/yyyy, {rows} rows have no such month"


def one_month(dates: set[Parts]) -> str | None:
    """Dates of several years, all in the first days of one and the same month."""
    seconds, firsts = {d.second for d in dates}, {d.first for d in dates}
    years = {d.year for d in dates}
    if len(seconds) != 1 or len(years) < 2 or len(firsts) < 3 or max(firsts) > 12:
        return None
    if len(dates) < FEWEST_DAYS or not 1 <= (month := min(seconds)) <= 12:
        return None
    return f"read as d/M/yyyy, all lie in {calendar.month_name[month]}"


def out_of_step(installments: Iterable[tuple[str, str, str, int]]) -> str | None:
    """Installments that lie their number of months after the start in the other form alone.

    `installments`: start date, installment number and snapshot date as texts, and rows.
    """
    rows = proper = swapped = 0
    for start, number, snapshot, n in installments:
        begun, seen = parts_of(start), parts_of(snapshot)
        if begun is None or seen is None or not re.fullmatch("[1-9][0-9]{0,2}", number.strip()):
            continue
        rows += n
        years = 12 * (seen.year - begun.year) - int(number)
        proper += n * (years + seen.second - begun.second == 0)
        swapped += n * (years + seen.first - begun.first == 0)
    if not rows or swapped < FITS * rows or proper > MISFITS * rows:
        return None
    return f"read as d/M/yyyy, {rows - proper} installments are not due in their month"
