"""A flagged customer is kept out of gold, from the day on which it could be known."""

from __future__ import annotations

from conftest import ATTRIBUTES, FINANCIALS, LOANS, day
from small_tables import (
    LABELS,
    Row,
    attributes,
    book,
    collected,
    financials,
    flags_of,
    frame,
    gold_of,
    installments,
    silver,
)

from luigi_tasks.layers.exclusion import passed
from luigi_tasks.layers.flags import quarantined
from luigi_tasks.layers.gold_table import excluded_loans


def gold_loans(tables: dict[str, list[Row]]) -> list[str]:
    return [row["loan_id"] for row in gold_of(tables)]


def test_a_customer_flagged_before_the_prediction_date_has_nothing_in_gold() -> None:
    tables = book(**{ATTRIBUTES: [attributes(), attributes(on="2023-03-01", Age=-500)]})
    assert gold_loans(tables) == []


def test_a_flag_of_the_prediction_date_itself_is_known_in_time() -> None:
    tables = book(**{FINANCIALS: [financials(on="2023-04-01", Annual_Income=-1.0)]})
    assert gold_loans(tables) == []
    (flag,) = collected(flags_of(silver(**tables)), "reason")
    assert str(flag["quarantined_from"]) == "1900-01-01"  # all of the customer's rows


def test_a_customer_flagged_after_the_prediction_date_keeps_the_features_of_that_day() -> None:
    sound = book()
    later = book(**{FINANCIALS: [financials(), financials(on="2023-08-01", Annual_Income=-1.0)]})
    before, after = gold_of(sound), gold_of(later)
    assert len(after) == 1
    assert after == before


def test_rows_from_the_flag_on_are_quarantined_for_a_customer_scored_before_it() -> None:
    loans = installments(9)
    tables = silver(
        **book(**{LOANS: loans, ATTRIBUTES: [attributes(), attributes(on="2023-08-01", Age=-1)]})
    )
    flags = flags_of(tables)
    assert {str(row["quarantined_from"]) for row in collected(flags, "reason")} == {"2023-08-01"}
    kept, out = (
        collected(f(tables[LOANS], flags), "installment_num") for f in (passed, quarantined)
    )
    assert [row["installment_num"] for row in kept] == [0, 1, 2, 3, 4, 5, 6]
    assert [row["installment_num"] for row in out] == [7, 8, 9]


def test_a_second_loan_that_is_scored_after_the_flag_is_not_in_gold() -> None:
    second = installments(loan="LOAN_2", start="2023-05-01")  # scored on 2023-08-01
    other = installments(12, loan="LOAN_3", customer="CUS_2")
    tables = book(
        **{
            LOANS: [*installments(), *second, *other],
            ATTRIBUTES: [attributes(), attributes(on="2023-07-15", Age=-500), attributes("CUS_2")],
        }
    )
    assert gold_loans(tables) == ["LOAN_1", "LOAN_3"]


def test_a_flag_touches_no_other_customer() -> None:
    other = {"customer": "CUS_2"}
    tables = book(
        **{
            ATTRIBUTES: [attributes(Age=None), attributes(**other)],
            FINANCIALS: [financials(), financials(**other)],
            LOANS: [*installments(), *installments(loan="LOAN_2", **other)],
        }
    )
    assert gold_loans(tables) == ["LOAN_2"]


def test_nobody_is_lost_when_a_table_is_split_by_flags() -> None:
    flags = frame([{"Customer_ID": "CUS_1", "quarantined_from": day("2023-03-01")}])
    loans = silver(**{LOANS: [*installments(), *installments(loan="LOAN_2", customer="CUS_2")]})[
        LOANS
    ]
    assert passed(loans, flags).count() == 2 + 7
    assert quarantined(loans, flags).count() == 5


def test_what_became_of_the_loans_that_are_kept_out_is_told() -> None:
    second = installments(loan="LOAN_2", customer="CUS_2", start="2023-02-01")
    second[4] = {**second[4], "overdue_amt": 5.0}
    young = installments(3, loan="LOAN_3", customer="CUS_2", start="2023-05-01")
    tables = book(
        **{
            LOANS: [*installments(), *second, *young],
            ATTRIBUTES: [attributes(), attributes("CUS_2", Age=-500)],
        }
    )
    gold = frame([{"loan_id": loan} for loan in gold_loans(tables)])
    out = collected(excluded_loans(gold, silver(**tables)[LOANS], **LABELS), "loan_id")
    assert [row["loan_id"] for row in out] == ["LOAN_2", "LOAN_3"]
    assert (out[0]["label"], str(out[0]["label_date"])) == (1, "2023-08-01")
    assert out[1]["label"] is None
    assert [row["delinquent"] for row in out] == [False, False]
