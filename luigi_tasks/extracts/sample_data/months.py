"""The calendar of the sample data: a month is its number counted from January 2023."""

from __future__ import annotations

_FIRST_YEAR = 2023

VINTAGE_COUNT = 25
"""Number of months in which loans start, from January 2023 on."""


def month_name(month: int) -> str:
    """`2023-01` for month 0."""
    return f"{_FIRST_YEAR + month // 12}-{month % 12 + 1:02d}"


def iso_date(month: int) -> str:
    """The first of the month as yyyy-MM-dd."""
    return f"{month_name(month)}-01"


def day_first_date(month: int) -> str:
    """The first of the month as d/M/yyyy, without zero padding."""
    return f"1/{month % 12 + 1}/{_FIRST_YEAR + month // 12}"
