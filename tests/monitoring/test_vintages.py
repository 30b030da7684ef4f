"""Vintage curves compare vintages at equal maturity, and know nothing from after their day."""

from __future__ import annotations

from typing import Any

import pandas as pd
from conftest import LOANS, day
from small_tables import FLAGS, Row, frame, installment, installments, silver

from luigi_tasks.monitoring.installments import known_on, newest_snapshot
from luigi_tasks.monitoring.vintages import first_defaults, vintage_curves


def curves(
    *loans: list[Row], as_of: str = "2024-12-01", flags: list[Row] | None = None, over: float = 0
) -> pd.DataFrame:
    """The vintage curves of loans, each given by its installments."""
    rows = silver(**{LOANS: [row for loan in loans for row in loan]})[LOANS]
    known = known_on(rows, frame(flags or [], FLAGS), day(as_of))
    newest = newest_snapshot(rows, day(as_of))
    counts = first_defaults(known, newest, overdue_threshold=over)
    return vintage_curves(counts.toArrow().to_pandas())


def told(table: pd.DataFrame, *columns: str) -> dict[tuple[str, int], tuple[Any, ...]]:
    """{(vintage, mob): values}."""
    return {
        (str(row["vintage"])[:7], row["mob"]): tuple(row[name] for name in columns)
        for row in table.to_dict("records")
    }


def defaults(table: pd.DataFrame) -> dict[tuple[str, int], tuple[int, int]]:
    return told(table, "loans", "defaulted")


def flag(customer: str, on: str, quarantined_from: str = "1900-01-01") -> Row:
    dates = {"flagged_on": day(on), "quarantined_from": day(quarantined_from)}
    return {"Customer_ID": customer, "reason": "age missing", **dates}


def test_a_default_counts_from_its_month_on_book_on_and_a_cure_takes_nothing_back() -> None:
    table = curves(
        installments(4, loan="A", overdue={2: 500.0}),
        installments(4, loan="B"),
        installments(4, loan="C", overdue={3: 500.0, 4: 900.0}),
        installments(4, loan="D"),
    )
    rates = told(table, "loans", "defaulted", "cumulative_default_rate")
    assert rates == {
        ("2023-01", 1): (4, 0, 0.0),
        ("2023-01", 2): (4, 1, 0.25),
        ("2023-01", 3): (4, 2, 0.5),
        ("2023-01", 4): (4, 2, 0.5),
    }


def test_arrears_of_exactly_the_threshold_are_no_default() -> None:
    loans = installments(1, overdue={1: 100.0})
    assert curves(loans, over=100)["defaulted"].tolist() == [0]
    assert curves(loans, over=99.99)["defaulted"].tolist() == [1]


def test_a_vintage_has_no_value_at_a_month_that_its_youngest_loan_has_not_reached() -> None:
    first, last = "2023-01-01", "2023-01-28"
    loans = [
        installments(3, loan="A", start=first),
        installments(2, loan="B", start=last),
        installments(1, loan="C", start="2023-03-01"),
    ]
    assert defaults(curves(*loans, as_of="2023-04-01")) == {
        ("2023-01", 1): (2, 0),
        ("2023-01", 2): (2, 0),
        ("2023-03", 1): (1, 0),
    }


def test_a_month_is_reached_on_its_day_and_not_before() -> None:
    loans = [installments(3, loan="A"), installments(3, loan="B", start="2023-01-15")]
    assert curves(*loans, as_of="2023-03-14")["mob"].tolist() == [1]
    assert curves(*loans, as_of="2023-03-15")["mob"].tolist() == [1, 2]


def test_what_arrived_after_the_day_changes_nothing() -> None:
    before = [*installments(2, loan="A"), *installments(2, loan="B", overdue={2: 500.0})]
    after = [
        *(installment(mob, loan="A", overdue_amt=900.0) for mob in (3, 4)),
        *installments(4, loan="C", start="2023-03-02", overdue={1: 900.0}),
        *({**row, "snapshot_date": day("2023-03-02")} for row in installments(2, loan="D")),
    ]
    as_of = "2023-03-01"
    alone, together = curves(before, as_of=as_of), curves(before, after, as_of=as_of)
    pd.testing.assert_frame_equal(together, alone)
    assert defaults(alone) == {("2023-01", 1): (2, 0), ("2023-01", 2): (2, 1)}


def test_a_day_after_the_newest_snapshot_has_reached_no_more_than_that() -> None:
    loans = installments(2)
    assert curves(loans, as_of="2023-04-20")["mob"].tolist() == [1, 2]


def test_a_loan_that_cannot_be_followed_is_left_out_at_every_month_and_counted() -> None:
    gap = [row for row in installments(3, loan="B") if row["installment_num"] != 2]
    unread = [
        *installments(2, loan="C", overdue={1: 500.0}),
        installment(3, loan="C", overdue_amt=None),
    ]
    late = installments(2, loan="D")
    table = curves(installments(3, loan="A"), gap, unread, late, as_of="2023-04-01")
    assert told(table, "loans", "left_out", "defaulted") == {
        ("2023-01", mob): (1, 3, 0) for mob in (1, 2, 3)
    }


def test_a_loan_that_was_repaid_earlier_than_others_stays_in_its_vintage() -> None:
    short = installments(2, loan="A", overdue={1: 500.0})
    table = curves([{**row, "tenure": 2} for row in short], installments(4, loan="B"))
    assert defaults(table) == {("2023-01", mob): (2, 1) for mob in (1, 2, 3, 4)}


def test_a_curve_ends_with_the_longest_tenure() -> None:
    loans = [{**row, "tenure": 2} for row in installments(2)]
    other = installments(6, loan="B", start="2023-02-01")
    table = curves(loans, other)
    assert table[table["vintage"] == day("2023-01-01")]["mob"].tolist() == [1, 2]


def test_a_customer_flagged_from_the_beginning_is_in_no_curve() -> None:
    loans = [installments(2, loan=name, customer=name, overdue={1: 500.0}) for name in "AB"]
    table = curves(*loans, flags=[flag("A", "2023-01-01")])
    assert told(table, "loans", "left_out") == {("2023-01", 1): (1, 0), ("2023-01", 2): (1, 0)}


def test_a_customer_flagged_meanwhile_is_left_out_from_that_day_on_and_not_before() -> None:
    loans = [installments(4, loan=name, customer=name) for name in "AB"]
    flags = [flag("A", "2023-04-15", "2023-04-15")]
    before = curves(*loans, flags=flags, as_of="2023-04-14")
    assert told(before, "loans", "left_out")["2023-01", 3] == (2, 0)
    after = curves(*loans, flags=flags, as_of="2023-05-01")
    assert told(after, "loans", "left_out")["2023-01", 3] == (1, 1)


def test_a_flag_dated_after_the_day_excludes_nobody_on_it() -> None:
    loans = [installments(2, loan=name, customer=name) for name in "AB"]
    flags = [flag("A", "2023-03-02"), flag("A", "2023-03-09")]
    assert curves(*loans, flags=flags, as_of="2023-03-01")["loans"].tolist() == [2, 2]


def test_without_a_month_on_book_there_is_no_curve() -> None:
    table = curves(installments(0))
    assert table.empty
    assert table["cumulative_default_rate"].dtype == "float64"
