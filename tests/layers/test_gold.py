"""Gold holds what could be known of a loan at its prediction point, and its label when matured."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from conftest import (
    ATTRIBUTES,
    CLICKSTREAM,
    FINANCIALS,
    LOANS,
    Row,
    attributes,
    clicks,
    collected,
    day,
    financials,
    gold_of,
    installment,
    installments,
    silver,
)

from luigi_tasks.layers.gold import (
    build_gold,
    clickstream_statistics,
    labels,
    newest_snapshot,
    repayment_history,
)
from luigi_tasks.layers.quality import prediction_dates

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
        ("fe_1_mean", (2 + 4 + 9) / 3),
        ("fe_1_std", 13**0.5),  # squares 9 + 1 + 16 over 2
        ("fe_2_mean", -5),
        ("fe_2_std", None),  # one snapshot has no spread
        ("fe_3_mean", 0),
        ("fe_3_std", 0),
    ],
)
def test_a_feature_is_what_a_hand_computes(gold: dict[str, Row], feature: str, value: Any) -> None:
    found = gold["LOAN_1"][feature]
    assert found == (None if value is None else pytest.approx(value, rel=1e-12))


@pytest.mark.parametrize(
    "feature",
    [
        "DTI",
        "Savings_Ratio",
        "Debt_to_Annual_Income",
        "Occupation",
        "Num_Loan_Types",
        "fe_1_mean",
        "fe_20_std",
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
    tables = silver(**{**BOOK, LOANS: [*old, *young]})
    assert [row["loan_id"] for row in collected(build_gold(tables, 3, 6, 0), "loan_id")] == [
        "LOAN_1"
    ]


# --- which rows are looked at -----------------------------------------------------------------


def test_the_newest_snapshot_on_or_before_the_prediction_date_counts() -> None:
    tables = silver(**BOOK)
    loans = prediction_dates(tables[LOANS], 3)
    found = collected(newest_snapshot(loans, tables[ATTRIBUTES]), "loan_id")
    assert [(row["loan_id"], row["Age"]) for row in found] == [("LOAN_1", 31), ("LOAN_2", 50)]


def test_clickstream_of_the_start_date_itself_does_not_count() -> None:
    rows = [clicks(on="2022-12-31", fe_1=-7), clicks(on="2023-01-01", fe_1=100)]
    tables = silver(**{LOANS: installments(), CLICKSTREAM: rows})
    loans = prediction_dates(tables[LOANS], 3)
    (found,) = collected(clickstream_statistics(loans, tables[CLICKSTREAM]), "loan_id")
    assert (found["fe_1_mean"], found["fe_1_std"]) == (-7, None)


def test_an_installment_that_was_booked_after_the_prediction_date_is_not_history() -> None:
    late = installment(2, snapshot_date=day("2023-04-02"), paid_amt=1.0)
    tables = silver(**{LOANS: [installment(0), installment(1), late, installment(3)]})
    (found,) = collected(repayment_history(tables[LOANS], 3), "loan_id")
    assert (found["hist_total_paid"], found["hist_last_overdue"]) == (1_000, None)


# --- labels -----------------------------------------------------------------------------------


def label_of(rows: list[Row], threshold: float = 0) -> tuple[int, str] | None:
    """(label, label date) of one loan; None where there is no label yet."""
    found = collected(labels(silver(**{LOANS: rows})[LOANS], 3, 6, threshold), "loan_id")
    return (found[0]["label"], str(found[0]["label_date"])) if found else None


@pytest.mark.parametrize("mob", [3, 4, 5, 6])
def test_arrears_at_any_installment_of_the_window_are_a_default(mob: int) -> None:
    assert label_of(installments(overdue={mob: 0.01})) == (1, "2023-07-01")


@pytest.mark.parametrize("mob", [1, 2, 7, 8])
def test_arrears_outside_the_window_are_none(mob: int) -> None:
    assert label_of(installments(9, overdue={mob: 500.0})) == (0, "2023-07-01")


def test_arrears_of_exactly_the_threshold_are_no_default() -> None:
    assert label_of(installments(overdue={4: 100.0}), threshold=100) == (0, "2023-07-01")
    assert label_of(installments(overdue={4: 100.01}), threshold=100) == (1, "2023-07-01")


def test_a_loan_without_the_row_of_month_six_has_no_label_even_in_arrears() -> None:
    assert label_of(installments(5, overdue={4: 500.0})) is None
    assert label_of([*installments(5, overdue={4: 500.0}), installment(7)]) is None


def test_a_late_row_of_month_six_makes_the_label_known_late() -> None:
    rows = [*installments(5), installment(6, snapshot_date=day("2023-07-20"))]
    assert label_of(rows) == (0, "2023-07-20")


def test_a_row_of_month_six_that_came_early_does_not_make_the_label_known_early() -> None:
    rows = [*installments(5), installment(6, snapshot_date=day("2023-06-20"))]
    assert label_of(rows) == (0, "2023-07-01")


def test_arrears_that_nobody_can_read_give_no_label() -> None:
    rows = installments(6)
    unread = [{**row, "overdue_amt": None} if row["installment_num"] > 2 else row for row in rows]
    assert label_of(unread) is None


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
    found = {row["loan_id"]: row for row in gold_of(later)}
    assert features(found["LOAN_1"]) == features(gold["LOAN_1"])
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
