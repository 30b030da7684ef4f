"""A line of an extract is a row, a malformed line, or stops the run with its number."""

from __future__ import annotations

from pathlib import Path

import pytest
from deliveries import HEADER, TABLE, line, refusal, rows_of, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / TABLE.file


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


def test_commas_and_doubled_quotes_within_quotes_belong_to_the_value(path: Path) -> None:
    names = ['"Lovelace, Ada"', '"a ""b"""', '""', '"""Smith, Bob"""', '", Bob"', '""","""']
    write(path, *(line(f"CUS_{i}", name) for i, name in enumerate(names)))
    rows, malformed = rows_of(path)
    assert [row["Name"] for row in rows] == [
        "Lovelace, Ada",
        'a "b"',
        "",
        '"Smith, Bob"',
        ", Bob",
        '","',
    ]
    assert malformed == []


def test_all_fields_may_be_quoted_also_after_a_byte_order_mark(path: Path) -> None:
    lines = [HEADER, line("CUS_1"), line("CUS_2")]
    text = "".join(",".join(f'"{value}"' for value in one.split(",")) + "\r\n" for one in lines)
    path.write_text(text, encoding="utf-8-sig", newline="")
    rows, malformed = rows_of(path)
    assert [row["Customer_ID"] for row in rows] == ["CUS_1", "CUS_2"]
    assert [row["snapshot_date"] for row in rows] == ["1/5/2023"] * 2
    assert malformed == []


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_last_line_needs_no_line_end(path: Path, end: str) -> None:
    path.write_text(end.join([HEADER, line("CUS_1"), line("CUS_2")]), newline="")
    assert [row["Customer_ID"] for row in rows_of(path)[0]] == ["CUS_1", "CUS_2"]
    path.write_text(end.join([HEADER, line("CUS_1"), "CUS_2"]), newline="")
    assert [bad["line"] for bad in rows_of(path)[1]] == [3]


def test_a_field_of_a_megabyte_is_a_value_like_any_other(path: Path) -> None:
    write(path, line("CUS_1", "a" * (1 << 20)), line("CUS_2"), "CUS_3")
    rows, malformed = rows_of(path)
    assert [len(row["Name"]) for row in rows] == [1 << 20, 3]
    assert malformed[0]["line"] == 4


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


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_malformed_line_is_quarantined_with_its_number_and_reason(path: Path, end: str) -> None:
    write(path, line("CUS_1"), "CUS_2,Bob", line("CUS_3"), line("CUS_4") + ",more", end=end)
    rows, malformed = rows_of(path)
    assert [row["Customer_ID"] for row in rows] == ["CUS_1", "CUS_3"]
    assert malformed == [
        {"file": "features_attributes.csv", "line": 3, "reason": "2 fields, 6 expected"},
        {"file": "features_attributes.csv", "line": 5, "reason": "7 fields, 6 expected"},
    ]


def test_a_comma_within_quotes_does_not_count_in_a_malformed_line(path: Path) -> None:
    write(path, line("CUS_1"), '"CUS_2, or ""3""","Lovelace, Ada"')
    assert rows_of(path)[1][0]["reason"] == "2 fields, 6 expected"


@pytest.mark.parametrize("name", ['5" Ada', '"Ada" Lovelace', 'Ada"', '"Ada""" "Bob"', '"a"b"'])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_with_a_quote_within_a_value_is_quarantined(path: Path, name: str, end: str) -> None:
    write(path, line("CUS_1"), line("CUS_2", name), "CUS_3", line("CUS_4", '"a, b"'), end=end)
    rows, malformed = rows_of(path)
    assert [row["Customer_ID"] for row in rows] == ["CUS_1", "CUS_4"]
    assert [(bad["line"], bad["reason"]) for bad in malformed] == [
        (3, "a quote within a value"),
        (4, "1 fields, 6 expected"),
    ]


