"""The header line of an extract: what can be known to be wrong before a row is read."""

from __future__ import annotations

import csv
import difflib
import itertools
from codecs import getincrementaldecoder
from pathlib import Path

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.extracts.contract import Table
from luigi_tasks.extracts.lines import (
    has_lone_carriage_return,
    is_misquoted,
    skip_byte_order_mark,
)
from luigi_tasks.extracts.opening import opened

# What is longer is no header. The module csv takes no longer field either.
_LONGEST = 1 << 17
# How files of gzip, zip, bzip2, xz and Zstandard begin.
_COMPRESSED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")


def read_header(path: Path, table: Table) -> list[str]:
    """The column names of a CSV file.

    Raises PipelineError when the file is missing, cannot be read, is empty, compressed, not UTF-8,
    not comma separated, lacks a column of the contract, or has two columns of one name: Spark takes
    no notice of upper and lower case.
    """
    number, line = _first_line(path)
    is_cut_off = len(line) > _LONGEST
    # Before all else what the file is: bytes that are no text may hold anything.
    if line.startswith(_COMPRESSED):
        raise PipelineError(f"{path}: is compressed; unpack it")
    try:
        text = getincrementaldecoder("utf-8")().decode(line, final=not is_cut_off)
    except UnicodeDecodeError:
        raise PipelineError(f"{path}: is not UTF-8 text; save it as UTF-8") from None
    if "\0" in text:  # UTF-16 without a byte order mark
        raise PipelineError(f"{path}: is not UTF-8 text; save it as UTF-8")
    if has_lone_carriage_return(line):
        raise PipelineError(f"{path}: line {number} holds a carriage return without a line feed")
    if is_cut_off:
        raise PipelineError(
            f"{path}: line {number} is longer than {_LONGEST >> 10} KiB; a header was expected"
        )
    if is_misquoted(line):
        raise PipelineError(f"{path}: line {number}: a quote of the header is out of place")
    names = next(csv.reader([text]))
    _refuse_missing(path, table, names)
    _refuse_equal(path, names)
    return names


def _first_line(path: Path) -> tuple[int, bytes]:
    with opened(path) as file:
        skip_byte_order_mark(file)
        for number in itertools.count(1):
            line = file.readline(_LONGEST + 1)
            if not line:
                break
            if line.strip(b"\r\n"):
                return number, line
    raise PipelineError(f"{path}: the file is empty; a header line was expected")


def _refuse_missing(path: Path, table: Table, names: list[str]) -> None:
    missing = [name for name in table.names if name not in names]
    if not missing:
        return
    for delimiter in ";\t|":
        if len(names) == 1 and delimiter in names[0]:
            raise PipelineError(
                f"{path}: the columns are separated by {delimiter!r}; a comma was expected"
            )
    # Without a header the first line holds values, and no message quotes those.
    is_header = {name.lower() for name in names} & {name.lower() for name in table.names}
    near = difflib.get_close_matches(missing[0], names, n=1) if is_header else []
    hint = f" (the file has {near[0]!r})" if near else ""
    raise PipelineError(f"{path}: column {', '.join(missing)} is missing{hint}")


def _refuse_equal(path: Path, names: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.get(name.lower())
        if other == name:
            raise PipelineError(f"{path}: column {name} occurs more than once")
        if other is not None:
            raise PipelineError(f"{path}: columns {other} and {name} differ only by case")
        seen[name.lower()] = name
