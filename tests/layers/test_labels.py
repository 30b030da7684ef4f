"""A label is 1 with arrears in the performance window, and there is none before it has matured."""

from __future__ import annotations

import pyarrow as pa
import pytest
from conftest import LOANS, day
from small_tables import LABELS, Row, collected, frame, installment, installments, silver

from luigi_tasks.layers.labels import labels, unlabelled

GOLD = pa.schema(
    [("loan_id", pa.string()), ("loan_start_date", pa.date32()), ("label", pa.int32())]
)

LATE = day("2023-08-09")


def label_of(
    rows: list[Row], threshold: float = 0, since: str = "prediction"
) -> tuple[int, str] | None:
    """(label, label date) of one loan; None where there is no label yet."""
    settings = {**LABELS, "overdue_threshold": threshold, "performance_from": since}
    matured = collected(labels(silver(**{LOANS: rows})[LOANS], **settings), "loan_id")
    return (matured[0]["label"], str(matured[0]["label_date"])) if matured else None


@pytest.mark.parametrize("mob", [3, 4, 5, 6])
def test_arrears_at_any_installment_of_the_window_are_a_default(mob: int) -> None:
    assert label_of(installments(overdue={mob: 0.01})) == (1, "2023-07-01")


@pytest.mark.parametrize("mob", [1, 2, 7, 8])
def test_arrears_outside_the_window_are_none(mob: int) -> None:
    assert label_of(installments(9, overdue={mob: 500.0})) == (0, "2023-07-01")


def test_the_stricter_window_begins_a_month_after_the_prediction_point() -> None:
    assert label_of(installments(overdue={3: 500.0}), since="after") == (0, "2023-07-01")
    assert label_of(installments(overdue={4: 500.0}), since="after") == (1, "2023-07-01")
    assert label_of(unread(installments(), 3), since="after") == (0, "2023-07-01")
    assert label_of(unread(installments(), 4), since="after") is None


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


def unread(rows: list[Row], *mobs: int) -> list[Row]:
    """The rows with arrears that cannot be read at some installments."""
    return [{**row, "overdue_amt": None} if row["installment_num"] in mobs else row for row in rows]


def without(rows: list[Row], *mobs: int) -> list[Row]:
    return [row for row in rows if row["installment_num"] not in mobs]


@pytest.mark.parametrize("mob", [3, 4, 5, 6])
def test_one_installment_of_unknown_arrears_leaves_a_loan_without_a_label(mob: int) -> None:
    assert label_of(unread(installments(), mob)) is None


@pytest.mark.parametrize("mob", [3, 4, 5])
def test_a_missing_installment_leaves_a_loan_without_a_label(mob: int) -> None:
    assert label_of(without(installments(), mob)) is None


def test_arrears_outside_the_window_may_be_unknown() -> None:
    rows = unread(installments(8), 1, 2, 7)
    assert label_of(without(rows, 0)) == (0, "2023-07-01")


def test_a_default_is_proven_by_one_installment_whatever_the_others_hide() -> None:
    rows = installments(overdue={4: 500.0})
    assert label_of(unread(rows, 3, 5, 6)) == (1, "2023-07-01")
    assert label_of(without(rows, 3, 5)) == (1, "2023-07-01")


def test_a_row_that_comes_late_does_not_move_the_day_of_a_default_that_was_proven() -> None:
    rows = [*without(installments(overdue={4: 500.0}), 5), installment(5, snapshot_date=LATE)]
    assert label_of(rows) == (1, "2023-07-01")
    assert label_of([row for row in rows if row["snapshot_date"] < LATE]) == (1, "2023-07-01")


def test_a_default_is_known_when_its_proof_has_come_and_a_0_when_every_row_has() -> None:
    proof = installment(5, snapshot_date=LATE, overdue_amt=500.0)
    assert label_of([*without(installments(), 5), proof]) == (1, "2023-08-09")
    assert label_of([*without(installments(), 5), {**proof, "overdue_amt": 0.0}]) == (
        0,
        "2023-08-09",
    )


def reasons_of(gold: list[Row], rows: list[Row]) -> dict[str, str]:
    """{loan: why it has no label} for these rows of gold and of the loans."""
    loans = silver(**{LOANS: rows})[LOANS]
    found = unlabelled(frame(gold, GOLD), loans, first_mob=3, observation_mob=6)
    return {row["loan_id"]: row["reason"] for row in collected(found, "loan_id")}


def scored(loan: str, start: str = "2023-01-01", label: int | None = None) -> Row:
    return {"loan_id": loan, "loan_start_date": day(start), "label": label}


def test_a_loan_past_its_observation_point_is_without_a_label_for_a_reason() -> None:
    gold = [scored(f"LOAN_{i}") for i in range(1, 6)]
    rows = [
        *without(installments(loan="LOAN_1"), 4),
        *unread(installments(loan="LOAN_2"), 5),
        *installments(5, loan="LOAN_3"),
        *installments(2, loan="LOAN_4"),
        *installments(loan="LOAN_5"),  # complete: only a flag can have kept them out
    ]
    assert reasons_of(gold, rows) == {
        "LOAN_1": "installments 3 to 6 are not all there",
        "LOAN_2": "overdue_amt is unknown at an installment from 3 to 6",
        "LOAN_3": "installments 3 to 6 are not all there",
        "LOAN_4": "installments 3 to 6 are not all there",
        "LOAN_5": "the customer was flagged before the observation point",
    }


def test_no_reason_is_asked_of_a_labelled_loan_or_one_before_its_observation_point() -> None:
    gold = [scored("LOAN_1", label=0), scored("LOAN_2", start="2023-01-02")]
    rows = [*installments(loan="LOAN_1"), *installments(5, loan="LOAN_2", start="2023-01-02")]
    assert reasons_of(gold, rows) == {}
