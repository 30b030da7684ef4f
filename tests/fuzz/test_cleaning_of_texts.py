"""Whatever text stands in a column, silver holds what docs/contract.md promises of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import functions as F
from small_tables import SOUND_TEXTS, Row, bronze, examine, frame

from fuzz.conftest import examples
from fuzz.promises import first_fault, promises
from fuzz.texts import dates, texts
from luigi_tasks.core.engines import session
from luigi_tasks.extracts.contract import TABLES, Column, parse_date
from luigi_tasks.layers.cleaning import (
    REASONS,
    clean,
    date,
    faulty,
    null_reason,
    read_values,
    sound_value,
)
from luigi_tasks.layers.silver_columns import kept_columns

many_texts = st.lists(texts, min_size=40, max_size=80)


def judged(table: str, rows: list[Row]) -> list[Row]:
    """The silver value of every column and why it is null, in the order of so few rows."""
    contract = TABLES[table]
    values = read_values(bronze(table, *rows), contract)
    shown = []
    for column in kept_columns(contract):
        shown.append(sound_value(column).alias(f"{column.name} value"))
        shown.append(null_reason(column).alias(f"{column.name} reason"))
    return list(values.select(*shown).toArrow().to_pylist())


def same(found: Any, promised: Any) -> bool:
    """Whether two values are equal and of one type; a float is the nearest to the text."""
    return type(found) is type(promised) and found == promised


@pytest.mark.parametrize("table", sorted(TABLES))
@examples(3)
@given(many_texts)
def test_a_text_is_the_value_that_the_contract_promises_or_null_for_the_reason_that_it_gives(
    table: str, texts: list[str]
) -> None:
    names = TABLES[table].names
    found = judged(table, [dict.fromkeys(names, text) for text in texts])
    assert len(found) == len(texts)
    for text, row in zip(texts, found, strict=True):
        for name, promise in promises()[table].items():
            value, reason = promise.verdict(text)
            code = row[f"{name} reason"]
            if name != "SSN":  # its reasons are not counted
                assert (None if code is None else REASONS[code]) == reason, (name, text)
            assert same(row[f"{name} value"], value), (name, text, row[f"{name} value"], value)


@pytest.mark.parametrize("table", sorted(TABLES))
@examples(2)
@given(st.lists(texts, min_size=20, max_size=30))
def test_every_row_is_in_silver_or_in_quarantine_with_the_promised_reason(
    table: str, texts: list[str]
) -> None:
    contract = TABLES[table]
    keyed = [name for name, promise in promises()[table].items() if promise.keys_the_row]
    rows = [{**SOUND_TEXTS[table], name: text} for name in keyed for text in texts]
    values = read_values(bronze(table, *rows), contract)
    values = session.current().createDataFrame(values.toArrow())  # one plan is enough
    quarantine = faulty(values, contract).toArrow().to_pylist()
    reasons = [reason for row in rows if (reason := first_fault(table, row))]
    found = [row["reason"] for row in quarantine for _ in range(row["rows"])]
    assert sorted(found) == sorted(reasons)
    assert clean(values, contract).count() == len(rows) - len(reasons)
    assert not {"Name", "SSN"} & set(quarantine[0] if quarantine else ())


@examples(2)
@given(many_texts)
def test_the_nulls_that_are_counted_are_those_of_the_contract(texts: list[str]) -> None:
    table = "features_financials"
    contract = TABLES[table]
    rows = [dict.fromkeys(contract.names, text) for text in texts]
    counted: dict[str, dict[str, int]] = {}
    for name, promise in promises()[table].items():
        for text in texts:
            reason = promise.verdict(text)[1]
            if reason and name != "Customer_ID":
                of_column = counted.setdefault(name, {})
                of_column[reason] = of_column.get(reason, 0) + 1
    found = examine(read_values(bronze(table, *rows), contract), contract)
    assert found.nulls == counted
    assert found.faulty_rows == sum(first_fault(table, row) is not None for row in rows)


# --- dates ------------------------------------------------------------------------------------

ANY_DAY = Column("day", "date")


def engine_dates(texts: list[str]) -> list[dt.date | None]:
    """The dates that the engine reads, in the order of the texts, which it does not keep."""
    rows = frame([{"place": place, "day": text} for place, text in enumerate(texts)])
    found = rows.select("place", date(ANY_DAY).alias("read"))
    of_python = F.when(F.year("read") > 0, F.col("read")).alias("read")
    read = found.select("place", of_python).toArrow().sort_by("place")
    return list(read["read"].to_pylist())


def test_every_day_is_read_as_itself_and_one_outside_the_contract_is_none() -> None:
    first, last = dt.date(1989, 12, 1), dt.date(2101, 1, 31)
    days = [first + dt.timedelta(days=i) for i in range((last - first).days + 1)]
    forms = (
        "{0:%Y-%m-%d}",
        "{0.day}/{0.month}/{0.year}",
        "{0:%d/%m/%Y}",
        " {0.day}/{0:%m}/{0.year}",
    )
    texts = [forms[i % 4].format(day) for i, day in enumerate(days)]
    assert engine_dates(texts) == days
    start, end = dt.date(1990, 1, 1), dt.date(2100, 12, 31)
    assert [parse_date(t) for t in texts] == [d if start <= d <= end else None for d in days]


@examples(4)
@given(st.lists(st.one_of(dates, texts), min_size=100, max_size=200))
def test_a_text_is_the_day_of_its_digits_or_none_and_both_readers_of_dates_agree(
    texts: list[str],
) -> None:
    promise = promises()["lms_loan_daily"]["loan_start_date"]
    promised = [promise.verdict(text)[0] for text in texts]
    inside = [
        day if day and promise.low <= day <= promise.high else None for day in engine_dates(texts)
    ]
    assert inside == promised
    assert [parse_date(text) for text in texts] == promised
