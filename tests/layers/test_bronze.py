"""Bronze takes the CSV as it is; what is wrong with a file is told in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from conftest import ATTRIBUTES
from small_tables import csv_text

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.extracts.csv_files import quarantine_of, read_csv
from luigi_tasks.extracts.headers import read_header
from luigi_tasks.extracts.snapshots import snapshot_dates
from luigi_tasks.layers.bronze import Bronze, RawCsv

TABLE = TABLES[ATTRIBUTES]
HEADER = "Customer_ID,Name,Age,SSN,Occupation,snapshot_date"


def line(customer: str, name: str = "Ada") -> str:
    """A sound line of the extract."""
    return f"{customer},{name},30,913-74-1218,Lawyer,1/5/2023"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / TABLE.file


def write(path: Path, *lines: str, end: str = "\n", encoding: str = "utf-8") -> None:
    """A CSV file with its header and these lines."""
    path.write_bytes((end.join([HEADER, *lines]) + end).encode(encoding))


def rows_of(path: Path) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """(the rows, the malformed lines) of a file."""
    malformed: list[str] = []
    rows = [row for batch in read_csv(path, TABLE, malformed) for row in batch.to_pylist()]
    return rows, quarantine_of(path, len(TABLE.columns), malformed).to_pylist()


def refusal(path: Path) -> str:
    """The sentence with which a file is refused."""
    with pytest.raises(PipelineError) as error:
        rows_of(path)
    assert str(path) in str(error.value)
    return str(error.value)


# --- what is accepted -------------------------------------------------------------------------


def test_every_column_is_kept_as_the_text_that_it_is(path: Path) -> None:
    write(path, " CUS_1,Ada, 023_,#F%$D@*&8,_______,")
    rows, malformed = rows_of(path)
    assert rows == [
        {
            "Customer_ID": " CUS_1",
            "Name": "Ada",
            "Age": " 023_",
            "SSN": "#F%$D@*&8",
            "Occupation": "_______",
            "snapshot_date": "",
        }
    ]
    assert malformed == []


@pytest.mark.parametrize("text", ["NA", "null", "NaN", "", "true", "007"])
def test_no_text_is_taken_for_null_or_for_another_type(path: Path, text: str) -> None:
    write(path, line("CUS_1", name=text))
    assert rows_of(path)[0][0]["Name"] == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_byte_order_mark_and_windows_line_ends_make_no_difference(
    path: Path, encoding: str, end: str
) -> None:
    write(path, line("CUS_1", "José"), line("CUS_2"), end=end, encoding=encoding)
    rows, malformed = rows_of(path)
    assert [(r["Customer_ID"], r["Name"], r["snapshot_date"]) for r in rows] == [
        ("CUS_1", "José", "1/5/2023"),
        ("CUS_2", "Ada", "1/5/2023"),
    ]
    assert malformed == []


def test_commas_quotes_and_line_breaks_within_quotes_belong_to_the_value(path: Path) -> None:
    write(
        path, line("CUS_1", '"Lovelace, Ada"'), line("CUS_2", '"a\nb"'), line("CUS_3", '"a ""b"""')
    )
    assert [row["Name"] for row in rows_of(path)[0]] == ["Lovelace, Ada", "a\nb", 'a "b"']


def test_a_quote_within_an_unquoted_value_is_a_character_like_any_other(path: Path) -> None:
    write(path, line("CUS_1", '5" Ada'), line("CUS_2"))
    assert [row["Name"] for row in rows_of(path)[0]] == ['5" Ada', "Ada"]


def test_a_column_that_nobody_asked_for_is_kept(path: Path) -> None:
    path.write_text(f"{HEADER},Shoe_Size\n{line('CUS_1')},38\n")
    assert rows_of(path)[0][0]["Shoe_Size"] == "38"


def test_the_columns_may_stand_in_another_order(path: Path) -> None:
    path.write_text(
        "snapshot_date,Occupation,SSN,Age,Name,Customer_ID\n1/5/2023,Lawyer,x,30,Ada,CUS_1\n"
    )
    assert rows_of(path)[0][0]["Customer_ID"] == "CUS_1"


def test_an_empty_line_is_no_row_and_counts_as_a_line(path: Path) -> None:
    write(path, line("CUS_1"), "", "CUS_2,too short")
    rows, malformed = rows_of(path)
    assert len(rows) == 1
    assert malformed[0]["line"] == 4


def test_an_empty_line_above_the_header_does_not_hide_it(path: Path) -> None:
    path.write_text(f"\n{HEADER}\n{line('CUS_1')}\n")
    assert rows_of(path)[0][0]["Customer_ID"] == "CUS_1"


# --- malformed lines --------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_malformed_line_is_quarantined_with_its_number_and_reason(path: Path, end: str) -> None:
    write(path, line("CUS_1"), "CUS_2,Bob", line("CUS_3"), line("CUS_4") + ",more", end=end)
    rows, malformed = rows_of(path)
    assert [row["Customer_ID"] for row in rows] == ["CUS_1", "CUS_3"]
    assert malformed == [
        {
            "file": "features_attributes.csv",
            "line": 3,
            "reason": "2 fields, 6 expected",
            "text": "CUS_2,Bob",
        },
        {
            "file": "features_attributes.csv",
            "line": 5,
            "reason": "7 fields, 6 expected",
            "text": line("CUS_4") + ",more",
        },
    ]


def test_line_numbers_count_the_line_breaks_within_quotes(path: Path) -> None:
    write(path, line("CUS_1", '"a\nb\nc"'), "CUS_2")
    assert rows_of(path)[1][0]["line"] == 5


