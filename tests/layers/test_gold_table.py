"""Gold holds what could be known of a loan at its prediction point, and its label when matured."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from conftest import ATTRIBUTES, CLICKSTREAM, FINANCIALS, LOANS, day
from small_tables import (
    Row,
    attributes,
    clicks,
    collected,
    financials,
    gold_frame,
    gold_of,
    installment,
    installments,
    silver,
)

# Two loans. LOAN_1 started on 2023-01-01 and is scored on 2023-04-01, LOAN_2 a month later.
BOOK: dict[str, list[Row]] = {
    ATTRIBUTES: [
        attributes(Age=30),
        attributes(on="2023-04-01", Age=31),
        attributes(on="2023-04-02", Age=32),
        attributes("CUS_2", Age=50, Occupation=None),
    ],
    FINANCIALS: [
        financials(Monthly_Inhand_Salary=1.0),
        financials(
            on="2023-03-01",
            Annual_Income=36_000.0,
            Monthly_Inhand_Salary=3_000.0,
            Total_EMI_per_month=300.0,
            Amount_invested_monthly=150.0,
            Outstanding_Debt=900.0,
            Credit_History_Months=129,
        ),
        financials(on="2023-05-01", Monthly_Inhand_Salary=9.0),
        financials("CUS_2", Annual_Income=0.0, Monthly_Inhand_Salary=0.0, Type_of_Loan=None),
    ],
    LOANS: [
        installment(0),
        installment(1, paid_amt=250.25, overdue_amt=749.75),
        installment(2, overdue_amt=749.75),
        installment(3, overdue_amt=0.0),
        installment(4, overdue_amt=1_000.0),
        installment(5),
        installment(6),
        *installments(6, loan="LOAN_2", customer="CUS_2", start="2023-02-01"),
    ],
    CLICKSTREAM: [
        clicks(on="2022-10-01", fe_1=2, fe_2=-5),
        clicks(on="2022-11-01", fe_1=4, fe_2=None),
        clicks(on="2022-12-31", fe_1=9, fe_2=None),
        clicks(on="2023-01-01", fe_1=1_000),
        clicks(on="2023-02-01", fe_1=1_000),
        clicks("CUS_3", on="2022-11-01", fe_1=1, fe_2=-1),
    ],
}


@pytest.fixture(scope="module")
def gold() -> dict[str, Row]:
    return {row["loan_id"]: row for row in gold_of(BOOK)}


# --- features by hand -------------------------------------------------------------------------


def test_there_is_one_row_a_loan_with_its_dates(gold: dict[str, Row]) -> None:
    assert list(gold) == ["LOAN_1", "LOAN_2"]
    dates = {k: str(gold["LOAN_1"][k]) for k in ("vintage", "loan_start_date", "prediction_date")}
    assert dates == {
        "vintage": "2023-01-01",
        "loan_start_date": "2023-01-01",
        "prediction_date": "2023-04-01",
    }


@pytest.mark.parametrize(
    ("feature", "value"),
    [
        ("Age", 31),  # of the prediction date itself, not of the day after
        ("Credit_History_Months", 129),
        ("DTI", 300 / 3_000),
        ("Savings_Ratio", 150 / 3_000),
        ("Monthly_Surplus", 3_000 - 300 - 150),
        ("Debt_to_Annual_Income", 900 / 36_000),
        ("Loan_to_Annual_Income", 10_000 / 36_000),
        ("Delayed_per_Loan", 6 / 2),
        ("Num_Loan_Types", 2),
        ("hist_total_paid", 0 + 250.25 + 1_000),  # installments 0, 1 and 2
        ("hist_total_due", 0 + 1_000 + 1_000),
        ("hist_Loan_Payment_Ratio", 1_250.25 / 2_000),
        ("hist_max_overdue", 749.75),
        ("hist_last_overdue", 749.75),
        ("hist_missed_installments", 1),
        # with CUS_3's 1 everybody's mean is 4, and their variance (4 + 0 + 25 + 9) / 3
        ("fe_1_z", (5 - 4) / ((38 / 3) ** 0.5 / 3**0.5)),
        ("fe_2_z", (-5 - -3) / 8**0.5),  # one snapshot of -5 among -5 and -1
        ("fe_3_z", None),  # everybody has 0
        ("fe_snapshots", 3),
        ("fe_coverage", 1),
    ],
)
def test_a_feature_is_what_a_hand_computes(gold: dict[str, Row], feature: str, value: Any) -> None:
    computed = gold["LOAN_1"][feature]
    assert computed == (None if value is None else pytest.approx(value, rel=1e-12))


@pytest.mark.parametrize(
    "feature",
    [
        "DTI",
        "Savings_Ratio",
        "Debt_to_Annual_Income",
        "Occupation",
        "Num_Loan_Types",
        "fe_1_z",
        "fe_20_z",
    ],
)
def test_nulls_stay_null_and_a_zero_income_has_no_ratio(gold: dict[str, Row], feature: str) -> None:
    assert gold["LOAN_2"][feature] is None


def test_neither_key_nor_label_columns_are_missing_and_no_text_list_is_left(
    gold: dict[str, Row],
) -> None:
    assert {"customer_id", "label", "label_date"} <= gold["LOAN_1"].keys()
    assert not {"Type_of_Loan", "snapshot_date", "SSN_valid", "Name"} & gold["LOAN_1"].keys()


def test_a_loan_that_has_not_reached_its_prediction_point_is_not_in_gold() -> None:
    young = installments(2, loan="LOAN_3", start="2023-06-01")
    old = installments(7)  # the newest snapshot is 2023-08-01, a month before LOAN_3 is scored
    gold = gold_frame(silver(**{**BOOK, LOANS: [*old, *young]}))
    assert [row["loan_id"] for row in collected(gold, "loan_id")] == ["LOAN_1"]


def test_gold_has_the_labels_and_null_where_there_is_none(gold: dict[str, Row]) -> None:
    assert {loan: row["label"] for loan, row in gold.items()} == {"LOAN_1": 1, "LOAN_2": 0}
    young = {**BOOK, LOANS: [r for r in BOOK[LOANS] if r["installment_num"] < 6]}
    assert {(row["label"], row["label_date"]) for row in gold_of(young)} == {(None, None)}


# --- no look-ahead ----------------------------------------------------------------------------

NUMBERS = (int, float)


def perturbed(rows: list[Row], after: str) -> list[Row]:
    """The rows with every number and text of those dated after a day changed."""
    keys = ("Customer_ID", "loan_id", "installment_num", "SSN_valid", "Age")
    changed = copy.deepcopy(rows)
    for row in changed:
        if row["snapshot_date"] > day(after):
            for name, value in row.items():
                if name in keys:
                    continue
                if isinstance(value, NUMBERS):
                    row[name] = value * 3 + 17
                elif isinstance(value, str):
                    row[name] = "changed"
            if "Age" in row:
                row["Age"] = 77
    return changed


def features(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ("label", "label_date")}


def test_no_row_dated_after_the_prediction_point_changes_a_feature(gold: dict[str, Row]) -> None:
    tables = {
        **BOOK,
        ATTRIBUTES: [*BOOK[ATTRIBUTES], attributes(on="2023-05-01")],
        FINANCIALS: [*BOOK[FINANCIALS], financials(on="2023-04-02")],
        CLICKSTREAM: [*BOOK[CLICKSTREAM], clicks(on="2023-06-01", fe_1=5)],
    }
    later = {name: perturbed(rows, after="2023-04-01") for name, rows in tables.items()}
    for name in tables:
        assert later[name] != tables[name], f"the perturbation of {name} does nothing"
    changed = {row["loan_id"]: row for row in gold_of(later)}
    assert features(changed["LOAN_1"]) == features(gold["LOAN_1"])
    # the perturbation is not a blank shot: of earlier rows it changes the features
    earlier = {name: perturbed(rows, after="2000-01-01") for name, rows in tables.items()}
    assert features(gold_of(earlier)[0]) != features(gold["LOAN_1"])


def test_no_clickstream_from_the_start_of_the_loan_on_changes_a_feature(
    gold: dict[str, Row],
) -> None:
    later = {**BOOK, CLICKSTREAM: perturbed(BOOK[CLICKSTREAM], after="2022-12-31")}
    assert later != BOOK
    assert gold_of(later)[0] == gold["LOAN_1"]


def test_rows_that_arrive_later_change_no_feature(gold: dict[str, Row]) -> None:
    early = {
        name: [row for row in rows if row["snapshot_date"] <= day("2023-05-01")]
        for name, rows in BOOK.items()
    }
    assert [features(row) for row in gold_of(early)] == [features(row) for row in gold.values()]
