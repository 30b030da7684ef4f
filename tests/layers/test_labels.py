"""A label is 1 with arrears in the performance window, and there is none before it has matured."""

from __future__ import annotations

import pytest
from conftest import LOANS, day
from small_tables import LABELS, Row, collected, installment, installments, silver

from luigi_tasks.layers.labels import labels


def label_of(rows: list[Row], threshold: float = 0) -> tuple[int, str] | None:
    """(label, label date) of one loan; None where there is no label yet."""
    settings = {**LABELS, "overdue_threshold": threshold}
    matured = collected(labels(silver(**{LOANS: rows})[LOANS], **settings), "loan_id")
    return (matured[0]["label"], str(matured[0]["label_date"])) if matured else None


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
