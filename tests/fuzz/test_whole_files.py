"""Every line of an extract is a row of bronze, a malformed line or the header, or stops the run."""

from __future__ import annotations

import re
from pathlib import Path
from unittest import mock

import pytest
from deliveries import HEADER, TABLE, rows_of
from hypothesis import given
from hypothesis import strategies as st

from fuzz.conftest import examples
from fuzz.lines_of_csv import Delivery, understood
from luigi_tasks.core.errors import PipelineError

Rows = list[dict[str, str]]
Malformed = list[tuple[int, str]]

DATES = tuple(column.name for column in TABLE.of_kind("date"))
HEADERS = (
    *[HEADER] * 10,
    f"{HEADER},Shoe_Size",
    f"Shoe_Size,{HEADER}",
    f"{HEADER},",
    ",".join(f'"{name}"' for name in HEADER.split(",")),
    f"{HEADER},age",
    HEADER.replace("Age,", ""),
)
LINES = (
    "CUS_1,Ada,30,913-74-1218,Lawyer,1/5/2023",
    "CUS_2,José,30_,913-74-1218,_______,01/05/2023",
    '"CUS_3","Lovelace, Ada",-500,#F%$D@*&8,"a ""b""",2023-05-01',
    'CUS_4,"""Smith, Bob""",," ",Lawyer,',
    ",,,,,",
    'CUS_5,5" Ada,30,913-74-1218,Lawyer,1/5/2023',
    "CUS_6,Ada",
    "CUS_7,Ada,30,913-74-1218,Lawyer,1/5/2023,38",
    "38,CUS_8,Ada,30,913-74-1218,Lawyer,1/5/2023",
    "",
    " ",
    "CUS_10," + "a" * 180 + ",30,x,y,31/12/2023",
)
SMUGGLED = st.one_of(
    st.sampled_from(
        ['"', '"', '"', '""', '","', ",", ",", "\n", "\r\n", "\n\n", " ", "|", ";", "="]
    ),
    st.sampled_from(["\ufeff", "\u2028", "\x85", "\x1a", "\x0c", "\t", "é", "\xa0", "a" * 300]),
).map(str.encode) | st.sampled_from([b"\0", b"\r", b"\xff", b"\xc3", b"1.5.2023"])


@st.composite
def deliveries(draw: st.DrawFn) -> bytes:
    """A file of lines like the real ones, damaged in a few places or in none."""
    header = draw(st.sampled_from(HEADERS))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines = draw(st.lists(st.sampled_from(LINES), min_size=2, max_size=12))
    data = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"]))
    data += (end.join([header, *lines]) + draw(st.sampled_from([end, ""]))).encode()
    body = len(header) + len(end)
    for _ in range(draw(st.integers(0, 4))):
        first = draw(st.sampled_from([0, *[body] * 9]))
        at = draw(st.integers(min(first, len(data)), len(data)))
        removed = draw(st.sampled_from([0, 0, 1, 1, 2, 10]))
        data = data[:at] + draw(st.one_of(st.just(b""), SMUGGLED)) + data[at + removed :]
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 9)) == 9 else data


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("delivery") / TABLE.file


def read(path: Path, data: bytes, block: int) -> tuple[Rows, Malformed] | str:
    """The rows and malformed lines of a file read in blocks of this size, or its refusal."""
    path.write_bytes(data)
    with mock.patch("luigi_tasks.extracts.lines.BLOCK", block):
        try:
            rows, malformed = rows_of(path)
        except PipelineError as refusal:
            return str(refusal)
    return rows, [(bad["line"], bad["reason"]) for bad in malformed]


def check_refusal(sentence: str, path: Path, delivery: Delivery) -> None:
    assert sentence.startswith(f"{path}: ")
    assert "\n" not in sentence
    number = re.match(r"line (\d+)", sentence.removeprefix(f"{path}: "))
    if number:
        assert int(number[1]) in delivery.faulty, sentence
    else:
        assert delivery.whole_file or 1 in delivery.faulty or not delivery.rows, sentence


@examples(150)
@given(deliveries())
def test_lines_are_rows_malformed_or_the_header_or_the_file_is_refused_with_its_name(
    path: Path, data: bytes
) -> None:
    delivery = understood(data, TABLE.names, DATES)
    found = read(path, data, 8 << 20)
    if isinstance(found, str):
        assert delivery.faulty or delivery.whole_file, found
        check_refusal(found, path, delivery)
        return
    assert not delivery.faulty
    assert not delivery.whole_file
    rows, malformed = found
    assert len(rows) + len(malformed) + 1 == delivery.lines
    assert rows == delivery.rows
    assert malformed == delivery.malformed


POISON = {
    b"\0": "holds a NUL byte",
    b"\r": "holds a carriage return without a line feed",
    b"\xff": "is not UTF-8 text; save the file as UTF-8",
    b',"x': "a quote is not closed on its line; no value holds a line break",
    b"": "neither d/M/yyyy nor yyyy-MM-dd",
}


@examples(60)
@given(
    st.lists(st.sampled_from([*LINES[:4], "CUS_6,Ada", ""]), max_size=6),
    st.sampled_from(sorted(POISON)),
    st.lists(st.sampled_from(LINES[:4]), max_size=6),
)
def test_what_cannot_be_a_row_is_refused_with_the_number_of_its_line_and_the_reason(
    path: Path, before: list[str], poison: bytes, after: list[str]
) -> None:
    bad = b"CUS_0,A" + poison + b"da,30,913-74-1218,Lawyer," + (b"" if poison else b"1.5.2023")
    head, tail = (("\n".join(lines) + "\n").encode() for lines in ([HEADER, *before], after))
    refusal = read(path, head + bad + b"\n" + tail, 8 << 20)
    assert isinstance(refusal, str)
    assert refusal.startswith(f"{path}: line {len(before) + 2}")
    assert refusal.endswith(POISON[poison])


@examples(40)
@given(deliveries(), st.integers(150, 700))
def test_where_the_blocks_are_cut_makes_no_difference(path: Path, data: bytes, block: int) -> None:
    found = read(path, data, block)
    longest = max(len(line) for line in data.split(b"\n")) + 1  # with its end
    if not (isinstance(found, str) and longest >= block):
        assert found == read(path, data, 8 << 20)


@examples(50)
@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_never_an_error_without_a_sentence(path: Path, data: bytes) -> None:
    refusal = read(path, data, 8 << 20)
    assert isinstance(refusal, str)
    assert refusal.startswith(f"{path}: ")
    found = read(path, HEADER.encode() + b"\n" + data, 8 << 20)
    delivery = understood(HEADER.encode() + b"\n" + data, TABLE.names, DATES)
    if isinstance(found, str):
        check_refusal(found, path, delivery)
    else:
        assert (found[0], found[1]) == (delivery.rows, delivery.malformed)
