"""Cleaning reads every kind of dirt in the extracts, keeps signs, and loses no row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import ATTRIBUTES, CLICKSTREAM, FINANCIALS, LOANS
from small_tables import (
    SOUND_TEXTS,
    Findings,
    bronze,
    collected,
    examine,
    split_as_the_stage_does,
)

from luigi_tasks.core.engines import session
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.layers.cleaning import (
    clean,
    faulty,
    marked,
    marks,
    null_counts,
    quarantine_schema,
    read_values,
)
from luigi_tasks.layers.conflicts import split


def cleaned(table: str, column: str, *texts: str, silver_column: str | None = None) -> list[Any]:
    """The silver values of these texts of one column, one row each."""
    key = TABLES[table].key[0]
    rows = [{key: f"ID_{i:03}", column: text} for i, text in enumerate(texts)]
    values = read_values(bronze(table, *rows), TABLES[table])
    cleaned_rows = collected(clean(values, TABLES[table]), key)
    return [row[silver_column or column] for row in cleaned_rows]


def findings(table: str, *rows: Mapping[str, str]) -> Findings:
    return examine(read_values(bronze(table, *rows), TABLES[table]), TABLES[table])


def quarantined(table: str, *rows: Mapping[str, str]) -> list[dict[str, Any]]:
    values = read_values(bronze(table, *rows), TABLES[table])
    return collected(faulty(values, TABLES[table]), *TABLES[table].key)


def split_by_key(table: str, *rows: Mapping[str, str]) -> tuple[list[Any], list[Any]]:
    """(rows kept, quarantine) when duplicates are looked at."""
    contract = TABLES[table]
    values = read_values(bronze(table, *rows), contract)
    kept, quarantine = split_as_the_stage_does(values, contract)
    return collected(kept, *contract.key), collected(quarantine, *contract.key)


# --- numbers ----------------------------------------------------------------------------------


def test_signs_are_kept_minus_100_is_not_100() -> None:
    assert cleaned(ATTRIBUTES, "Age", "-100", "100", "+100") == [-100, 100, 100]
    assert cleaned(FINANCIALS, "Annual_Income", "-100", "-0.5") == [-100.0, -0.5]
    assert cleaned(FINANCIALS, "Delay_from_due_date", "-5", "5") == [-5.0, 5.0]
    assert cleaned(FINANCIALS, "Changed_Credit_Limit", "-2.1", "2.1") == [-2.1, 2.1]
    assert cleaned(CLICKSTREAM, "fe_7", "-129", "129") == [-129, 129]
    assert cleaned(LOANS, "overdue_amt", "-100", "100") == [-100.0, 100.0]


def test_minus_100_loans_are_unknown_and_never_100() -> None:
    assert cleaned(FINANCIALS, "Num_of_Loan", "-100", "3") == [None, 3]


@pytest.mark.parametrize(
    ("table", "column", "text", "value"),
    [
        (ATTRIBUTES, "Age", "23_", 23),
        (FINANCIALS, "Annual_Income", "30625.94_", 30_625.94),
        (FINANCIALS, "Outstanding_Debt", "1562.91_", 1_562.91),
        (FINANCIALS, "Num_of_Loan", "4_", 4),
        (FINANCIALS, "Num_of_Delayed_Payment", "18_", 18),
    ],
)
def test_one_trailing_underscore_is_dropped(
    table: str, column: str, text: str, value: float
) -> None:
    assert cleaned(table, column, text) == [value]


def test_an_age_outside_the_limits_is_kept_for_the_quality_check() -> None:
    assert cleaned(ATTRIBUTES, "Age", "-500", "8698") == [-500, 8698]


@pytest.mark.parametrize(
    ("column", "impossible", "possible"),
    [
        ("Annual_Income", "24198062", "1000000"),
        ("Num_Bank_Accounts", "-1", "0"),
        ("Num_Bank_Accounts", "1756", "10"),
        ("Num_Credit_Card", "1499", "7"),
        ("Interest_Rate", "5789", "34"),
        ("Num_of_Loan", "1495", "9"),
        ("Num_of_Delayed_Payment", "-3", "0"),
        ("Num_of_Delayed_Payment", "4293", "25"),
        ("Num_Credit_Inquiries", "2554", "11"),
        ("Total_EMI_per_month", "82331", "1500"),
    ],
)
def test_a_value_outside_the_contract_becomes_null_and_is_counted(
    column: str, impossible: str, possible: str
) -> None:
    assert cleaned(FINANCIALS, column, impossible, possible) == [None, float(possible)]
    assert findings(FINANCIALS, {column: impossible}).nulls == {column: {"out of range": 1}}


@pytest.mark.parametrize(
    ("table", "column", "text"),
    [
        (ATTRIBUTES, "Occupation", "_______"),
        (FINANCIALS, "Changed_Credit_Limit", "_"),
        (FINANCIALS, "Credit_Mix", "_"),
        (FINANCIALS, "Payment_of_Min_Amount", "NM"),
        (FINANCIALS, "Payment_Behaviour", "!@9#%8"),
        (FINANCIALS, "Amount_invested_monthly", "__10000__"),
        (FINANCIALS, "Monthly_Balance", "__-333333333333333333333333333__"),
    ],
)
def test_a_placeholder_becomes_null_and_is_counted(table: str, column: str, text: str) -> None:
    sound = SOUND_TEXTS[table][column]
    assert cleaned(table, column, text, sound)[0] is None
    assert cleaned(table, column, text, sound)[1] is not None
    assert findings(table, {column: text}).nulls == {column: {"placeholder": 1}}


def test_a_text_that_is_no_number_becomes_null_and_is_counted_as_unreadable() -> None:
    texts = ("12a", "1,5", "0x10", "1e999", "NaN", "Infinity", "--3")
    assert cleaned(FINANCIALS, "Outstanding_Debt", *texts) == [None] * len(texts)
    rows = [{"Customer_ID": text, "Outstanding_Debt": text} for text in texts]
    assert findings(FINANCIALS, *rows).nulls == {"Outstanding_Debt": {"unreadable": len(texts)}}


def test_an_integer_may_be_written_with_point_zero_but_not_with_a_fraction() -> None:
    assert cleaned(FINANCIALS, "Num_Credit_Card", "4.0", "4.5") == [4, None]


def test_blanks_around_a_value_do_not_matter() -> None:
    assert cleaned(ATTRIBUTES, "Age", " 30 ") == [30]
    assert cleaned(ATTRIBUTES, "Occupation", " Lawyer ") == ["Lawyer"]
    assert cleaned(LOANS, "loan_amt", " 10000", "\u00a010000", "10000\t") == [10_000.0] * 3
    assert cleaned(ATTRIBUTES, "Occupation", "\u3000Lawyer\u200b") == ["Lawyer"]


# --- texts ------------------------------------------------------------------------------------


def test_the_ssn_is_reduced_to_whether_it_is_valid_and_the_name_is_gone() -> None:
    texts = ("913-74-1218", "#F%$D@*&8", "")
    assert cleaned(ATTRIBUTES, "SSN", *texts, silver_column="SSN_valid") == [True, False, False]
    table = TABLES[ATTRIBUTES]
    columns = clean(read_values(bronze(ATTRIBUTES, {}), table), table).columns
    assert columns == ["Customer_ID", "Age", "SSN_valid", "Occupation", "snapshot_date"]


def test_a_credit_history_is_counted_in_months() -> None:
    texts = ("10 Years and 9 Months", "0 Years and 1 Months", "1 Year and 1 Month", "long", "")
    beyond = ("10 Years and 12 Months", "10 Years and 99 Months")
    months = cleaned(
        FINANCIALS, "Credit_History_Age", *texts, *beyond, silver_column="Credit_History_Months"
    )
    assert months == [129, 1, 13, None, None, None, None]


def test_loan_types_become_a_list_and_an_empty_one_stays_unknown() -> None:
    assert cleaned(
        FINANCIALS,
        "Type_of_Loan",
        "Credit-Builder Loan, and Home Equity Loan",
        "Payday Loan, Not Specified, and Student Loan",
        "Auto Loan",
        "",
    ) == [
        "Credit-Builder Loan|Home Equity Loan",
        "Payday Loan|Not Specified|Student Loan",
        "Auto Loan",
        None,
    ]
    assert findings(FINANCIALS, {"Type_of_Loan": ""}).nulls == {"Type_of_Loan": {"empty": 1}}


# --- dates ------------------------------------------------------------------------------------


def test_both_date_forms_are_read_side_by_side_and_the_day_comes_first() -> None:
    texts = ("1/5/2023", "01/05/2023", "2023-05-01", "31/12/2023")
    assert cleaned(ATTRIBUTES, "snapshot_date", *texts) == [
        dt.date(2023, 5, 1),
        dt.date(2023, 5, 1),
        dt.date(2023, 5, 1),
        dt.date(2023, 12, 31),
    ]


@pytest.mark.parametrize(
    "text", ["5/13/2023", "31/2/2023", "30/2/2024", "2023-02-30", "2023-13-01"]
)
def test_a_day_that_is_not_in_the_calendar_goes_to_quarantine(text: str) -> None:
    rows = quarantined(ATTRIBUTES, {"snapshot_date": text}, {"snapshot_date": "28/2/2023"})
    assert [(row["snapshot_date"], row["reason"]) for row in rows] == [
        (text, "snapshot_date is impossible")
    ]


def test_the_start_date_of_a_loan_is_read_like_every_other_date() -> None:
    texts = ("1/5/2023", "2023-05-01")
    assert cleaned(LOANS, "loan_start_date", *texts) == [dt.date(2023, 5, 1)] * 2


# --- rows -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"loan_id": ""}, "loan_id is empty"),
        ({"Customer_ID": "  "}, "Customer_ID is empty"),
        ({"installment_num": ""}, "installment_num is empty"),
        ({"installment_num": "-1"}, "installment_num is impossible"),
        ({"installment_num": "two"}, "installment_num is impossible"),
        ({"snapshot_date": ""}, "snapshot_date is empty"),
        ({"loan_start_date": "31/4/2023"}, "loan_start_date is impossible"),
    ],
)
def test_a_row_that_cannot_be_keyed_or_dated_goes_to_quarantine(
    row: dict[str, str], reason: str
) -> None:
    sound = {"loan_id": "LOAN_2"}
    quarantine = quarantined(LOANS, row, sound)
    assert [(bad["reason"], bad["rows"]) for bad in quarantine] == [(reason, 1)]
    values = read_values(bronze(LOANS, row, sound), TABLES[LOANS])
    assert [r["loan_id"] for r in collected(clean(values, TABLES[LOANS]), "loan_id")] == ["LOAN_2"]
    assert findings(LOANS, row, sound).faulty_rows == 1


def test_the_quarantine_shows_the_text_as_it_came_but_never_name_or_ssn() -> None:
    (row,) = quarantined(ATTRIBUTES, {"Customer_ID": "", "Age": "23_"})
    assert row["Age"] == "23_"
    assert not {"Name", "SSN"} & row.keys()


def test_equal_rows_are_kept_once_and_the_copies_are_quarantined() -> None:
    kept, quarantine = split_by_key(ATTRIBUTES, {}, {}, {}, {"Customer_ID": "CUS_2"})
    assert [row["Customer_ID"] for row in kept] == ["CUS_1", "CUS_2"]
    assert [(row["Customer_ID"], row["reason"], row["rows"]) for row in quarantine] == [
        ("CUS_1", "repeats another row", 2)
    ]


def test_rows_that_say_the_same_in_other_words_are_equal() -> None:
    kept, quarantine = split_by_key(
        ATTRIBUTES, {"snapshot_date": "1/5/2023"}, {"snapshot_date": "2023-05-01", "Age": "30_"}
    )
    assert len(kept) == 1
    assert [row["reason"] for row in quarantine] == ["repeats another row"]


def test_different_rows_with_the_same_key_are_all_quarantined() -> None:
    kept, quarantine = split_by_key(
        LOANS, {"paid_amt": "0"}, {"paid_amt": "1000"}, {"paid_amt": "1000"}, {"loan_id": "LOAN_2"}
    )
    assert [row["loan_id"] for row in kept] == ["LOAN_2"]
    assert {(row["paid_amt"], row["rows"]) for row in quarantine} == {("0.0", 1), ("1000.0", 2)}
    assert {row["reason"] for row in quarantine} == {"different rows with the same key"}


def test_the_same_customer_on_another_day_is_no_duplicate() -> None:
    kept, quarantine = split_by_key(ATTRIBUTES, {}, {"snapshot_date": "1/6/2023"})
    assert len(kept) == 2
    assert quarantine == []
    assert findings(ATTRIBUTES, {}, {"snapshot_date": "1/6/2023"}).rows_in_conflict == 0
    assert findings(ATTRIBUTES, {}, {}).rows_in_conflict == 1


def test_the_null_counts_of_several_rows_and_reasons_add_up() -> None:
    rows = [
        {"Customer_ID": "CUS_1", "Num_of_Loan": "-100", "Credit_Mix": "_"},
        {"Customer_ID": "CUS_2", "Num_of_Loan": "1495", "Credit_Mix": "_"},
        {"Customer_ID": "CUS_3", "Num_of_Loan": "", "Credit_Mix": ""},
        {"Customer_ID": "CUS_4", "Num_of_Loan": "many"},
        {"Customer_ID": "CUS_5"},
    ]
    assert findings(FINANCIALS, *rows).nulls == {
        "Num_of_Loan": {"empty": 1, "unreadable": 1, "out of range": 2},
        "Credit_Mix": {"empty": 1, "placeholder": 2},
    }


def test_silver_and_quarantine_hold_every_row_with_or_without_duplicates() -> None:
    table = TABLES[ATTRIBUTES]
    rows = [{"Customer_ID": ""}, {}, {"Customer_ID": "CUS_2"}]
    for repeated in ([], [{}]):
        values = read_values(bronze(ATTRIBUTES, *rows, *repeated), table)
        kept, quarantine = (
            split_as_the_stage_does(values, table) if repeated else split(values, table, None)
        )
        assert [row["Customer_ID"] for row in collected(kept, "Customer_ID")] == ["CUS_1", "CUS_2"]
        reasons = [row["reason"] for row in collected(quarantine, "reason")]
        assert reasons == ["Customer_ID is empty", *("repeats another row" for _ in repeated)]


def test_an_empty_quarantine_has_the_columns_of_one_with_rows() -> None:
    table = TABLES[ATTRIBUTES]
    values = read_values(bronze(ATTRIBUTES, {"Customer_ID": ""}), table)
    empty, one_row = quarantine_schema(table), faulty(values, table).toArrow().schema
    assert (empty.names, empty.types) == (one_row.names, one_row.types)


def test_null_counts_are_one_row_a_part_column_and_reason(tmp_path: Path) -> None:
    table = TABLES[ATTRIBUTES]
    rows = [
        {"Customer_ID": "CUS_1", "Age": "", "snapshot_date": "1/6/2023"},
        {"Customer_ID": "CUS_2", "Age": "", "Occupation": "____"},
        {"Customer_ID": "CUS_3", "Age": "x", "snapshot_date": "31/6/2023"},
    ]
    frame = marked(read_values(bronze(ATTRIBUTES, *rows), table), table, by_month=True)
    counts = session.sift(frame, tmp_path / "rows", list(table.key), marks(table))
    assert [tuple(row.values()) for row in null_counts(counts, table).to_pylist()] == [
        ("2023-05", "Age", "empty", 1),
        ("2023-05", "Occupation", "placeholder", 1),
        ("2023-06", "Age", "empty", 1),
        ("undated", "Age", "unreadable", 1),
        ("undated", "snapshot_date", "unreadable", 1),
    ]


# --- values that no arithmetic can hold -------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "column", "largest", "beyond"),
    [
        *(
            (LOANS, column, "1e12", "1e99")
            for column in ("loan_amt", "due_amt", "paid_amt", "overdue_amt", "balance")
        ),
        (LOANS, "paid_amt", "-1e12", "-1e99"),
        (CLICKSTREAM, "fe_20", "1000000", "999999999"),
        (CLICKSTREAM, "fe_20", "-1000000", "-999999999"),
    ],
)
def test_a_number_that_overflows_what_is_computed_of_it_is_out_of_range(
    table: str, column: str, largest: str, beyond: str
) -> None:
    assert cleaned(table, column, largest, beyond) == [float(largest), None]
    assert findings(table, {column: beyond}).nulls == {column: {"out of range": 1}}


@pytest.mark.parametrize("column", ["loan_start_date", "snapshot_date"])
@pytest.mark.parametrize("text", ["0001-01-01", "31/12/1989", "1/1/2101", "9999-12-31"])
def test_a_date_far_off_goes_to_quarantine(column: str, text: str) -> None:
    sound = [{"loan_id": text, column: text} for text in ("1990-01-01", "31/12/2100")]
    (row,) = quarantined(LOANS, {column: text}, *sound)
    assert row[column] == text
    late = text in ("1/1/2101", "9999-12-31")
    reason = "lies after 2100-12-31" if late and column == "snapshot_date" else "is impossible"
    assert row["reason"] == f"{column} {reason}"
