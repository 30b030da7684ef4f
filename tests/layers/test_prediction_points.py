"""A loan is scored on a day that follows from its start, with what had arrived by then."""

from __future__ import annotations

import pytest
from conftest import LOANS, day
from small_tables import Row, collected, installment, installments, silver

from luigi_tasks.layers.prediction_points import known_installments, prediction_points


def points(loans: list[Row], threshold: float = 0) -> list[Row]:
    """The prediction points of these loans, by loan."""
    rows = silver(**{LOANS: loans})[LOANS]
    found = prediction_points(rows, prediction_mob=3, overdue_threshold=threshold)
    return collected(found, "loan_id")


def is_delinquent(loans: list[Row], threshold: float = 0) -> bool:
    return bool(points(loans, threshold)[0]["delinquent"])


def test_the_prediction_date_is_the_start_and_three_months() -> None:
    loans = [
        *installments(2, loan="LOAN_1", start="2023-01-15"),
        installment(
            0, loan="LOAN_2", loan_start_date=day("2023-11-30"), snapshot_date=day("2023-11-30")
        ),
    ]
    dates = points(loans)
    assert [str(row["prediction_date"]) for row in dates] == [
        "2023-04-15",
        "2024-02-29",
    ]


def test_an_installment_is_known_when_it_is_earlier_and_has_arrived() -> None:
    late = installment(2, snapshot_date=day("2023-04-02"))
    loans = silver(**{LOANS: [installment(0), installment(1), late, installment(3)]})[LOANS]
    known = collected(known_installments(loans, prediction_mob=3), "installment_num")
    assert [row["installment_num"] for row in known] == [0, 1]


@pytest.mark.parametrize("mob", [0, 1, 2])
def test_a_loan_in_arrears_before_its_prediction_point_is_delinquent(mob: int) -> None:
    assert is_delinquent(installments(overdue={mob: 0.01}))


@pytest.mark.parametrize("mob", [3, 4, 6])
def test_arrears_from_the_prediction_point_on_make_no_loan_delinquent(mob: int) -> None:
    assert not is_delinquent(installments(overdue={mob: 500.0}))


def test_arrears_that_had_not_arrived_by_the_prediction_date_make_no_loan_delinquent() -> None:
    late = installment(2, overdue_amt=500.0, snapshot_date=day("2023-04-02"))
    assert not is_delinquent([installment(0), installment(1), late])


def test_arrears_count_above_the_threshold_that_makes_a_default() -> None:
    assert not is_delinquent(installments(overdue={1: 100.0}), threshold=100)
    assert is_delinquent(installments(overdue={1: 100.01}), threshold=100)


def test_a_loan_of_which_no_arrears_are_known_is_performing() -> None:
    assert not is_delinquent([installment(0, overdue_amt=None)])
