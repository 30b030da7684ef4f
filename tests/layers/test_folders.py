"""An extract may come as a folder of files: a new file is read, and no other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deliveries import HEADER, line
from deliveries import TABLE as CONTRACT

from luigi_tasks.core import digests
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.extracts import csv_files
from luigi_tasks.extracts.snapshots import snapshot_dates
from luigi_tasks.layers.bronze import Bronze, RawCsv

TABLE = CONTRACT.name
MONTHS = ("2024-01", "2024-02", "2024-03")


def row(customer: int, month: str) -> str:
    year, number = month.split("-")
    return line(f"CUS_{customer}").replace("1/5/2023", f"1/{int(number)}/{year}")


def file_of(month: str) -> Path:
    return Path("data") / TABLE / f"{month}.csv"


def deliver(name: str, *lines: str, header: str = HEADER) -> Path:
    """One file of the folder of the extract."""
    path = file_of(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([header, *lines, ""]))
    return path


def build() -> None:
    """What a new process does: look at the headers, then run Bronze if it is stale."""
    digests.clear_memory()
    RawCsv(table=TABLE).check()
    stage = Bronze(table=TABLE)
    if not stage.complete():
        stage.run()
    assert stage.complete()


def outputs() -> dict[str, bytes]:
    return {f"{p}": p.read_bytes() for p in sorted(Path("datamart").rglob("*.parquet/*"))}


def malformed() -> list[tuple[str, int]]:
    table = pq.read_table(Path("datamart/quarantine/bronze") / f"{TABLE}.parquet")
    return [(bad["file"], bad["line"]) for bad in table.to_pylist()]


@pytest.fixture
def folder(empty_project: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three months, of which the second has a malformed line; the names of the files read since."""
    params = Path("params.yaml").read_text()
    Path("params.yaml").write_text(
        params.replace("by_month_from_mb: 1000", "by_month_from_mb: 0"), encoding="utf-8"
    )
    for month in MONTHS:
        deliver(month, *(row(n, month) for n in range(5)))
    deliver("2024-02", *(row(n, "2024-02") for n in range(5)), "CUS_9,too,few")
    build()
    read: list[str] = []
    original = csv_files.read_csv

    def noted(path: Path, *rest):
        read.append(path.stem)
        return original(path, *rest)

    monkeypatch.setattr(csv_files, "read_csv", noted)
    return read


def as_from_scratch() -> dict[str, bytes]:
    shutil.rmtree("datamart")
    build()
    return outputs()


def test_it_is_the_same_as_one_file_with_its_lines(folder: list[str]) -> None:
    parts = {name: data for name, data in outputs().items() if "bronze" in name}
    shutil.rmtree("datamart")
    lines = [text for m in MONTHS for text in file_of(m).read_text().splitlines()[1:]]
    shutil.rmtree(Path("data") / TABLE)
    (Path("data") / CONTRACT.file).write_text("\n".join([HEADER, *lines, ""]))
    build()
    rows = {name: data for name, data in parts.items() if "quarantine" not in name and "20" in name}
    assert rows == {name: outputs()[name] for name in rows}
    assert len(rows) == 3
    assert malformed() == [(CONTRACT.file, 12)]


def test_of_a_new_month_its_file_is_read_and_no_other(folder: list[str]) -> None:
    deliver("2024-04", *(row(n, "2024-04") for n in range(5)), "short")
    build()
    assert folder == ["2024-04"]
    assert malformed() == [("2024-02.csv", 7), ("2024-04.csv", 7)]
    assert outputs() == as_from_scratch()


def test_late_rows_of_an_old_month_have_its_file_read_too(folder: list[str]) -> None:
    deliver("2024-04", row(7, "2024-04"), row(7, "2024-02"))
    build()
    assert folder == ["2024-02", "2024-04"]
    assert outputs() == as_from_scratch()


def test_a_corrected_file_is_read_alone(folder: list[str]) -> None:
    path = file_of("2024-02")
    path.write_text(path.read_text().replace("Lawyer", "Doctor").replace("CUS_9,too,few\n", ""))
    build()
    assert folder == ["2024-02"]
    assert malformed() == []
    assert outputs() == as_from_scratch()


def test_what_a_file_held_goes_with_it(folder: list[str]) -> None:
    file_of("2024-02").unlink()
    build()
    assert folder == []
    assert malformed() == []
    assert outputs() == as_from_scratch()


def test_status_names_the_months_of_new_files(folder: list[str]) -> None:
    deliver("2024-04", row(1, "2024-04"), row(2, "2024-03"))
    reason = Bronze(table=TABLE).stale_because()
    assert reason == f"input: RawCsv(table={TABLE}) changed: 2 of 4 parts (2024-03, 2024-04)"


def test_the_day_is_that_of_the_newest_file(folder: list[str]) -> None:
    deliver("2024-04", row(1, "2024-04"))
    span = snapshot_dates(Path("data") / CONTRACT.file, CONTRACT)
    assert [f"{day}" for day in span or ()] == ["2024-01-01", "2024-04-01"]


def test_columns_may_stand_in_another_order_in_each_file(folder: list[str]) -> None:
    names = HEADER.split(",")
    turned = [",".join(reversed(text.split(","))) for text in (HEADER, row(1, "2024-04"))]
    deliver("2024-04", turned[1], header=turned[0])
    build()
    table = pq.read_table(f"datamart/bronze/{TABLE}.parquet/2024-04.parquet")
    assert table.column_names == names
    assert table["Customer_ID"].to_pylist() == ["CUS_1"]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (
            lambda: (Path("data") / CONTRACT.file).touch(),
            f"data/{CONTRACT.file} and the folder {TABLE} beside it: remove one of them",
        ),
        (
            lambda: deliver("2024-04").rename(Path("data") / TABLE / "2024-04.csv.gz"),
            f"data/{TABLE}/2024-04.csv.gz: does not end in .csv; only deliveries may lie there",
        ),
        (
            lambda: [path.unlink() for path in (Path("data") / TABLE).iterdir()],
            f"data/{TABLE}: holds no CSV file",
        ),
        (
            lambda: deliver("2024-04", header=f"{HEADER},branch"),
            f"data/{TABLE}/2024-04.csv: column branch is in one of 2024-01.csv and this file only; "
            "all files of an extract have the same columns",
        ),
        (
            lambda: deliver("2024-04", header=HEADER.replace(",SSN", "")),
            f"data/{TABLE}/2024-04.csv: column SSN is missing",
        ),
        (
            lambda: deliver("2024-04"),
            f"data/{TABLE}/2024-04.csv: has a header but no row",
        ),
    ],
    ids=["a file beside it", "no csv", "empty", "a column more", "a column less", "no row"],
)
def test_what_cannot_be_told_is_refused_by_name(folder: list[str], spoil, sentence: str) -> None:
    spoil()
    with pytest.raises(PipelineError) as error:
        build()
    assert str(error.value).endswith(sentence)


def test_files_that_were_written_with_the_month_first_are_told_by_all_of_them(
    folder: list[str],
) -> None:
    shutil.rmtree(Path("data") / TABLE)
    for year in (2023, 2024):
        for month in range(1, 13):
            text = line("CUS_1").replace("1/5/2023", f"{month}/1/{year}")
            deliver(f"{year}-{month:02}", text)
    with pytest.raises(PipelineError, match="written as M/d/yyyy"):
        build()
