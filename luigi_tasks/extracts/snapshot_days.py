"""How many rows of an extract speak of each day, and which of these days are to be believed."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from luigi_tasks.core.tables import UNDATED
from luigi_tasks.extracts.contract import BLANKS, Column, Table, parse_date

# A month counts when it holds this share of the rows of a usual (median) month, and no more than
# a year lies between it and the months before.
SHARE = 0.01
MAX_GAP_MONTHS = 12
WHOLE = r"([+-]?[0-9]{1,9})([.]0+)?_?"


def columns_read(table: Table) -> list[str]:
    """The columns that decide whether a row can be keyed and dated."""
    dated_or_key = {column.name for column in table.of_kind("key", "date")}
    return [name for name in table.names if name in dated_or_key or name in table.key]


def count_days(batches: Iterable[pa.RecordBatch | pa.Table], table: Table) -> dict[dt.date, int]:
    """{snapshot date: rows} over the rows that can be keyed and dated, all columns texts.

    What a snapshot date, a start date or an installment number may be is looked at once for each
    text that occurs, because few do.
    """
    days: Counter[dt.date] = Counter()
    for batch in batches:
        tests = []
        for name in columns_read(table):
            texts, column = batch.column(name), table.column(name)
            if column.kind == "key":
                tests.append(pc.not_equal(pc.utf8_trim(texts, BLANKS), ""))
            else:
                readable = [t for t in pc.unique(texts).to_pylist() if _is_readable(column, t)]
                tests.append(pc.is_in(texts, pa.array(readable, pa.string())))
        snapshots = batch.column("snapshot_date").filter(reduce(pc.and_, tests))
        for entry in pc.value_counts(snapshots).to_pylist():
            day = parse_date(entry["values"])
            assert day is not None  # it is readable
            days[day] += entry["counts"]
    return dict(sorted(days.items()))


def months_of(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Rows, all columns texts, by the month of their snapshot (2025-10), each in their order.

    Rows whose snapshot_date is no day of the contract are those of UNDATED.
    """
    days = rows["snapshot_date"].combine_chunks().dictionary_encode()
    months = [month_of(text) for text in days.dictionary.to_pylist()]
    names = sorted(set(months))
    ranks = np.array([names.index(month) for month in months], np.int16)  # sorted by radix
    rank = ranks[days.indices.to_numpy()]
    if len(names) > 1:
        rows = rows.take(pa.array(np.argsort(rank, kind="stable")))
    ends = np.cumsum(np.bincount(rank))
    for name, begin, end in zip(names, [0, *ends], ends, strict=False):
        yield name, rows.slice(begin, end - begin)


def month_of(text: str) -> str:
    """The month of a text of a date, such as 2025-10; UNDATED when it is no day of the contract."""
    day = parse_date(text)
    return f"{day:%Y-%m}" if day else UNDATED


def _is_readable(column: Column, text: str) -> bool:
    if column.kind == "date":
        return parse_date(text) is not None
    whole = re.fullmatch(WHOLE, text.strip(BLANKS))
    return whole is not None and column.allows(int(whole[1]))


def believable(days: Mapping[dt.date, int]) -> tuple[dt.date, dt.date] | None:
    """The first day of the oldest month and the last day of the newest that hold enough rows.

    None without a row. A mistyped year makes a month of its own with hardly a row in it; it must
    not become today.
    """
    if not days:
        return None
    months: Counter[int] = Counter()
    for day, rows in days.items():
        months[day.year * 12 + day.month - 1] += rows
    usual = median(months.values())
    dense = sorted(month for month, rows in months.items() if rows >= SHARE * usual)
    fullest = max(dense, key=lambda month: months[month])
    last = _reach(fullest, [month for month in dense if month > fullest])
    first = _reach(fullest, [month for month in reversed(dense) if month < fullest])
    return _first_day(first), _first_day(last + 1) - dt.timedelta(days=1)


def _reach(start: int, months: Iterable[int]) -> int:
    """The last of these months that is reached from one without too wide a gap."""
    for month in months:
        if abs(month - start) > MAX_GAP_MONTHS:
            break
        start = month
    return start


def _first_day(month: int) -> dt.date:
    return dt.date(month // 12, month % 12 + 1, 1)
