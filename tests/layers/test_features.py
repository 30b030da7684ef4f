"""Features look at what was known on their day; test_gold_table compares them with a hand."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from conftest import ATTRIBUTES, FINANCIALS, LOANS, day
from pyspark.sql import DataFrame
from small_tables import (
    attributes,
    book,
    collected,
    financials,
    frame,
    gold_of,
    installment,
    installments,
    silver,
)

from luigi_tasks.layers.engineered import ratio
from luigi_tasks.layers.features import (
    newest_snapshot,
    repayment_history,
    with_loan_types,
)
from luigi_tasks.layers.prediction_points import prediction_points


def dates_of(tables: Mapping[str, DataFrame]) -> DataFrame:
    return prediction_points(tables[LOANS], prediction_mob=3, overdue_threshold=0)


def test_the_newest_snapshot_on_or_before_the_prediction_date_counts() -> None:
    rows = [
        attributes(Age=30),
        attributes(on="2023-04-01", Age=31),  # the prediction date of LOAN_1
        attributes(on="2023-04-02", Age=32),
        attributes("CUS_2", Age=50),
    ]
    loans = [*installments(), *installments(loan="LOAN_2", customer="CUS_2")]
    tables = silver(**{ATTRIBUTES: rows, LOANS: loans})
    snapshots = newest_snapshot(dates_of(tables), tables[ATTRIBUTES])
    ages = {row["loan_id"]: row["Age"] for row in collected(snapshots, "loan_id")}
    assert ages == {"LOAN_1": 31, "LOAN_2": 50}


def test_an_installment_that_was_booked_after_the_prediction_date_is_not_history() -> None:
    late = installment(2, snapshot_date=day("2023-04-02"), paid_amt=1.0)
    tables = silver(**{LOANS: [installment(0), installment(1), late, installment(3)]})
    (row,) = collected(repayment_history(tables[LOANS], prediction_mob=3), "loan_id")
    assert (row["hist_total_paid"], row["hist_last_overdue"]) == (1_000, None)


@pytest.mark.parametrize(("below", "value"), [(4.0, 0.75), (0.0, None), (-4.0, None), (None, None)])
def test_a_ratio_is_null_unless_its_denominator_is_positive(
    below: float | None, value: float | None
) -> None:
    # the second row gives `below` its type
    rows = frame([{"row": 1, "above": 3.0, "below": below}, {"row": 2, "above": 3.0, "below": 1.0}])
    ratios = rows.selectExpr("row", f"{ratio('above', 'below')} AS ratio")
    assert collected(ratios, "row")[0]["ratio"] == value


def test_a_ratio_to_less_than_a_cent_is_null() -> None:
    rows = frame([{"row": 1, "above": 3.0, "below": 1e-99}, {"row": 2, "above": 3.0, "below": 1.0}])
    ratios = rows.selectExpr("row", f"{ratio('above', 'below')} AS ratio")
    assert [row["ratio"] for row in collected(ratios, "row")] == [None, 3.0]


@pytest.mark.parametrize(
    ("listed", "loans", "kinds"),
    [
        ("Auto Loan|Student Loan|Auto Loan", 3, 2),
        ("Not Specified", None, 1),
        (None, 0, 0),
        (None, None, 0),  # the list is empty, though the number is unreadable
        (None, 4, None),
    ],
)
def test_loan_types_are_counted_once_each_and_without_loans_there_are_none(
    listed: str | None, loans: int | None, kinds: int | None
) -> None:
    rows = [financials(Type_of_Loan=listed, Num_of_Loan=loans), financials("CUS_2")]
    tables = silver(**{FINANCIALS: rows})
    (row, _) = collected(with_loan_types(tables[FINANCIALS]), "Customer_ID")
    assert row["Num_Loan_Types"] == kinds


def test_without_a_financials_row_the_number_of_loan_types_is_unknown() -> None:
    (row,) = gold_of(book(**{FINANCIALS: []}))
    assert row["Num_Loan_Types"] is None
