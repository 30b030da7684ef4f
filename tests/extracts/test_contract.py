"""The contract names every column of the extracts, and reads dates in two forms only."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from conftest import ATTRIBUTES, CLICKSTREAM, FINANCIALS, LOANS

from luigi_tasks.extracts.contract import FILLER, SSN, TABLES, parse_date


def names_of_kind(table: str, *kinds: str) -> list[str]:
    return [column.name for column in TABLES[table].columns if column.kind in kinds]


@pytest.mark.parametrize("text", ["1/5/2023", "01/05/2023", "2023-05-01", " 1/5/2023 "])
def test_a_date_is_read_day_first_or_iso(text: str) -> None:
    assert parse_date(text) == dt.date(2023, 5, 1)


@pytest.mark.parametrize("text", ["5/13/2023", "31/2/2023", "2023-02-30", "0/1/2023"])
def test_a_day_that_is_not_in_the_calendar_is_no_date(text: str) -> None:
    assert parse_date(text) is None


@pytest.mark.parametrize("text", ["", "1.5.2023", "1/5/23", "2023/05/01", "2023-5-1", "May 2023"])
def test_any_other_form_is_no_date(text: str) -> None:
    assert parse_date(text) is None


@pytest.mark.parametrize("text", ["0001-01-01", "31/12/1989", "1/1/2101", "9999-12-31"])
def test_a_day_far_off_is_no_date(text: str) -> None:
    assert parse_date(text) is None


def test_the_first_and_the_last_day_of_the_contract_are_dates() -> None:
    assert parse_date("1990-01-01") == dt.date(1990, 1, 1)
    assert parse_date("31/12/2100") == dt.date(2100, 12, 31)


def test_a_delivered_file_is_named_after_its_table_and_has_its_key() -> None:
    assert all(table.file == f"{name}.csv" for name, table in TABLES.items())
    assert TABLES[LOANS].key == ("loan_id", "installment_num")
    for name in (ATTRIBUTES, FINANCIALS, CLICKSTREAM):
        assert TABLES[name].key == ("Customer_ID", "snapshot_date")


@pytest.mark.parametrize(
    ("table", "header"),
    [
        (ATTRIBUTES, "Customer_ID,Name,Age,SSN,Occupation,snapshot_date"),
        (
            FINANCIALS,
            "Customer_ID,Annual_Income,Monthly_Inhand_Salary,Num_Bank_Accounts,Num_Credit_Card,"
            "Interest_Rate,Num_of_Loan,Type_of_Loan,Delay_from_due_date,Num_of_Delayed_Payment,"
            "Changed_Credit_Limit,Num_Credit_Inquiries,Credit_Mix,Outstanding_Debt,"
            "Credit_Utilization_Ratio,Credit_History_Age,Payment_of_Min_Amount,"
            "Total_EMI_per_month,Amount_invested_monthly,Payment_Behaviour,Monthly_Balance,"
            "snapshot_date",
        ),
        (
            LOANS,
            "loan_id,Customer_ID,loan_start_date,tenure,installment_num,loan_amt,due_amt,paid_amt,"
            "overdue_amt,balance,snapshot_date",
        ),
        (CLICKSTREAM, ",".join(f"fe_{i}" for i in range(1, 21)) + ",Customer_ID,snapshot_date"),
    ],
)
def test_columns_are_those_of_the_real_file_in_its_order(table: str, header: str) -> None:
    assert ",".join(TABLES[table].names) == header


def test_every_date_of_the_extracts_is_read_as_a_date() -> None:
    assert names_of_kind(LOANS, "date") == ["loan_start_date", "snapshot_date"]
    for name in (ATTRIBUTES, FINANCIALS, CLICKSTREAM):
        assert names_of_kind(name, "date") == ["snapshot_date"]


def test_name_stays_in_bronze_and_the_ssn_is_only_validated() -> None:
    assert names_of_kind(ATTRIBUTES, "bronze_only") == ["Name"]
    assert names_of_kind(ATTRIBUTES, "ssn") == ["SSN"]


def test_the_twenty_clickstream_features_are_integers_up_to_a_million() -> None:
    features = [c for c in TABLES[CLICKSTREAM].columns if c.kind == "integer"]
    assert [c.name for c in features] == [f"fe_{i}" for i in range(1, 21)]
    assert {(c.low, c.high) for c in features} == {(-1_000_000, 1_000_000)}


@pytest.mark.parametrize("text", ["913741218", "913-74-121", "#F%$D@*&8", "913-74-1218x"])
def test_an_ssn_is_three_two_four_digits(text: str) -> None:
    assert re.match(SSN, "913-74-1218")
    assert not re.match(SSN, text)


def test_a_filler_is_a_number_between_double_underscores() -> None:
    assert re.match(FILLER, "__10000__")
    assert re.match(FILLER, "__-333333333333333333333333333__")
    assert not re.match(FILLER, "10000_")
