"""No row of an extract is lost, none is kept twice, and none that another one contradicts."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import LOANS
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame
from small_tables import SOUND_TEXTS, Row, bronze, split_as_the_stage_does

from fuzz.conftest import examples
from fuzz.promises import first_fault, promises
from fuzz.texts import texts
from luigi_tasks.core.engines import session
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.extracts.snapshot_days import count_days
from luigi_tasks.layers.cleaning import clean, read_values
from luigi_tasks.layers.conflicts import conflicts, without_duplicates

TABLE = TABLES[LOANS]
COLUMNS = promises()[LOANS]
Quarantine = Counter[tuple[str, str]]
"""Rows by (loan_id, reason)."""


def mostly(usual: Sequence[str], odd: Sequence[str], weight: int = 12) -> st.SearchStrategy[str]:
    return st.sampled_from([*list(usual) * weight, *odd])


# Rows of a few loans: most are sound and tell one story in several spellings, some do not.
loan_rows = st.fixed_dictionaries(
    {
        "loan_id": mostly([f"L{i}" for i in range(1, 9)], [" L4 ", "L|5", "L|5|1", ""], 2),
        "Customer_ID": mostly(["C1", " C1"], ["C2", "", "C1|1/5/2023"], 12),
        "loan_start_date": mostly(["1/5/2023", "2023-05-01"], ["1/6/2023", "31/2/2023", ""], 12),
        "tenure": mostly(["10", "10.0", "x"], ["12", "12_", "1/5/2023|10"], 8),
        "installment_num": mostly(["0", "1", "1.0", "2", "3"], ["-1", "601", "2_", "two"], 6),
        "loan_amt": mostly(["100", "1e2", "100.00_"], ["", "101", "-100", "1e13"], 12),
        "paid_amt": st.sampled_from(["0", "0.0", "0", "0", "7"]),
        "snapshot_date": mostly(["1/5/2023", "01/05/2023"], ["2023-05-02", "1/1/2101", "\t"], 10),
    }
).map(lambda row: {**SOUND_TEXTS[LOANS], **row})
many_rows = st.lists(loan_rows, min_size=20, max_size=60)


def split_by_engine(rows: list[dict[str, str]]) -> tuple[list[Row], list[Row]]:
    """(silver, quarantine) as the stage Silver makes them."""
    values = read_values(bronze(LOANS, *rows), TABLE)
    values = session.current().createDataFrame(values.toArrow())  # one plan is enough
    kept, quarantine = split_as_the_stage_does(values, TABLE)
    return kept.toArrow().to_pylist(), quarantine.toArrow().to_pylist()


def split_by_hand(rows: list[dict[str, str]]) -> tuple[set[tuple[Any, ...]], Quarantine]:
    """The same from the page of the contract: the rows kept, and the others by reason."""
    quarantine: Quarantine = Counter()
    loans: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        read = {name: promise.verdict(row[name])[0] for name, promise in COLUMNS.items()}
        fault = first_fault(LOANS, row)
        if fault:
            quarantine[row["loan_id"].strip(), fault] += 1
        else:
            loans[read["loan_id"]].append(read)
    kept = set()
    for loan, versions in loans.items():
        constants = [n for n, promise in COLUMNS.items() if promise.constant_within == "loan_id"]
        differing = [n for n in constants if len({row[n] for row in versions} - {None}) > 1]
        if differing:
            reason = f"contradicts another row of the same loan_id: {', '.join(differing)}"
            quarantine[loan, reason] += len(versions)
            continue
        by_installment: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for row in versions:
            by_installment[row["installment_num"]].append(tuple(row.values()))
        for same in by_installment.values():
            if len(set(same)) > 1:
                quarantine[loan, "different rows with the same key"] += len(same)
                continue
            kept.add(same[0])
            if len(same) > 1:
                quarantine[loan, "repeats another row"] += len(same) - 1
    return kept, quarantine


def by_reason(quarantine: list[Row]) -> Quarantine:
    counted: Quarantine = Counter()
    for row in quarantine:
        counted[row["loan_id"].strip(), row["reason"]] += row["rows"]
    return counted


@examples(3)
@given(many_rows)
def test_silver_and_quarantine_hold_every_row_once_and_for_the_reason_that_a_hand_finds(
    rows: list[dict[str, str]],
) -> None:
    kept, quarantine = split_by_engine(rows)
    assert len(kept) + sum(row["rows"] for row in quarantine) == len(rows)
    promised, reasons = split_by_hand(rows)
    assert by_reason(quarantine) == reasons
    assert len(kept) == len(promised)
    assert {tuple(row.values()) for row in kept} == promised


@examples(2)
@given(many_rows, st.randoms(use_true_random=False), st.data())
def test_a_row_that_is_repeated_changes_a_count_of_the_quarantine_and_nothing_else(
    rows: list[dict[str, str]], order: random.Random, data: st.DataObject
) -> None:
    kept, quarantine = split_by_engine(rows)
    repeated = data.draw(st.sampled_from(rows))
    more = [*rows, repeated]
    order.shuffle(more)
    still_kept, more_quarantine = split_by_engine(more)
    assert {tuple(row.values()) for row in still_kept} == {tuple(row.values()) for row in kept}
    added = by_reason(more_quarantine) - by_reason(quarantine)
    assert sum(added.values()) == 1
    assert not by_reason(quarantine) - by_reason(more_quarantine)


@examples(2)
@given(many_rows, st.randoms(use_true_random=False))
def test_the_same_rows_in_another_order_give_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], order: random.Random
) -> None:
    def written(rows: list[dict[str, str]]) -> dict[str, bytes]:
        folder = tmp_path_factory.mktemp("silver")
        values = read_values(bronze(LOANS, *rows), TABLE)
        values = session.current().createDataFrame(values.toArrow())
        kept, quarantine = split_as_the_stage_does(values, TABLE)
        session.write(kept, folder / "rows", list(TABLE.key))
        session.write(quarantine, folder / "quarantine", quarantine.columns)
        return {_below(folder, file): file.read_bytes() for file in folder.rglob("*.parquet")}

    shuffled = list(rows)
    order.shuffle(shuffled)
    assert written(rows) == written(shuffled)


def split_duplicates(rows: DataFrame) -> tuple[DataFrame, DataFrame]:
    return without_duplicates(rows, TABLE, conflicts(rows, TABLE).different)


def _below(folder: Path, file: Path) -> str:
    return file.relative_to(folder).as_posix()


@examples(2)
@given(many_rows)
def test_what_is_kept_of_the_duplicates_holds_no_duplicate(rows: list[dict[str, str]]) -> None:
    sound = clean(read_values(bronze(LOANS, *rows), TABLE), TABLE).toArrow()
    kept, _ = split_duplicates(session.current().createDataFrame(sound))
    once = session.current().createDataFrame(kept.toArrow())
    again, quarantine = split_duplicates(once)
    assert quarantine.count() == 0
    assert Counter(map(tuple, again.collect())) == Counter(map(tuple, once.collect()))


@pytest.mark.parametrize("table", sorted(TABLES))
@examples(3)
@given(st.lists(texts, min_size=20, max_size=40))
def test_the_days_that_are_counted_before_a_run_are_those_of_the_rows_that_silver_keeps(
    table: str, texts: list[str]
) -> None:
    contract = TABLES[table]
    keyed = [name for name, promise in promises()[table].items() if promise.keys_the_row]
    rows = [{**SOUND_TEXTS[table], name: text} for name in keyed for text in texts]
    cleaned = clean(read_values(bronze(table, *rows), contract), contract)
    kept = Counter(cleaned.select("snapshot_date").toArrow()["snapshot_date"].to_pylist())
    assert count_days([bronze(table, *rows).toArrow()], contract) == kept
