"""Rows of a loan that contradict one another are quarantined, and the loan with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from conftest import ATTRIBUTES, LOANS
from small_tables import SOUND_TEXTS, bronze, collected, examine, split_as_the_stage_does

from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.layers.cleaning import read_values


def rows_in_conflict(table: str, *rows: Mapping[str, str]) -> int:
    values = read_values(bronze(table, *rows), TABLES[table])
    return examine(values, TABLES[table]).rows_in_conflict


def split_after_a_look(table: str, *rows: Mapping[str, str]) -> tuple[list[Any], list[Any]]:
    """(silver, quarantine) as the stage makes them."""
    contract = TABLES[table]
    values = read_values(bronze(table, *rows), contract)
    kept, quarantine = split_as_the_stage_does(values, contract)
    return collected(kept, *contract.key), collected(quarantine, *contract.key)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("Customer_ID", "CUS_2"),
        ("loan_start_date", "1/6/2023"),
        ("loan_amt", "20000"),
        ("tenure", "12"),
    ],
)
def test_a_loan_whose_rows_contradict_one_another_is_quarantined_as_a_whole(
    column: str, text: str
) -> None:
    loan = [{"installment_num": str(mob)} for mob in range(3)]
    other = {"loan_id": "LOAN_2", column: text}
    kept, quarantine = split_after_a_look(
        LOANS, *loan, {"installment_num": "3", column: text}, other
    )
    assert [row["loan_id"] for row in kept] == ["LOAN_2"]
    assert [(row["installment_num"], row[column], row["rows"]) for row in quarantine] == [
        *((str(mob), SOUND_TEXTS[LOANS][column], 1) for mob in range(3)),
        ("3", text, 1),
    ]
    reason = f"contradicts another row of the same loan_id: {column}"
    assert {row["reason"] for row in quarantine} == {reason}


def test_every_column_in_which_a_loan_contradicts_itself_is_named() -> None:
    _, quarantine = split_after_a_look(
        LOANS, {}, {"installment_num": "1", "Customer_ID": "CUS_2", "tenure": "12"}
    )
    assert {row["reason"] for row in quarantine} == {
        "contradicts another row of the same loan_id: Customer_ID, tenure"
    }


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("loan_start_date", "2023-05-01"),
        ("loan_amt", "10000.00"),
        ("tenure", ""),
        ("loan_amt", "1.000,00"),
        ("loan_amt", "-0"),
    ],
)
def test_what_says_the_same_in_other_words_or_nothing_contradicts_no_row(
    column: str, text: str
) -> None:
    first = {"loan_amt": "0"} if text == "-0" else {}
    kept, quarantine = split_after_a_look(LOANS, first, {"installment_num": "1", column: text})
    assert len(kept) == 2
    assert quarantine == []


def test_a_contradiction_is_seen_wherever_the_texts_of_two_rows_are_cut() -> None:
    first = {"Customer_ID": "CUS_1|1/5/2023", "tenure": "10"}
    other = {"Customer_ID": "CUS_1", "tenure": "1/5/2023|10", "installment_num": "1"}
    assert rows_in_conflict(LOANS, first, other) == 2
    assert split_after_a_look(LOANS, first, other)[0] == []


def test_a_row_that_is_quarantined_for_itself_contradicts_no_row() -> None:
    bad = {"installment_num": "", "Customer_ID": "CUS_2"}
    kept, quarantine = split_after_a_look(LOANS, {}, bad)
    assert len(kept) == 1
    assert [row["reason"] for row in quarantine] == ["installment_num is empty"]


def test_a_loan_that_contradicts_itself_goes_with_its_duplicates_and_no_row_is_lost() -> None:
    loan = [{}, {}, {"installment_num": "1", "Customer_ID": "CUS_2"}, {"paid_amt": "7"}]
    rows = [*loan, {"loan_id": "LOAN_2"}, {"loan_id": "LOAN_2"}, {"loan_id": ""}]
    kept, quarantine = split_after_a_look(LOANS, *rows)
    assert [row["loan_id"] for row in kept] == ["LOAN_2"]
    assert sorted((row["reason"], row["rows"]) for row in quarantine) == [
        ("contradicts another row of the same loan_id: Customer_ID", 1),
        ("contradicts another row of the same loan_id: Customer_ID", 1),
        ("contradicts another row of the same loan_id: Customer_ID", 2),
        ("loan_id is empty", 1),
        ("repeats another row", 1),
    ]


def test_only_a_look_that_sees_a_contradiction_has_one_searched_for() -> None:
    rows = [{}, {"installment_num": "1"}, {"loan_id": "LOAN_2", "Customer_ID": "CUS_2"}]
    assert rows_in_conflict(LOANS, *rows) == 0
    assert rows_in_conflict(LOANS, *rows, {"installment_num": "2", "tenure": "12"}) == 3
    assert rows_in_conflict(ATTRIBUTES, {}, {"snapshot_date": "1/6/2023"}) == 0
