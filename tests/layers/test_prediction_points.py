"""A loan is scored on a day that follows from its start, with what had arrived by then."""

from __future__ import annotations

from conftest import LOANS, day
from small_tables import collected, installment, installments, silver

from luigi_tasks.layers.prediction_points import known_installments, prediction_dates


def test_the_prediction_date_is_the_start_and_three_months() -> None:
    loans = [
        *installments(2, loan="LOAN_1", start="2023-01-15"),
        installment(
            0, loan="LOAN_2", loan_start_date=day("2023-11-30"), snapshot_date=day("2023-11-30")
        ),
    ]
    dates = prediction_dates(silver(**{LOANS: loans})[LOANS], prediction_mob=3)
    assert [str(row["prediction_date"]) for row in collected(dates, "loan_id")] == [
        "2023-04-15",
        "2024-02-29",
    ]


def test_an_installment_is_known_when_it_is_earlier_and_has_arrived() -> None:
    late = installment(2, snapshot_date=day("2023-04-02"))
    loans = silver(**{LOANS: [installment(0), installment(1), late, installment(3)]})[LOANS]
    known = collected(known_installments(loans, prediction_mob=3), "installment_num")
    assert [row["installment_num"] for row in known] == [0, 1]
