"""A header that cannot be right is refused before a row is read."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ATTRIBUTES
from deliveries import HEADER, TABLE, line, refusal, rows_of, write
from small_tables import csv_text

from luigi_tasks.extracts.headers import read_header


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / TABLE.file


def test_an_empty_line_above_the_header_does_not_hide_it(path: Path) -> None:
    path.write_text(f"\n{HEADER}\n{line('CUS_1')}\n")
    assert rows_of(path)[0][0]["Customer_ID"] == "CUS_1"


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


def test_columns_that_differ_only_by_case_are_refused(path: Path) -> None:
    path.write_text(f"{HEADER},age\n{line('CUS_1')},31\n")
    assert refusal(path).endswith("columns Age and age differ only by case")


def test_a_first_line_of_values_is_not_quoted(path: Path) -> None:
    path.write_text("CUS_1,Customer_I,30,913-74-1218,Lawyer,1/5/2023\n")
    assert refusal(path).endswith("snapshot_date is missing")


def test_a_header_without_an_end_is_refused(path: Path) -> None:
    path.write_text("a" * (1 << 20))
    assert refusal(path).endswith("line 1 is longer than 128 KiB; a header was expected")


@pytest.mark.parametrize("name", ['"Name', 'Na"me', '"Na"me'])
def test_a_header_with_a_quote_out_of_place_is_refused(path: Path, name: str) -> None:
    path.write_text(f"{HEADER.replace('Name', name)}\n{line('CUS_1')}\n")
    assert refusal(path).endswith("line 1: a quote of the header is out of place")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_refused_as_an_encoding(path: Path, encoding: str) -> None:
    write(path, line("CUS_1"), encoding=encoding)
    assert "is not UTF-8 text" in refusal(path)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_file_is_refused_as_one(path: Path, pack: Callable[[bytes], bytes]) -> None:
    path.write_bytes(pack(csv_text(ATTRIBUTES, {}).encode()))
    assert refusal(path) == f"{path}: is compressed; unpack it"


def test_bytes_that_are_no_text_are_refused_as_such_whatever_stands_among_them(path: Path) -> None:
    path.write_bytes(b"\xff\r\0" * (1 << 17))
    assert refusal(path).endswith("is not UTF-8 text; save it as UTF-8")


def test_a_latin_1_header_is_refused_as_an_encoding(path: Path) -> None:
    path.write_bytes(csv_text(ATTRIBUTES, {}).replace("Name", "Größe").encode("latin-1"))
    assert "is not UTF-8 text" in refusal(path)


def test_line_ends_of_carriage_returns_alone_are_refused(path: Path) -> None:
    write(path, *[line("CUS_1")] * 10_000, end="\r")
    assert refusal(path).endswith("line 1 holds a carriage return without a line feed")


def test_the_header_is_read_without_the_rows(path: Path) -> None:
    write(path)
    assert read_header(path, TABLE) == HEADER.split(",")
