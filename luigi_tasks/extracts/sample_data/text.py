"""Numbers, dates and texts as CSV fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from luigi_tasks.extracts.sample_data.columns import Floats, Ints


def number_text(values: Floats) -> list[str]:
    """Decimals of ten significant digits, as in the real files; no trailing zeros or point."""
    return [f"{value + 0.0:.10g}" for value in values.tolist()]  # + 0.0 makes -0 a 0


def integer_text(values: Ints) -> list[str]:
    """Integers of a small range, where looking the text up is faster than formatting each."""
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    texts = np.array([str(value) for value in range(low, high + 1)], dtype=object)
    return list(texts[values - low])


def date_text(months: Ints, form: Callable[[int], str]) -> list[str]:
    """The first day of each month, written by `form`; months from January 2023 on."""
    texts = [form(month) for month in range(int(months.max(initial=0)) + 1)]
    return [texts[month] for month in months.tolist()]


def years_and_months(months: Floats) -> list[str]:
    """`10 Years and 9 Months` for 129."""
    return [f"{m // 12} Years and {m % 12} Months" for m in months.astype(int).tolist()]


def quoted(values: Sequence[str]) -> list[str]:
    """Fields quoted where RFC 4180 asks for it."""
    return [
        '"{}"'.format(value.replace('"', '""')) if '"' in value or "," in value else value
        for value in values
    ]
