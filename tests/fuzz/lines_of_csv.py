"""What a delivery says by the rules of CSV, line by line: an oracle for the reader of extracts.

Bytes are walked one by one. A row is one line; a field that begins with a quote ends at the next
one that is not doubled, and nothing but a comma may follow it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fuzz.promises import without_blanks

Lines = list[tuple[int, bytes]]
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Fields:
    """The fields of a line; `misquoted` and `unclosed` say what is wrong with its quotes."""

    values: list[bytes]
    misquoted: bool
    unclosed: bool


def split_line(line: bytes) -> Fields:
    """The fields of a line without its end."""
    values, misquoted, at = [], False, 0
    while True:
        value = bytearray()
        if line[at : at + 1] == b'"':
            at += 1
            while line[at : at + 1] != b'"' or line[at + 1 : at + 2] == b'"':
                if at >= len(line):
                    return Fields(values, True, True)
                value += line[at : at + 1]
                at += 2 if line[at : at + 1] == b'"' else 1
            at += 1
            misquoted |= line[at : at + 1] not in (b"", b",")
        while at < len(line) and line[at : at + 1] != b",":
            misquoted |= line[at : at + 1] == b'"'
            value += line[at : at + 1]
            at += 1
        values.append(bytes(value))
        if at >= len(line):
            return Fields(values, misquoted, False)
        at += 1


@dataclass
class Delivery:
    """The rows and malformed lines that a file has to give, or the lines it may be refused for.

    `whole_file` is a fault of no line.
    """

    lines: int = 0
    rows: list[dict[str, str]] = field(default_factory=list)
    malformed: list[tuple[int, str]] = field(default_factory=list)
    faulty: set[int] = field(default_factory=set)
    whole_file: bool = False


def understood(data: bytes, names: tuple[str, ...], dates: tuple[str, ...]) -> Delivery:
    """A file of these columns, those of `dates` in one of two forms."""
    delivery = Delivery()
    lines = _lines(data)
    delivery.lines = len(lines)
    delivery.faulty = {n for n, line in lines if not _is_text(line)} | _odd_ends(data)
    if not lines:
        delivery.whole_file = True
        return delivery
    number, header = lines[0]
    try:
        columns = [value.decode() for value in split_line(header).values]
    except UnicodeDecodeError:
        columns = []
    if split_line(header).misquoted:
        delivery.faulty.add(number)
    folded = [column.lower() for column in columns]
    if not set(names) <= set(columns) or len(set(folded)) < len(folded):
        delivery.whole_file = True
        return delivery
    for number, line in lines[1:]:
        _read(delivery, number, line, columns, dates)
    delivery.whole_file = not delivery.rows
    return delivery


def _read(
    delivery: Delivery, number: int, line: bytes, columns: list[str], dates: tuple[str, ...]
) -> None:
    fields = split_line(line)
    if fields.unclosed:
        delivery.faulty.add(number)
    elif fields.misquoted:
        delivery.malformed.append((number, "a quote within a value"))
    elif len(fields.values) != len(columns):
        reason = f"{len(fields.values)} fields, {len(columns)} expected"
        delivery.malformed.append((number, reason))
    elif number not in delivery.faulty:
        row = {c: v.decode() for c, v in zip(columns, fields.values, strict=True)}
        delivery.rows.append(row)
        if not all(_is_date_or_empty(row[name]) for name in dates):
            delivery.faulty.add(number)


def _lines(data: bytes) -> Lines:
    """The lines that are not empty, without their ends; the first line is 1."""
    texts = data.removeprefix(BYTE_ORDER_MARK).split(b"\n")
    lines = [(number, text.removesuffix(b"\r")) for number, text in enumerate(texts, 1)]
    return [(number, text) for number, text in lines if text]


def _odd_ends(data: bytes) -> set[int]:
    """The lines with a carriage return that no line feed follows."""
    texts = data.removeprefix(BYTE_ORDER_MARK).split(b"\n")
    ends = [b"\r"] * (len(texts) - 1) + [b""]
    return {
        number
        for number, (text, end) in enumerate(zip(texts, ends, strict=True), 1)
        if b"\r" in (text.removesuffix(b"\r") if end else text)
    }


def _is_text(line: bytes) -> bool:
    try:
        return "\0" not in line.decode()
    except UnicodeDecodeError:
        return False


def _is_date_or_empty(text: str) -> bool:
    text = without_blanks(text)
    form = "".join("9" if char in "0123456789" else char for char in text)
    slashes = {f"{'9' * day}/{'9' * month}/9999" for day in (1, 2) for month in (1, 2)}
    return not text or form == "9999-99-99" or form in slashes
