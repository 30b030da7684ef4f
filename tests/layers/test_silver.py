"""Silver publishes what cleaning makes of an extract, and what it sets aside."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
from conftest import LOANS
from small_tables import csv_text

from luigi_tasks.layers.bronze import Bronze
from luigi_tasks.layers.silver import Silver


def test_every_row_of_bronze_is_in_silver_or_in_its_quarantine(empty_project: Path) -> None:
    rows = [
        {"loan_id": "LOAN_1"},
        {"loan_id": "LOAN_1"},  # a copy
        {"loan_id": "LOAN_2", "paid_amt": "1"},
        {"loan_id": "LOAN_2", "paid_amt": "2"},  # a conflict
        {"loan_id": ""},  # no key
        {"loan_id": "LOAN_3", "snapshot_date": "31/2/2023"},  # no date
        {"loan_id": "LOAN_4", "loan_amt": "_"},  # sound, with a null
    ]
    (empty_project / "data" / "lms_loan_daily.csv").write_text(csv_text(LOANS, *rows))
    Bronze(table=LOANS).run()
    Silver(table=LOANS).run()
    task = Silver(table=LOANS)
    outputs = ("rows", "quarantine", "nulls")
    dataset, quarantine, nulls = (pq.read_table(task.path(name)) for name in outputs)
    assert dataset["loan_id"].to_pylist() == ["LOAN_1", "LOAN_4"]
    assert sorted(
        zip(quarantine["reason"].to_pylist(), quarantine["rows"].to_pylist(), strict=True)
    ) == [
        ("different rows with the same key", 1),
        ("different rows with the same key", 1),
        ("loan_id is empty", 1),
        ("repeats another row", 1),
        ("snapshot_date is impossible", 1),
    ]
    assert dataset.num_rows + sum(quarantine["rows"].to_pylist()) == len(rows)
    found = {(row["column"], row["reason"], row["rows"]) for row in nulls.to_pylist()}
    assert ("loan_amt", "unreadable", 1) in found
