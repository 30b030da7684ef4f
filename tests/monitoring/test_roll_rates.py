"""Roll rates count steps from one installment to the very next, between states of arrears."""

from __future__ import annotations

import pandas as pd
import pytest
from conftest import LOANS
from small_tables import Row, installment, silver

from luigi_tasks.monitoring.roll_rates import STATES, overall, roll_rates, transitions


def loan(
    name: str, *overdue: float | None, due: float | None = 1_000.0, first: int = 1
) -> list[Row]:
    """A loan with these arrears from installment `first` on."""
    return [
        installment(mob, loan=name, overdue_amt=amount, due_amt=due)
        for mob, amount in enumerate(overdue, first)
    ]


def steps(*loans: list[Row], over: float = 0) -> pd.DataFrame:
    rows = silver(**{LOANS: [row for rows in loans for row in rows]})[LOANS]
    return transitions(rows, overdue_threshold=over).toArrow().to_pandas()


def rates(*loans: list[Row], over: float = 0) -> pd.DataFrame:
    return roll_rates(steps(*loans, over=over))


def went(table: pd.DataFrame) -> dict[tuple[int, str, str], int]:
    """{(mob_from, from_state, to_state): loans} of the ways that somebody went."""
    taken = table[table["loans"] > 0]
    keys = taken[["mob_from", "from_state", "to_state"]].itertuples(index=False, name=None)
    return dict(zip(keys, taken["loans"], strict=True))


@pytest.mark.parametrize(
    ("overdue", "state"),
    [
        (-50.0, "current"),
        (0.0, "current"),
        (0.01, "1"),
        (1_000.0, "1"),
        (1_000.01, "2"),
        (2_000.0, "2"),
        (2_000.01, "3+"),
        (9_000.0, "3+"),
    ],
)
def test_a_state_is_the_arrears_in_due_amounts_rounded_up(overdue: float, state: str) -> None:
    assert went(rates(loan("A", overdue, 0.0))) == {(1, state, "current"): 1}


def test_arrears_up_to_the_threshold_of_a_default_are_current() -> None:
    assert went(rates(loan("A", 100.0, 100.01), over=100)) == {(1, "current", "1"): 1}


def test_a_step_over_a_missing_installment_is_none() -> None:
    gap = [row for row in loan("A", 0.0, 1_000.0, 2_000.0, 0.0) if row["installment_num"] != 3]
    assert went(rates(gap)) == {(1, "current", "1"): 1}


def test_the_steps_of_one_loan_are_not_those_of_another() -> None:
    assert went(rates(loan("A", 0.0), loan("B", 1_000.0, first=2))) == {}


def test_a_state_that_cannot_be_read_is_neither_beginning_nor_end_of_a_step() -> None:
    assert steps(loan("A", 0.0, None, 0.0)).empty
    for due in (None, 0.0):
        assert went(rates(loan("A", 500.0, 500.0, due=due))) == {}
        assert went(rates(loan("A", 0.0, 0.0, due=due))) == {(1, "current", "current"): 1}


def test_the_shares_of_a_state_add_up_to_one_and_ways_that_nobody_went_are_zero() -> None:
    table = rates(
        loan("A", 0.0, 1_000.0), loan("B", 0.0, 0.0), loan("C", 0.0, 0.0), loan("D", 0.0, 0.0)
    )
    assert table["to_state"].tolist() == list(STATES)
    assert table["loans"].tolist() == [3, 1, 0, 0]
    assert table["share"].tolist() == [0.75, 0.25, 0.0, 0.0]


def test_all_months_together_weigh_every_loan_alike() -> None:
    early = [loan(name, 0.0, 0.0) for name in "ABC"]
    table = rates(*early, loan("D", 0.0, 1_000.0, first=5))
    assert table[table["to_state"] == "1"]["share"].tolist() == [0.0, 1.0]
    assert overall(table)["share"].tolist() == [0.75, 0.25, 0.0, 0.0]


def test_without_a_step_there_is_no_rate() -> None:
    table = rates(loan("A", 0.0))
    assert table.empty
    assert overall(table).empty