def test_every_line_is_a_row_or_malformed_wherever_the_blocks_are_cut(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["Ada", '5" Bob', '"a, b"', '"""Bob"""', "José"]
    lines = [line(f"CUS_{i}", names[i % 5]) for i in range(60)]
    lines[7:7] = ["", "CUS_short", ""]
    for end in ("\n", "\r\n"):
        write(path, *lines, end=end)
        expected = rows_of(path)
        assert len(expected[0]) == 48
        assert len(expected[1]) == 13
        for size in range(150, 190):
            with monkeypatch.context() as smaller:
                smaller.setattr("luigi_tasks.extracts.lines.BLOCK", size)
                assert rows_of(path) == expected


@pytest.mark.parametrize("bad", [line("CUS_2", "José"), "CUS_2,José"], ids=["row", "malformed"])
def test_latin_1_anywhere_in_the_file_is_refused_with_its_line(path: Path, bad: str) -> None:
    write(path, line("CUS_1"), bad, encoding="latin-1")
    assert refusal(path).endswith("line 3 is not UTF-8 text; save the file as UTF-8")


def test_a_nul_byte_is_refused_with_its_line(path: Path) -> None:
    write(path, line("CUS_1"), line("CUS_2", "A\0da"))
    assert refusal(path).endswith("line 3 holds a NUL byte")


@pytest.mark.parametrize("name", ["A\rda", '"A\rda"'])
def test_a_carriage_return_within_a_line_is_refused_with_its_line(path: Path, name: str) -> None:
    write(path, line("CUS_1"), line("CUS_2", name), line("CUS_3"))
    assert refusal(path).endswith("line 3 holds a carriage return without a line feed")


def test_a_line_longer_than_a_block_is_refused(path: Path) -> None:
    write(path, line("CUS_1"), line("CUS_2", "a" * (8 << 20)), line("CUS_3"))
    assert refusal(path).endswith("line 3 is longer than 8 MiB")


UNCLOSED = "line 3: column Name: a quote is not closed on its line; no value holds a line break"


@pytest.mark.parametrize(
    "lines",
    [
        # the rest of the file would become one malformed row
        [line("CUS_1"), line("CUS_2", '"Ada'), line("CUS_3"), line("CUS_4")],
        # the quote would find its end in another row
        [line("CUS_1"), line("CUS_2", '"Ada'), line("CUS_3"), line("CUS_4", '"Bob, Jr"')],
        # a second one closes it: the number of quotes is even, and so is that of fields
        [line("CUS_1"), line("CUS_2", '"Ada'), line("CUS_3"), line("CUS_4", 'Bob"'), line("CUS_5")],
        [line("CUS_1"), line("CUS_2", '"Ada'), line("CUS_3"), line("CUS_4", '"Bob'), line("CUS_5")],
        # a value over two lines, in a row or in a malformed one
        [line("CUS_1"), line("CUS_2", '"a\nb"')],
        [line("CUS_1"), '"CUS_2","a\nb"', line("CUS_3")],
    ],
)
def test_a_quote_that_its_line_does_not_close_is_refused_with_its_place(
    path: Path, lines: list[str]
) -> None:
    write(path, *lines)
    assert refusal(path).endswith(UNCLOSED)


def test_an_unclosed_quote_in_the_last_column_names_the_column(path: Path) -> None:
    write(path, line("CUS_1"), 'CUS_2,Ada,30,913-74-1218,Lawyer,"1/5/2023', line("CUS_3"))
    assert "line 3: column snapshot_date: a quote is not closed" in refusal(path)


def test_an_unclosed_quote_beyond_the_last_column_is_refused_with_its_line(path: Path) -> None:
    write(path, line("CUS_1"), line("CUS_2") + ',"x', line("CUS_3"))
    assert f"{path}: line 3: a quote is not closed" in refusal(path)


@pytest.mark.parametrize("text", ["1.5.2023", "1/5/23", "2023/05/01", "May 1 2023", "20230501"])
def test_a_date_of_unknown_form_is_refused_with_its_column(path: Path, text: str) -> None:
    write(path, line("CUS_1"), line("CUS_2").replace("1/5/2023", text))
    sentence = "line 3: column snapshot_date: neither d/M/yyyy nor yyyy-MM-dd"
    assert refusal(path).endswith(sentence)


def test_a_name_that_slipped_into_a_date_is_not_quoted(path: Path) -> None:
    write(path, "", line("CUS_1"), "CUS_2,30,913-74-1218,Lawyer,1/5/2023,Ada")
    sentence = "line 4: column snapshot_date: neither d/M/yyyy nor yyyy-MM-dd"
    assert refusal(path).endswith(sentence)
