"""The label of any small loan book is the one that a hand finds from the words of the design."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Any

from conftest import LOANS
from hypothesis import given
from hypothesis import strategies as st
from small_tables import Row, installment, silver

from fuzz.conftest import examples
from luigi_tasks.layers.labels import labels

Label = tuple[int, dt.date]
ARREARS = (0.0, 0.0, 0.0, -5.0, 0.01, 99.99, 100.0, 100.01, 500.0, None)


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day of a later month, or its last day when it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@st.composite
def loans(draw: st.DrawFn, name: str) -> list[Row]:
    """The installments of a loan: some missing, some unreadable, early or late, in any order."""
    start = draw(st.dates(dt.date(2023, 1, 1), dt.date(2024, 3, 31)))
    if draw(st.booleans()):
        mobs = set(range(draw(st.integers(5, 9))))
    else:
        mobs = draw(st.sets(st.integers(0, 9), min_size=1))
    arrears = st.sampled_from(ARREARS if draw(st.booleans()) else ARREARS[:3])
    late = st.sampled_from([0] * 8 + [-40, -1, 1, 40, 200])
    rows = [
        installment(
            mob,
            loan=name,
            loan_start_date=start,
            overdue_amt=draw(arrears),
            snapshot_date=add_months(start, mob) + dt.timedelta(days=draw(late)),
        )
        for mob in sorted(mobs)
    ]
    return draw(st.permutations(rows))


books = st.integers(4, 8).flatmap(
    lambda number: st.tuples(*(loans(f"LOAN_{i}") for i in range(number))).map(
        lambda book: [row for loan in book for row in loan]
    )
)


# Where the performance window begins, and its first installment.
beginnings = st.sampled_from([("prediction", 3), ("after", 4)])


def labels_of(
    rows: list[Row], threshold: float = 0, performance_from: str = "prediction"
) -> dict[str, Label]:
    """{loan: (label, label_date)} by the engine."""
    found = labels(
        silver(**{LOANS: rows})[LOANS],
        prediction_mob=3,
        observation_mob=6,
        performance_from=performance_from,
        overdue_threshold=threshold,
    )
    table = found.toArrow().to_pylist()
    assert len({row["loan_id"] for row in table}) == len(table)
    return {row["loan_id"]: (row["label"], row["label_date"]) for row in table}


def known_on(rows: list[Row], day: dt.date, threshold: float, first: int) -> dict[str, int]:
    """{loan: label} of what has matured by a day, from the rows that have arrived by then.

    A label matures when the observation point is reached and its row has arrived. One row of the
    window in arrears makes it 1; it is 0 when every row of it is there and can be read.
    """
    window: dict[str, dict[int, float | None]] = {}
    for row in rows:
        observed = add_months(row["loan_start_date"], 6)
        if row["snapshot_date"] <= day and observed <= day and first <= row["installment_num"] <= 6:
            window.setdefault(row["loan_id"], {})[row["installment_num"]] = row["overdue_amt"]
    known = {}
    for loan, arrears in window.items():
        if 6 not in arrears:
            continue
        if any(amount is not None and amount > threshold for amount in arrears.values()):
            known[loan] = 1
        elif len(arrears) == 7 - first and None not in arrears.values():
            known[loan] = 0
    return known


def days_of(rows: list[Row]) -> list[dt.date]:
    """The days on which something may become known, and those before them."""
    days = {row["snapshot_date"] for row in rows}
    days |= {add_months(row["loan_start_date"], 6) for row in rows}
    return sorted(days | {day - dt.timedelta(days=1) for day in days})


@examples(20)
@given(books, st.sampled_from([0, 100]), beginnings)
def test_a_label_is_what_a_hand_finds_and_is_dated_on_the_first_day_on_which_it_is_known(
    rows: list[Row], threshold: float, beginning: tuple[str, int]
) -> None:
    performance_from, first = beginning
    found = labels_of(rows, threshold, performance_from)
    for day in days_of(rows):
        matured = {loan: label for loan, (label, on) in found.items() if on <= day}
        assert matured == known_on(rows, day, threshold, first), day


@examples(20)
@given(books, st.data())
def test_what_had_matured_by_a_day_is_the_same_without_the_rows_that_came_later(
    rows: list[Row], data: st.DataObject
) -> None:
    day = data.draw(st.sampled_from(days_of(rows)))
    early = labels_of([row for row in rows if row["snapshot_date"] <= day])
    by_then = {loan: label for loan, label in labels_of(rows).items() if label[1] <= day}
    assert {loan: label for loan, label in early.items() if label[1] <= day} == by_then


@examples(10)
@given(books, beginnings, st.data())
def test_no_row_outside_the_performance_window_changes_a_label(
    rows: list[Row], beginning: tuple[str, int], data: st.DataObject
) -> None:
    performance_from, first = beginning
    changed: list[Row] = []
    for row in rows:
        if first <= row["installment_num"] <= 6:
            changed.append(row)
        elif data.draw(st.booleans()):
            amount: Any = data.draw(st.sampled_from(ARREARS))
            later = dt.timedelta(days=data.draw(st.integers(-900, 900)))
            moved = {"overdue_amt": amount, "snapshot_date": row["snapshot_date"] + later}
            changed.append({**row, **moved})
    before, after = (labels_of(book, 0, performance_from) for book in (rows, changed))
    assert before == after
