"""Names and SSNs stay in the extracts and in bronze, whatever is wrong with their lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import ATTRIBUTES
from running import Project

from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.layers.silver_columns import kept_columns, silver_name

EXTRACT = f"data/{ATTRIBUTES}.csv"
NAME, SSN = "Zaphodine", "907-86-1234"
LINES = {
    "a sound row": f"CUS_A,{NAME},30,{SSN},Lawyer,2023-05-01",
    "the same customer and day again": f"CUS_A,{NAME} II,31,{SSN},Lawyer,2023-05-01",
    "no key": f",{NAME},30,{SSN},Lawyer,2023-05-01",
    "no date": f"CUS_B,{NAME},30,{SSN},Lawyer,",
    "a day that does not exist": f"CUS_C,{NAME},30,{SSN},Lawyer,31/2/2023",
    "a flagged customer": f"CUS_D,{NAME},-500,{SSN}x,Lawyer,2023-05-01",
    "a quoted name": f'CUS_E,"{NAME}, ""Zaph""",30,{SSN},Lawyer,2023-05-01',
    "too few fields": f"{NAME},{SSN}",
    "too many fields": f"CUS_F,Beeble,{NAME},30,{SSN},Lawyer,2023-05-01",
    "a quote within the name": f'CUS_G,{NAME} "Zaph" B,30,{SSN},Lawyer,2023-05-01',
    "a quote after the name": f'CUS_H,"{NAME}" B,30,{SSN},Lawyer,2023-05-01',
}
BROKEN = {
    "a quote that is never closed": f'CUS_I,"{NAME},30,{SSN},Lawyer,2023-05-01',
    "a name in the place of the date": f"CUS_J,30,{SSN},Lawyer,2023-05-01,{NAME}",
    "a NUL byte": f"CUS_K,{NAME}\0,30,{SSN},Lawyer,2023-05-01",
    "a line break": f"CUS_L,{NAME}\r,30,{SSN},Lawyer,2023-05-01",
}


def written(project: Project) -> Iterator[tuple[Path, bytes]]:
    """Each file that a run wrote outside bronze, and its bytes; parquet is spelt out."""
    package, data, bronze = (
        project.path / name for name in ("luigi_tasks", "data", "datamart/bronze")
    )
    for path in sorted(project.path.rglob("*")):
        if path.is_file() and not {package, data, bronze} & set(path.parents):
            text = b""
            if path.suffix == ".parquet":
                text = str(pq.read_table(path).to_pylist()).encode()
            yield path, path.read_bytes() + text


def leaks(project: Project, *printed: str) -> list[str]:
    """Where a planted name or SSN can be read."""
    planted = (NAME, SSN)
    files = [
        f"{path.relative_to(project.path)}: {text}"
        for path, content in written(project)
        for text in planted
        if text.encode() in content
    ]
    return files + [f"printed: {text}" for text in planted if any(text in out for out in printed)]


@pytest.mark.slow
def test_a_run_writes_and_prints_no_name_and_no_ssn_outside_bronze(project: Project) -> None:
    extract = project.path / EXTRACT
    extract.write_text(extract.read_text() + "".join(f"{line}\n" for line in LINES.values()))
    done = project.luigi("Pipeline")
    assert done.returncode == 0, done.stderr[-3000:]
    malformed = pq.read_table(project.path / f"datamart/quarantine/bronze/{ATTRIBUTES}.parquet")
    assert malformed.column_names == ["file", "line", "reason"]
    assert malformed.num_rows == 4
    bronze = pq.read_table(project.path / f"datamart/bronze/{ATTRIBUTES}.parquet")
    names = bronze["Name"].to_pylist()
    assert sum(NAME in name for name in names) == len(LINES) - 4  # they were there to leak
    status = project.command("status")
    assert leaks(project, done.stdout, done.stderr, status.stdout, status.stderr) == []


def test_a_run_that_a_line_stops_prints_no_name_and_no_ssn(project: Project) -> None:
    extract = project.path / EXTRACT
    sound = extract.read_text()
    for what, line in BROKEN.items():
        extract.write_text(f"{sound}{line}\n", newline="")
        done = project.luigi("Bronze", "--table", ATTRIBUTES)
        assert done.returncode != 0, what
        assert f"{EXTRACT}: line {sound.count(chr(10)) + 1}" in done.stderr
        assert leaks(project, done.stdout, done.stderr) == [], what


def test_an_extract_without_a_header_prints_no_name_and_no_ssn(project: Project) -> None:
    (project.path / EXTRACT).write_text(f"CUS_A,{NAME},30,{SSN},Lawyer,2023-05-01\n")
    done = project.luigi("Bronze", "--table", ATTRIBUTES)
    assert "column Customer_ID" in done.stderr
    assert leaks(project, done.stdout, done.stderr) == []


def test_no_personal_column_is_in_silver() -> None:
    personal = {
        column.name for table in TABLES.values() for column in table.columns if column.personal
    }
    assert personal == {"Name", "SSN"}
    for table in TABLES.values():
        assert not personal & {silver_name(column) for column in kept_columns(table)}
