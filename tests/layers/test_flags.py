"""Every kind of untrustworthy master data flags a customer, with its date; nothing else does."""

from __future__ import annotations

import pytest
from conftest import ATTRIBUTES, FINANCIALS, LOANS
from small_tables import (
    Row,
    attributes,
    book,
    collected,
    financials,
    flags_of,
    installment,
    installments,
    silver,
)

from luigi_tasks.layers.flags import count_customers, evidence


def findings(tables: dict[str, list[Row]]) -> list[tuple[str, str, str]]:
    """(customer, reason, date) of every finding."""
    rows = evidence(silver(**tables), prediction_mob=3, min_age=18, max_age=100)
    return [
        (row["Customer_ID"], row["reason"], str(row["flagged_on"]))
        for row in collected(rows, "Customer_ID", "reason")
    ]


def test_a_sound_customer_is_not_flagged() -> None:
    assert findings(book()) == []


@pytest.mark.parametrize(
    ("table", "row", "reason"),
    [
        (ATTRIBUTES, attributes(Age=None), "age missing"),
        (ATTRIBUTES, attributes(Age=17), "age outside 18-100"),
        (ATTRIBUTES, attributes(Age=101), "age outside 18-100"),
        (ATTRIBUTES, attributes(Age=-500), "age outside 18-100"),
        (ATTRIBUTES, attributes(SSN_valid=False), "SSN malformed"),
        (FINANCIALS, financials(Annual_Income=-1.0), "Annual_Income negative"),
        (FINANCIALS, financials(Monthly_Inhand_Salary=-1.0), "Monthly_Inhand_Salary negative"),
        (FINANCIALS, financials(Outstanding_Debt=-0.01), "Outstanding_Debt negative"),
    ],
)
def test_each_kind_of_untrustworthy_master_data_is_a_reason(
    table: str, row: Row, reason: str
) -> None:
    assert findings(book(**{table: [row]})) == [("CUS_1", reason, "2023-01-01")]


def test_a_negative_loan_amount_is_a_reason() -> None:
    loans = [*installments(1), installment(2, loan_amt=-10_000.0)]
    assert findings(book(**{LOANS: loans})) == [("CUS_1", "loan_amt negative", "2023-03-01")]


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (ATTRIBUTES, attributes(Age=18)),
        (ATTRIBUTES, attributes(Age=100)),
        (ATTRIBUTES, attributes(Occupation=None)),
        (FINANCIALS, financials(Annual_Income=0.0, Outstanding_Debt=0.0)),
        (FINANCIALS, financials(Annual_Income=None, Monthly_Inhand_Salary=None)),
        (FINANCIALS, financials(Delay_from_due_date=-5.0, Changed_Credit_Limit=-3.0)),
    ],
)
def test_limits_are_inclusive_and_other_nulls_and_signs_are_no_reason(table: str, row: Row) -> None:
    assert findings(book(**{table: [row]})) == []


def test_a_borrower_without_attributes_at_the_prediction_point_has_no_age() -> None:
    assert findings(book(**{ATTRIBUTES: []})) == [("CUS_1", "age missing", "2023-04-01")]
    late = [attributes(on="2023-04-02")]
    assert findings(book(**{ATTRIBUTES: late})) == [("CUS_1", "age missing", "2023-04-01")]
    in_time = [attributes(on="2023-04-01")]
    assert findings(book(**{ATTRIBUTES: in_time})) == []


def test_several_reasons_are_all_told_each_with_its_first_date() -> None:
    rows = [
        attributes(on="2023-02-01", Age=-500, SSN_valid=False),
        attributes(on="2023-01-01", Age=-500),
    ]
    assert findings(book(**{ATTRIBUTES: rows})) == [
        ("CUS_1", "SSN malformed", "2023-02-01"),
        ("CUS_1", "age outside 18-100", "2023-01-01"),
    ]


def test_customers_are_counted_once_over_all_extracts_and_the_flagged_by_reason() -> None:
    tables = silver(
        **book(
            **{
                ATTRIBUTES: [attributes(Age=-500, SSN_valid=False), attributes("CUS_2")],
                FINANCIALS: [financials(), financials("CUS_3")],
            }
        )
    )
    assert count_customers(tables, flags_of(tables)) == {
        "total": 3,
        "flagged": 1,
        "reasons": {"SSN malformed": 1, "age outside 18-100": 1},
    }
