"""The earliest day of a vintage's labels, from the extract of loans alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import day
from small_tables import csv_text

from luigi_tasks.extracts.contract import LOANS
from luigi_tasks.extracts.first_labels import first_label_days, months_after


def write(path: Path, *rows: tuple[str, str, str]) -> Path:
    names = ("loan_start_date", "installment_num", "snapshot_date")
    texts = [
        {"loan_id": f"L{i}", **dict(zip(names, row, strict=True))} for i, row in enumerate(rows)
    ]
    path.write_text(csv_text(LOANS.name, *texts))
    return path


def test_it_is_that_of_the_first_loan_whose_observation_point_has_come_and_arrived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(
        tmp_path / LOANS.file,
        ("5/2/2023", "6", "1/9/2023"),  # it has arrived late
        ("9/2/2023", "6.0", "2023-08-01"),  # before its observation point
        ("9/2/2023", "5", "9/7/2023"),
        ("1/1/2023", "6", "1/7/2023"),
        ("1/3/2023", "5", "1/8/2023"),  # no label yet
        ("1/3/2023", "6", "31/6/2023"),
    )
    assert first_label_days(path, 6) == [day("2023-07-01"), day("2023-08-09")]


def test_a_day_that_the_later_month_has_not_is_its_last() -> None:
    assert months_after(day("2023-08-31"), 6) == day("2024-02-29")
    assert months_after(day("2023-12-01"), 12) == day("2024-12-01")


def test_nothing_is_remembered_of_what_is_no_number_of_an_installment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(
        tmp_path / LOANS.file, ("1/1/2023", " 6.0 ", "1/7/2023"), ("1/1/2023", "913-74-1218", "")
    )
    assert first_label_days(path, 6) == [day("2023-07-01")]
    notes = [note.read_text() for note in (tmp_path / ".cache/digests").iterdir()]
    assert any("1/7/2023" in note for note in notes)
    assert not any("913-74-1218" in note for note in notes)
