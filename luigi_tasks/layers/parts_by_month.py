"""The parts of datasets that are kept by month: which part a row belongs to."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column
from pyspark.sql import functions as F

from luigi_tasks.extracts.contract import FIRST_DAY, LAST_DAY


def part_of(day: Column, *, by_month: bool) -> Column:
    """The number of the part of a row: its month, or UNDATED where that is no day.

    Of a dataset that is not kept by month it is the only one.
    """
    if not by_month:
        return F.lit(0)
    is_day = day.between(F.lit(FIRST_DAY), F.lit(LAST_DAY))
    return F.when(is_day, F.year(day) * 12 + F.month(day) - 1).otherwise(1)


def months_later(month: str, months: int) -> str:
    """A month, such as 2025-01, so many months later."""
    year, number = map(int, month.split("-"))
    total = year * 12 + number - 1 + months
    return f"{total // 12:04}-{total % 12 + 1:02}"


def first_day(month: str) -> dt.date:
    """The first day of a month such as 2025-01."""
    return dt.date.fromisoformat(f"{month}-01")
