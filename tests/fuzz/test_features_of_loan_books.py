"""Gold knows of a loan what had arrived by its prediction point, whatever comes later."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any
from unittest import mock

import pytest
from conftest import ATTRIBUTES, CLICKSTREAM, FINANCIALS, LOANS, day, months_later
from hypothesis import given
from hypothesis import strategies as st
from small_tables import (
    Row,
    attributes,
    clicks,
    collected,
    financials,
    flags_of,
    gold_frame,
    gold_of,
    installment,
    silver,
)

from fuzz.conftest import examples
from luigi_tasks.layers.exclusion import passed
from luigi_tasks.layers.flags import quarantined

LABEL = ("label", "label_date")
Book = dict[str, list[Row]]
# Somebody whose loan makes the newest snapshot a late one, so that every other loan is scored.
ANCHOR: Book = {
    ATTRIBUTES: [attributes("CUS_ANCHOR", "2024-01-01")],
    FINANCIALS: [],
    LOANS: [installment(12, loan="LOAN_ANCHOR", customer="CUS_ANCHOR", start="2024-01-01")],
    CLICKSTREAM: [],
}
# Few days, so that much falls on one that decides, or on the day before or after.
STARTS = [day(text) for text in ("2023-01-01", "2023-02-15", "2023-04-01", "2023-05-14")]
DAYS = sorted(
    {
        months_later(start, mob) + dt.timedelta(days=i)
        for start in STARTS
        for mob in (0, 3)
        for i in (-1, 0, 1)
    }
)
days = st.sampled_from(DAYS)
amounts = st.sampled_from([0.0, 0.01, 250.25, 1_000.0, None])
numbers = st.sampled_from([-129, -1, 0, 1, 7, 1_000_000, None])


@pytest.fixture(scope="module", autouse=True)
def _few_clickstream_features() -> Iterator[None]:
    """Those that the books fill: the time of a query goes into its columns, not into its rows."""
    with mock.patch("luigi_tasks.layers.clickstream.CLICKSTREAM_FEATURES", ("fe_1", "fe_2")):
        yield


@st.composite
def loans(draw: st.DrawFn, customer: str, number: int) -> list[Row]:
    """The installments of a loan, some missing, late or unreadable."""
    start = draw(st.sampled_from(STARTS))
    return [
        installment(
            mob,
            loan=f"LOAN_{customer}_{number}",
            customer=customer,
            loan_start_date=start,
            paid_amt=draw(amounts),
            due_amt=draw(amounts),
            overdue_amt=draw(amounts),
            snapshot_date=months_later(start, mob) + dt.timedelta(days=draw(late)),
        )
        for mob in sorted(draw(st.sets(st.integers(0, 7), min_size=4)))
    ]


late = st.sampled_from([0, 0, 0, 0, -3, 1, 35, 120])
ages = st.sampled_from([18, 30, 31, 99, 30, 40, 50, 60, -500, None])


@st.composite
def customers(draw: st.DrawFn, customer: str, *, trusted: bool) -> Book:
    """All rows of a customer; one who is not trusted may be flagged on any day."""
    seen = draw(st.sets(days, min_size=1, max_size=4)) | ({day("2022-10-01")} if trusted else set())
    age = st.integers(18, 99) if trusted else ages
    salary = st.sampled_from([0.0, 3_000.0, 3_000.0, None] + ([] if trusted else [-1.0]))
    return {
        ATTRIBUTES: [attributes(customer, str(on), Age=draw(age)) for on in sorted(seen)],
        FINANCIALS: [
            financials(customer, str(on), Monthly_Inhand_Salary=draw(salary))
            for on in sorted(draw(st.sets(days, max_size=4)))
        ],
        LOANS: [row for i in range(draw(st.integers(1, 2))) for row in draw(loans(customer, i))],
        CLICKSTREAM: [
            clicks(customer, str(on), fe_1=draw(numbers), fe_2=draw(numbers))
            for on in sorted(draw(st.sets(days, max_size=4)))
        ],
    }


def books(number: int, *, trusted: bool) -> st.SearchStrategy[Book]:
    """The rows of some customers, and of one who makes the newest snapshot."""
    return st.tuples(*(customers(f"CUS_{i}", trusted=trusted) for i in range(number))).map(together)


def together(parts: tuple[Book, ...]) -> Book:
    return {name: [row for part in (*parts, ANCHOR) for row in part[name]] for name in ANCHOR}


def features_of(rows: list[Row]) -> dict[str, Row]:
    """{loan: its features}."""
    return {row["loan_id"]: {n: v for n, v in row.items() if n not in LABEL} for row in rows}


def scored(book: Book, **settings: Any) -> dict[str, Row]:
    """The features of all customers, whether they are trusted or not."""
    return features_of(collected(gold_frame(silver(**book), **settings), "loan_id"))


def starts(book: Book) -> dict[str, list[dt.date]]:
    """{customer: the days on which the loans began}."""
    found: dict[str, set[dt.date]] = {}
    for row in book[LOANS]:
        found.setdefault(row["Customer_ID"], set()).add(row["loan_start_date"])
    return {customer: sorted(days) for customer, days in found.items()}


# --- the features of one loan by hand ---------------------------------------------------------


def known(book: Book, loan: str) -> list[Row]:
    """The installments of a loan that count: before month three, and arrived by then."""
    return [
        row
        for row in book[LOANS]
        if row["loan_id"] == loan
        and row["installment_num"] < 3
        and row["snapshot_date"] <= months_later(row["loan_start_date"], 3)
    ]


def newest(rows: list[Row], customer: str, until: dt.date) -> Row:
    mine = [row for row in rows if row["Customer_ID"] == customer and row["snapshot_date"] <= until]
    return max(mine, key=lambda row: row["snapshot_date"], default={})


def clicks_by_hand(book: Book, customer: str, start: dt.date, months: int) -> Row:
    """How the customer's clicks of the months before a loan differ from everybody's."""
    first = months_later(start, -months)
    window = [row for row in book[CLICKSTREAM] if first <= row["snapshot_date"] < start]
    mine = [row for row in window if row["Customer_ID"] == customer]
    reached, all_reached = (
        {(row["snapshot_date"].year, row["snapshot_date"].month) for row in rows}
        for rows in (mine, window)
    )
    own, everybody = (
        [Fraction(row["fe_1"]) for row in rows if row["fe_1"] is not None]
        for rows in (mine, window)
    )
    z = None
    if own and len(set(everybody)) > 1:
        away = statistics.mean(own) - statistics.mean(everybody)
        z = float(away) / math.sqrt(statistics.variance(everybody) / len(own))
    return {
        "fe_1_z": z,
        "fe_snapshots": len(mine),
        "fe_coverage": len(reached) / len(all_reached) if all_reached else None,
    }


def by_hand(book: Book, loan: str, threshold: float, months: int) -> Row:
    history = known(book, loan)
    customer, start = history[0]["Customer_ID"], history[0]["loan_start_date"]
    point = months_later(start, 3)
    paid = [row["paid_amt"] for row in history if row["paid_amt"] is not None]
    pairs = [(row["paid_amt"], row["due_amt"]) for row in history]
    return {
        "prediction_date": point,
        "delinquent": any((row["overdue_amt"] or 0) > threshold for row in history),
        "Age": newest(book[ATTRIBUTES], customer, point).get("Age"),
        "Monthly_Inhand_Salary": newest(book[FINANCIALS], customer, point).get(
            "Monthly_Inhand_Salary"
        ),
        "hist_total_paid": sum(paid) if paid else None,
        "hist_missed_installments": sum(None not in pair and pair[0] < pair[1] for pair in pairs),
        "hist_last_overdue": next(
            (row["overdue_amt"] for row in history if row["installment_num"] == 2), None
        ),
        **clicks_by_hand(book, customer, start, months),
    }


@examples(5)
@given(books(12, trusted=True), st.sampled_from([0, 0.01, 300]), st.sampled_from([3, 12]))
def test_a_loan_is_scored_when_it_is_known_in_time_and_with_the_features_of_a_hand(
    book: Book, threshold: float, months: int
) -> None:
    found = scored(book, overdue_threshold=threshold, clickstream_months=months)
    assert set(found) == {row["loan_id"] for row in book[LOANS] if known(book, row["loan_id"])}
    for loan, row in found.items():
        promised = by_hand(book, loan, threshold, months)
        approximately = {
            name: pytest.approx(value, rel=1e-12, abs=1e-9) if isinstance(value, float) else value
            for name, value in promised.items()
        }
        assert {name: row[name] for name in promised} == approximately, loan


# --- time -------------------------------------------------------------------------------------


def is_later(name: str, row: Row, began: Mapping[str, list[dt.date]], last: dt.date) -> bool:
    """Whether a row may be known of no loan of its customer, each at its prediction point.

    What anybody clicks is known of all loans that start later: it is later from `last` on.
    """
    of_customer = began.get(row["Customer_ID"], [])
    if name == CLICKSTREAM:
        return bool(row["snapshot_date"] >= last)
    if name == LOANS:
        point = months_later(row["loan_start_date"], 3)
        return row["installment_num"] >= 3 or row["snapshot_date"] > point
    return all(row["snapshot_date"] > months_later(start, 3) for start in of_customer)


@examples(4)
@given(books(8, trusted=True), st.sampled_from(STARTS[1:]), st.data())
def test_no_row_that_comes_after_the_prediction_point_changes_a_feature_of_a_loan_started_by_a_day(
    book: Book, last: dt.date, data: st.DataObject
) -> None:
    began = starts(book)
    changed: Book = {name: [] for name in book}
    for name, rows in book.items():
        for row in rows:
            if not is_later(name, row, began, last) or row["Customer_ID"] == "CUS_ANCHOR":
                changed[name].append(row)
            elif data.draw(st.booleans()):
                changed[name].append(data.draw(another(name, row)))
    before, after = (
        {loan: row for loan, row in scored(rows).items() if row["loan_start_date"] <= last}
        for rows in (book, changed)
    )
    assert before == after


def another(name: str, row: Row) -> st.SearchStrategy[Row]:
    """A later row that says something else, or says it later still."""
    said: dict[str, st.SearchStrategy[Any]] = {
        "snapshot_date": st.integers(0, 300).map(
            lambda later: row["snapshot_date"] + dt.timedelta(days=later)
        )
    }
    for column, value in row.items():
        if isinstance(value, float):
            said[column] = amounts
        elif isinstance(value, int) and column not in ("installment_num", "SSN_valid"):
            said[column] = numbers
    return st.fixed_dictionaries(said).map(lambda changes: {**row, **changes})


@examples(2)
@given(books(12, trusted=False), st.dates(day("2023-04-01"), day("2024-01-31")))
def test_gold_as_of_a_day_is_the_same_without_the_rows_that_came_later(
    book: Book, today: dt.date
) -> None:
    early = {n: [r for r in rows if r["snapshot_date"] <= today] for n, rows in book.items()}

    def as_of(book: Book) -> tuple[dict[str, Row], dict[str, Any]]:
        rows = [row for row in gold_of(book) if row["prediction_date"] <= today]
        matured = [row for row in rows if row["label_date"] and row["label_date"] <= today]
        return features_of(rows), {row["loan_id"]: row["label"] for row in matured}

    arrived = [row["snapshot_date"] for row in early[LOANS]]
    if arrived:  # of an extract without a row nothing is scored
        reached = max(arrived)
        then, now = as_of(early), as_of(book)
        assert then[0] == {k: v for k, v in now[0].items() if v["prediction_date"] <= reached}
        assert then[1] == {k: v for k, v in now[1].items() if k in then[0]}


# --- flags ------------------------------------------------------------------------------------


@examples(3)
@given(books(12, trusted=False))
def test_every_row_passes_the_quality_check_or_is_quarantined_and_no_flag_reaches_back(
    book: Book,
) -> None:
    tables = silver(**book)
    flags = flags_of(tables)
    found = collected(flags, "Customer_ID")
    for name, rows in tables.items():
        assert passed(rows, flags).count() + quarantined(rows, flags).count() == len(book[name])
    first: dict[str, dt.date] = {}
    for flag in found:
        seen = first.setdefault(flag["Customer_ID"], flag["flagged_on"])
        first[flag["Customer_ID"]] = min(seen, flag["flagged_on"])
    never = dt.date.max
    everybody = scored(book)
    points: dict[str, list[dt.date]] = {}
    for row in everybody.values():
        points.setdefault(row["customer_id"], []).append(row["prediction_date"])
    kept = features_of(gold_of(book))
    assert kept == {
        loan: row
        for loan, row in everybody.items()
        if row["prediction_date"] < first.get(row["customer_id"], never)
    }


@examples(2)
@given(st.tuples(*(customers(f"CUS_{i}", trusted=False) for i in range(6))))
def test_a_customer_has_the_same_rows_in_gold_when_others_only_click_whoever_they_are(
    parts: tuple[Book, ...],
) -> None:
    everybody = gold_of(together(parts))
    clicked = [row for part in parts[3:] for row in part[CLICKSTREAM]]
    somebody = [{**row, "Customer_ID": f"CUS_X{i % 2}"} for i, row in enumerate(clicked)]
    others: Book = {name: somebody if name == CLICKSTREAM else [] for name in ANCHOR}
    some = gold_of(together((*parts[:3], others)))
    mine = {"CUS_0", "CUS_1", "CUS_2", "CUS_ANCHOR"}
    assert [row for row in everybody if row["customer_id"] in mine] == some
