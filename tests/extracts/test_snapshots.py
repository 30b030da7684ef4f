"""The day of the newest snapshot is one that the data really reach."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from conftest import ATTRIBUTES, day, months_later
from deliveries import TABLE
from small_tables import csv_text

from luigi_tasks.extracts.contract import LOANS, TABLES
from luigi_tasks.extracts.snapshot_days import believable, count_days
from luigi_tasks.extracts.snapshots import snapshot_dates

FIRST = day("2023-01-01")


def months(rows: int = 1_000, number: int = 25) -> dict[dt.date, int]:
    """The same number of rows on the first of every month from January 2023 on."""
    return {months_later(FIRST, month): rows for month in range(number)}


def newest(days: dict[dt.date, int]) -> dt.date:
    span = believable(dict(sorted(days.items())))
    assert span is not None
    return span[1]


def test_the_newest_month_is_the_last_that_holds_rows_to_its_end() -> None:
    assert believable(months()) == (FIRST, day("2025-01-31"))


@pytest.mark.parametrize("mistyped", ["2923-05-01", "2025-02-01", "2026-01-01", "9999-12-31"])
def test_a_row_with_a_mistyped_year_does_not_make_today(mistyped: str) -> None:
    assert newest({**months(), day(mistyped): 2}) == day("2025-01-31")


def test_a_newest_month_with_few_rows_is_believed_when_it_has_a_sensible_share() -> None:
    assert newest({**months(), day("2025-02-01"): 10}) == day("2025-02-28")
    assert newest({**months(), day("2025-02-01"): 9}) == day("2025-01-31")


def test_in_a_small_extract_a_year_without_a_row_cannot_be_jumped() -> None:
    small = months(rows=1, number=6)
    assert newest({**small, day("2923-05-01"): 1}) == day("2023-06-30")
    assert newest({**small, day("2024-06-01"): 1}) == day("2024-06-30")


def test_a_day_within_a_month_counts_with_its_month() -> None:
    assert newest({**months(), day("2025-01-28"): 1}) == day("2025-01-31")


def test_an_extract_without_a_row_has_no_day() -> None:
    assert believable({}) is None


HEADER = ",".join(LOANS.names)


def line(snapshot: str, **values: str) -> str:
    sound = dict.fromkeys(LOANS.names, "1") | {
        "loan_id": "L1",
        "Customer_ID": "C1",
        "loan_start_date": "1/1/2023",
        "snapshot_date": snapshot,
    }
    return ",".join({**sound, **values}.values())


@pytest.fixture
def extract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / LOANS.file


@pytest.mark.parametrize(
    "fault",
    [
        {"loan_id": ""},
        {"Customer_ID": "  "},
        {"loan_start_date": "31/4/2023"},
        {"installment_num": "two"},
        {"installment_num": "601"},
        {"installment_num": "-1"},
        {"loan_id": "\u00a0"},
        {"loan_id": "\u200b"},
    ],
    ids=str,
)
def test_a_row_that_silver_quarantines_does_not_set_the_day(
    extract: Path, fault: dict[str, str]
) -> None:
    rows = [line("1/5/2023"), line("1/6/2023"), line("30/6/2023", **fault)]
    extract.write_text("\n".join([HEADER, *rows, ""]))
    assert snapshot_dates(extract, LOANS) == (day("2023-05-01"), day("2023-06-01"))


def test_a_row_that_silver_keeps_under_an_odd_key_sets_the_day(extract: Path) -> None:
    rows = [line("1/5/2023"), line("30/6/2023", loan_id="\u00a0ü\u200b", installment_num="600_")]
    extract.write_text("\n".join([HEADER, *rows, ""]))
    assert snapshot_dates(extract, LOANS) == (day("2023-05-01"), day("2023-06-30"))


def test_a_day_that_is_set_takes_the_place_of_the_share(extract: Path) -> None:
    rows = [line("1/5/2023"), line("1/6/2023"), line("1/7/2023")]
    extract.write_text("\n".join([HEADER, *rows, ""]))
    until = snapshot_dates(extract, LOANS, day("2023-06-15"))
    assert until == (day("2023-05-01"), day("2023-06-01"))


def test_the_days_are_counted_over_all_batches_and_both_forms_of_a_date() -> None:
    import pyarrow as pa

    table = TABLES["features_attributes"]
    texts = {name: ["x", "x"] for name in table.names}
    batches = [
        pa.RecordBatch.from_pydict({**texts, "snapshot_date": ["1/5/2023", "2023-05-01"]}),
        pa.RecordBatch.from_pydict({**texts, "snapshot_date": ["1/6/2023", "never"]}),
    ]
    assert count_days(batches, table) == {day("2023-05-01"): 2, day("2023-06-01"): 1}


# --- the file ---------------------------------------------------------------------------------


def test_the_span_of_snapshot_dates_is_found_over_both_forms(empty_project: Path) -> None:
    path = empty_project / "data" / TABLE.file
    rows = [{"snapshot_date": text} for text in ("1/12/2023", "2023-02-01", "31/2/2023", "")]
    path.write_text(csv_text(ATTRIBUTES, *rows))
    span = snapshot_dates(path, TABLE)
    assert span is not None
    assert [str(date) for date in span] == ["2023-02-01", "2023-12-01"]


def test_a_new_delivery_has_a_new_span(empty_project: Path) -> None:
    path = empty_project / "data" / TABLE.file
    for text in ("1/12/2023", "1/1/2024"):
        path.write_text(csv_text(ATTRIBUTES, {"snapshot_date": text}))
        span = snapshot_dates(path, TABLE)
        assert span is not None
        assert f"{span[1]:%-d/%-m/%Y}" == text
