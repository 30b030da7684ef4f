"""What an extract, one of its files or a block of one says of days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from luigi_tasks.core.records import Record


class Survey(Record, frozen=True):
    """Rows of an extract, or of a part of it, by what they say of days.

    `days`: {snapshot date: rows} over the rows that can be keyed and dated. `dates`: {column:
    {text: rows}} of the columns of dates. `installments`: [start date, number, snapshot date, rows]
    as texts, of the loans.
    """

    days: dict[str, int]
    dates: dict[str, dict[str, int]]
    installments: list[tuple[str, str, str, int]]


def total(surveys: Iterable[Survey]) -> Survey:
    """The survey of what several surveys are of, in the order of days and texts."""
    days, dates = Counter[str](), dict[str, Counter[str]]()
    installments = Counter[tuple[str, str, str]]()
    for each in surveys:
        days.update(each.days)
        for column, texts in each.dates.items():
            dates.setdefault(column, Counter()).update(texts)
        for start, number, snapshot, rows in each.installments:
            installments[start, number, snapshot] += rows
    return Survey(
        days=dict(sorted(days.items())),
        dates={column: dict(sorted(texts.items())) for column, texts in dates.items()},
        installments=[(*texts, rows) for texts, rows in sorted(installments.items())],
    )
