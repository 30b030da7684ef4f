"""A file that is none or is written in another way is refused, or loses no row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from bad_files import long_text, spoil
from corpus import by_name
from deliveries import TABLE, line, refusal, rows_of, write
from running import Project
from told import keeps_its_outputs, refused

CASES = by_name("files")
REFUSED = {name: case for name, case in CASES.items() if "refused" in case}
ACCEPTED = {name: case for name, case in CASES.items() if "refused" not in case}
CUSTOMERS = ["CUS_1", "CUS_2", "CUS_3", "CUS_4"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A sound file with four rows."""
    path = tmp_path / "data" / TABLE.file
    path.parent.mkdir()
    write(path, *map(line, CUSTOMERS))
    return path


def test_the_table_leaves_a_sound_file_as_it_is(path: Path) -> None:
    before = path.read_bytes()
    spoil(path, {})
    assert path.read_bytes() == before
    assert line("CUS_2") == "CUS_2,Ada,30,913-74-1218,Lawyer,1/5/2023"


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_in_the_sentence_of_the_table(path: Path, name: str) -> None:
    case = REFUSED[name]
    spoil(path, case)
    assert refusal(path) == f"{path}: {case['refused']}"


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_can_be_read_loses_no_row_but_the_malformed_lines(path: Path, name: str) -> None:
    case = ACCEPTED[name]
    sound, _ = rows_of(path)
    spoil(path, case)
    rows, malformed = rows_of(path)
    assert {str(bad["line"]): bad["reason"] for bad in malformed} == case.get("malformed", {})
    lost = {f"CUS_{int(number) - 1}" for number in case.get("malformed", {})}
    expected = [row for row in sound if row["Customer_ID"] not in lost]
    for row in expected:
        if row["Customer_ID"] == "CUS_2":
            row.update({column: long_text(text) for column, text in case.get("value", {}).items()})
    assert rows == expected


def test_a_file_that_may_not_be_read_is_refused(path: Path, monkeypatch: Any) -> None:
    def refuse(*_: object) -> None:  # root may read everything
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    assert refusal(path) == f"{path}: cannot be read: Permission denied"


# --- the whole command ------------------------------------------------------------------------

FILE = f"data/{TABLE.file}"
# Of a file that is written in another way only bronze is made anew: it holds the same.
SAME = {name: case for name, case in ACCEPTED.items() if "line" not in case}
ODD = {name: case for name, case in ACCEPTED.items() if "3" in case.get("line", {})}


@pytest.mark.nightly
@pytest.mark.parametrize("name", REFUSED)
def test_the_command_refuses_the_file_in_one_sentence_and_keeps_the_outputs(
    project: Project, name: str
) -> None:
    case = REFUSED[name]
    spoil(project.path / FILE, case)
    with keeps_its_outputs(project):
        done = project.luigi("Pipeline")
    refused(done, f"{FILE}: {case['refused']}")


@pytest.mark.nightly
@pytest.mark.parametrize("name", SAME)
def test_the_command_makes_the_same_of_the_file_in_another_form(
    project: Project, name: str
) -> None:
    spoil(project.path / FILE, SAME[name])
    before = project.digests("datamart/silver", "datamart/gold", "model_store", "reports")
    made = project.built_by("Pipeline")
    assert made in ([], ["Bronze(table=features_attributes)"])
    after = project.digests("datamart/silver", "datamart/gold", "model_store", "reports")
    assert after == before


@pytest.mark.nightly
def test_the_command_sets_every_odd_line_aside_and_keeps_every_other_row(project: Project) -> None:
    path = project.path / FILE
    bronze = project.path / "datamart/bronze/features_attributes.parquet"
    sound = pq.read_table(bronze).to_pylist()
    lines = path.read_text().splitlines()
    texts = [long_text(case["line"]["3"]) for case in ODD.values()]
    path.write_text("\n".join([lines[0], *texts, *lines[1:]]) + "\n")
    done = project.luigi("Bronze", "--table", "features_attributes")
    assert done.returncode == 0, done.stderr[-3000:]
    apart = pq.read_table(project.path / "datamart/quarantine/bronze/features_attributes.parquet")
    expected = [case["malformed"]["3"] for case in ODD.values() if "malformed" in case]
    assert apart["reason"].to_pylist() == expected
    rows = pq.read_table(bronze).to_pylist()
    kept = len(ODD) - len(expected)
    assert rows[kept:] == sound
    names = [long_text(case["value"]["Name"]) for case in ODD.values() if "value" in case]
    assert [row["Name"] for row in rows[:kept] if row["Name"] != "Ada"] == names
