"""The lines of an extract as bytes, checked before they are parsed.

A row is one line: no value of the contract holds a line break. A parser of CSV knows nothing of
that, and a quote that is never closed makes it take the lines up to the next quote for one value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from luigi_tasks.core.errors import PipelineError

BLOCK = 8 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Field by field from the left: a quote at the start of a field, and one before the next comma.
_QUOTED_FIELD = re.compile(rb'"(?<![^,\n]")[^"\n]*+(?:""[^"\n]*+)*+"(?![^,\r\n])')
_QUOTED = re.compile(rb'"[^"]*+(?:""[^"]*+)*+"')


def skip_byte_order_mark(file: BinaryIO) -> None:
    """Go to the first byte of text."""
    file.seek(0)
    if file.read(len(_BYTE_ORDER_MARK)) != _BYTE_ORDER_MARK:
        file.seek(0)


def is_misquoted(lines: bytes) -> bool:
    """Whether some quote neither encloses a whole field nor is doubled within quotes."""
    return b'"' in lines and b'"' in _QUOTED_FIELD.sub(b"", lines)


def has_lone_carriage_return(lines: bytes) -> bool:
    """Whether a carriage return stands without a line feed."""
    return b"\r" in lines and lines.count(b"\r") != lines.count(b"\r\n")


def fields(line: bytes) -> list[bytes]:
    """The fields of a well quoted line; a comma within quotes is a space."""
    line = line.rstrip(b"\r\n")
    if b'"' in line:
        line = _QUOTED_FIELD.sub(lambda field: field[0][1:-1].replace(b",", b" "), line)
    return line.split(b",")


def unclosed_field(line: bytes) -> int | None:
    """Which field, counted from 0, has a quote at its start that the line never closes."""
    start = field = 0
    while True:
        if line.startswith(b'"', start):
            closed = _QUOTED.match(line, start)
            if not closed:
                return field
            start = closed.end()
        comma = line.find(b",", start)
        if comma < 0:
            return None
        start, field = comma + 1, field + 1


def numbered(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers; the first line is 1."""
    skip_byte_order_mark(file)
    for number, line in enumerate(file, 1):
        if line.strip(b"\r\n"):
            yield number, line


class CheckedLines:
    """The lines of an extract on their way to the parser.

    A line with a quote that is out of place comes out as one field of the same length, so that
    the parser skips it as malformed: its number is in `misquoted`. What cannot be read line by
    line raises PipelineError with the number of the line, and never quotes it.
    """

    def __init__(self, path: Path, file: BinaryIO, names: Sequence[str]) -> None:
        self._path, self._file, self._names = path, file, names
        self.count = 0
        """The lines so far, empty ones and the header among them."""
        self.misquoted: set[int] = set()
        skip_byte_order_mark(file)

    def blocks(self) -> Iterator[bytes]:
        """The lines below the header, in blocks of whole lines; none is without a byte."""
        below_header = False
        while block := self._whole_lines():
            if not below_header:
                first = len(block) - len(block.lstrip(b"\r\n"))
                below_header = first < len(block)
                end = block.find(b"\n", first)
                block = block[end + 1 :] if below_header and end >= 0 else b""
            if block:
                yield block

    def _whole_lines(self) -> bytes:
        block = self._file.read(BLOCK)
        if block and not block.endswith(b"\n"):
            block += self._file.readline(BLOCK)
            if len(block) - block.rfind(b"\n", 0, -1) > BLOCK:
                self._refuse(block, len(block) - 1, f"is longer than {BLOCK >> 20} MiB")
        if b"\0" in block:
            self._refuse(block, block.index(b"\0"), "holds a NUL byte")
        if has_lone_carriage_return(block):
            lone = re.search(rb"\r(?!\n)", block)
            assert lone
            self._refuse(block, lone.start(), "holds a carriage return without a line feed")
        if not block.isascii():
            try:
                block.decode()
            except UnicodeDecodeError as error:
                self._refuse(block, error.start, "is not UTF-8 text; save the file as UTF-8")
        if is_misquoted(block):
            block = self._without_misquoted(block)
        self.count += block.count(b"\n") + (block != b"" and not block.endswith(b"\n"))
        return block

    def _without_misquoted(self, block: bytes) -> bytes:
        lines = block.splitlines(keepends=True)
        for i, line in enumerate(lines):
            if not is_misquoted(line):
                continue
            number, text = self.count + i + 1, line.rstrip(b"\r\n")
            field = unclosed_field(text)
            if field is not None:
                column = f"column {self._names[field]}: " if field < len(self._names) else ""
                raise PipelineError(
                    f"{self._path}: line {number}: {column}a quote is not closed on its line; "
                    "no value holds a line break"
                )
            self.misquoted.add(number)
            lines[i] = b"#" * len(text) + line[len(text) :]
        return b"".join(lines)

    def _refuse(self, block: bytes, at: int, why: str) -> None:
        number = self.count + block.count(b"\n", 0, at) + 1
        raise PipelineError(f"{self._path}: line {number} {why}")