def test_the_bronze_task_publishes_the_rows_and_the_malformed_lines(empty_project: Path) -> None:
    write(empty_project / "data" / TABLE.file, line("CUS_1"), "CUS_2,Bob")
    Bronze(table=ATTRIBUTES).run()
    task = Bronze(table=ATTRIBUTES)
    dataset, quarantine = (pq.read_table(task.path(name)) for name in ("rows", "quarantine"))
    assert dataset.column_names == list(TABLE.names)
    assert {str(kind) for kind in dataset.schema.types} == {"string"}
    assert dataset["Customer_ID"].to_pylist() == ["CUS_1"]
    assert quarantine["line"].to_pylist() == [3]


# --- what is refused --------------------------------------------------------------------------


def test_a_missing_file_is_refused_and_the_way_out_is_told(path: Path) -> None:
    assert "no such file" in refusal(path)


def test_a_missing_extract_is_refused_before_anything_runs(empty_project: Path) -> None:
    with pytest.raises(PipelineError, match=r"data/features_attributes\.csv: no such file"):
        RawCsv(table=ATTRIBUTES).complete()
    write(empty_project / "data" / TABLE.file, line("CUS_1"))
    assert RawCsv(table=ATTRIBUTES).complete()


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\n"])
def test_an_empty_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert "the file is empty" in refusal(path)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_header_without_a_row_is_refused(path: Path, end: str) -> None:
    path.write_text(HEADER + end, newline="")
    assert "has a header but no row" in refusal(path)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_wrong_delimiter_is_named(path: Path, delimiter: str) -> None:
    path.write_text(csv_text(ATTRIBUTES, {}).replace(",", delimiter))
    assert f"separated by {delimiter!r}; a comma was expected" in refusal(path)


def test_a_missing_column_is_named(path: Path) -> None:
    path.write_text(csv_text(ATTRIBUTES, {}).replace(",Occupation", "").replace(",Lawyer", ""))
    assert refusal(path).endswith("column Occupation is missing")


def test_a_misspelt_column_is_named_with_what_the_file_has(path: Path) -> None:
    path.write_text(csv_text(ATTRIBUTES, {}).replace("Occupation", "Occupatoin"))
    assert refusal(path).endswith("column Occupation is missing (the file has 'Occupatoin')")


def test_a_column_that_occurs_twice_is_named(path: Path) -> None:
    path.write_text(f"{HEADER},Age\n{line('CUS_1')},31\n")
    assert refusal(path).endswith("column Age occurs more than once")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_refused_as_an_encoding(path: Path, encoding: str) -> None:
    write(path, line("CUS_1"), encoding=encoding)
    assert "is not UTF-8 text" in refusal(path)


@pytest.mark.parametrize("bad", [line("CUS_2", "José"), "CUS_2,José"], ids=["row", "malformed"])
def test_latin_1_anywhere_in_the_file_is_refused_as_an_encoding(path: Path, bad: str) -> None:
    write(path, line("CUS_1"), bad, encoding="latin-1")
    assert "is not UTF-8 text" in refusal(path)


def test_a_latin_1_header_is_refused_as_an_encoding(path: Path) -> None:
    path.write_bytes(csv_text(ATTRIBUTES, {}).replace("Name", "Größe").encode("latin-1"))
    assert "is not UTF-8 text" in refusal(path)


@pytest.mark.parametrize(
    "lines",
    [
        # the rest of the file becomes one malformed row
        [line("CUS_1"), line("CUS_2", '"Ada'), line("CUS_3"), line("CUS_4")],
        # everything does, from the first row on
        [line("CUS_2", '"Ada'), line("CUS_3")],
        # three lines become one malformed row, and the reader finds its feet again
        [line("CUS_2", '"Ada'), line("CUS_3"), line("CUS_4", '"Bob, Jr"'), line("CUS_5")],
    ],
)
def test_lines_that_an_unclosed_quote_swallows_are_not_lost_in_silence(
    path: Path, lines: list[str]
) -> None:
    write(path, *lines)
    assert "'CUS_2,\"Ada,30,913-74-1218,Lawyer,1/5/2023' is never closed" in refusal(path)


def test_an_unclosed_quote_in_the_last_column_names_the_column(path: Path) -> None:
    write(path, line("CUS_1"), 'CUS_2,Ada,30,913-74-1218,Lawyer,"1/5/2023', line("CUS_3"))
    assert "column snapshot_date: a quote before '1/5/2023' is never closed" in refusal(path)


def test_a_line_break_in_a_malformed_row_is_no_unclosed_quote(path: Path) -> None:
    write(path, line("CUS_1"), '"CUS_2","a\nb"', line("CUS_3"))
    rows, malformed = rows_of(path)
    assert [row["Customer_ID"] for row in rows] == ["CUS_1", "CUS_3"]
    assert [bad["text"] for bad in malformed] == ['"CUS_2","a\nb"']


# --- dates ------------------------------------------------------------------------------------


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


def test_the_header_is_read_without_the_rows(path: Path) -> None:
    write(path)
    assert read_header(path, TABLE) == HEADER.split(",")


@pytest.mark.parametrize("text", ["1.5.2023", "1/5/23", "2023/05/01", "May 1 2023", "20230501"])
def test_a_date_of_unknown_form_is_refused_with_its_column(path: Path, text: str) -> None:
    write(path, line("CUS_1"), line("CUS_2").replace("1/5/2023", text))
    assert f"column snapshot_date: {text!r} is neither d/M/yyyy nor yyyy-MM-dd" in refusal(path)
