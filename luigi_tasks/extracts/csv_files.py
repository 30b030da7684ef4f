"""The rows of an extract in blocks, and its malformed lines."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.parallel import in_order
from luigi_tasks.core.progress import Progress
from luigi_tasks.extracts.contract import BLANKS, DAY_MONTH_YEAR, ISO, Table
from luigi_tasks.extracts.date_forms import INSTALLMENT
from luigi_tasks.extracts.headers import read_header
from luigi_tasks.extracts.lines import CheckedLines, fields, is_misquoted, numbered
from luigi_tasks.extracts.opening import opened
from luigi_tasks.extracts.snapshot_days import columns_read, count_days
from luigi_tasks.extracts.survey import Survey, total

# What is remembered of installments: another text is no number of theirs, and may be any value.
_NUMBER = re.compile(rf"[{BLANKS}]*\+?[0-9]{{1,3}}([.]0+)?_?[{BLANKS}]*\Z")


class Malformed(NamedTuple):
    """A line that is no row: its number (the first line is 1) and why."""

    line: int
    reason: str


def read_csv(
    path: Path, table: Table, malformed: list[Malformed], progress: Progress | None = None
) -> Iterator[pa.Table]:
    """Yield the rows of a CSV file, all columns strings, block by block.

    The lines that are no rows are appended to `malformed` in the end; the bytes read are added to
    `progress`. Raises PipelineError as `read_header` does, for what is wrong with a line, and for a
    file that changes while it is read.
    """
    names = read_header(path, table)
    with opened(path) as file:
        parsing = _Parsing(path, file, names)
        yield from parsing.blocks(progress=progress)
        malformed += parsing.malformed()


class _Block(NamedTuple):
    rows: pa.Table
    skipped: int
    """Lines that are no rows."""
    size: int
    """Bytes."""


class _Parsing:
    """One pass over an extract, which accounts for every line."""

    def __init__(self, path: Path, file: BinaryIO, names: list[str]) -> None:
        self._path, self._file, self._names = path, file, names
        self._lines = CheckedLines(path, file, names)
        self._rows = self._skipped = 0

    def blocks(
        self, only: list[str] | None = None, progress: Progress | None = None
    ) -> Iterator[pa.Table]:
        """The rows, or these columns of them; all columns are strings."""
        try:
            # A block is whole lines, so that each can be parsed by itself.
            for block in in_order(partial(self._parsed, only), self._lines.blocks()):
                self._rows += block.rows.num_rows
                self._skipped += block.skipped
                if progress:
                    progress.add(block.size)
                if block.rows.num_rows:
                    yield block.rows
        except pa.ArrowInvalid:
            # What pyarrow says may quote a line.
            raise PipelineError(f"{self._path}: cannot be read as CSV") from None
        # The lines are counted apart from the parser. One is the header, and some may be empty:
        # those are looked for when the first count does not fit.
        known = self._rows + self._skipped
        lines = self._lines.count - 1
        if lines != known:
            lines = sum(1 for _ in numbered(self._file)) - 1
        if lines != known:
            raise PipelineError(
                f"{self._path}: {lines} lines below the header came out as {self._rows} rows and "
                f"{self._skipped} malformed lines"
            )
        if not self._rows:
            raise PipelineError(f"{self._path}: has a header but no row")

    def _parsed(self, only: list[str] | None, block: bytes) -> _Block:
        skipped = 0

        def skip(_: pa_csv.InvalidRow) -> str:
            nonlocal skipped
            skipped += 1
            return "skip"

        rows = pa_csv.read_csv(
            pa.py_buffer(block),
            read_options=pa_csv.ReadOptions(
                column_names=self._names, use_threads=False, block_size=len(block)
            ),
            parse_options=pa_csv.ParseOptions(invalid_row_handler=skip),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(self._names, pa.string()),
                check_utf8=False,  # CheckedLines did
                strings_can_be_null=False,
                include_columns=only,
            ),
        )
        return _Block(rows, skipped, len(block))

    def malformed(self) -> list[Malformed]:
        """The lines that were no rows, after all batches. They are looked for if there are any."""
        if not self._skipped:
            return []
        return list(malformed_lines(self._file, len(self._names), self._lines.misquoted))


def malformed_lines(
    file: BinaryIO, width: int, misquoted: Collection[int] = ()
) -> Iterator[Malformed]:
    """The lines of other than `width` fields, and those that are misquoted."""
    for number, line in numbered(file):
        if number in misquoted:
            yield Malformed(number, "a quote within a value")
        elif (n := len(fields(line))) != width:
            yield Malformed(number, f"{n} fields, {width} expected")


def _refuse_unknown_dates(path: Path, names: list[str], column: str, texts: Iterable[str]) -> None:
    """A date in a third form means another delivery format: all of it would be misread."""
    if all(map(_is_date_or_empty, texts)):
        return
    # The message names the line and not the text: in a shifted row it may be any value.
    place = names.index(column)
    with opened(path) as file:
        lines = numbered(file)
        next(lines)  # the header
        for number, line in lines:
            values = fields(line)
            if (
                len(values) == len(names)
                and not is_misquoted(line)
                and not _is_date_or_empty(values[place].decode())
            ):
                raise PipelineError(
                    f"{path}: line {number}: column {column}: neither d/M/yyyy nor yyyy-MM-dd"
                )
    raise PipelineError(f"{path}: column {column}: a date is neither d/M/yyyy nor yyyy-MM-dd")


def _is_date_or_empty(text: str) -> bool:
    text = text.strip(BLANKS)
    return not text or re.match(f"{ISO}|{DAY_MONTH_YEAR}", text) is not None


def quarantine_of(path: Path, malformed: list[Malformed]) -> pa.Table:
    """The malformed lines: file, line, reason. What they say stays in the extract."""
    return pa.table(
        {
            "file": pa.array([path.name] * len(malformed), pa.string()),
            "line": pa.array([bad.line for bad in malformed], pa.int64()),
            "reason": pa.array([bad.reason for bad in malformed], pa.string()),
        }
    )


def look_through(path: Path, table: Table) -> Survey:
    """The survey of one CSV file.

    Raises PipelineError as `read_csv` does, and for a date in neither of the two forms.
    """
    names = read_header(path, table)
    with opened(path) as file:
        blocks = _Parsing(path, file, names).blocks(columns_read(table))
        found = total(in_order(partial(_survey, table), blocks))
    for name, texts in found.dates.items():
        _refuse_unknown_dates(path, names, name, texts)
    return found


def _survey(table: Table, rows: pa.Table) -> Survey:
    installments: dict[tuple[str, ...], int] = {}
    if set(INSTALLMENT) <= set(table.names):
        installments = {
            t: n for t, n in _texts_of(rows, INSTALLMENT).items() if _NUMBER.match(t[1])
        }
    return Survey(
        days={day.isoformat(): n for day, n in count_days([rows], table).items()},
        dates={
            column.name: {
                entry["values"]: entry["counts"]
                for entry in pc.value_counts(rows.column(column.name)).to_pylist()
            }
            for column in table.of_kind("date")
        },
        installments=[
            (start, number, snapshot, n) for (start, number, snapshot), n in installments.items()
        ],
    )


def _texts_of(rows: pa.Table, columns: Sequence[str]) -> dict[tuple[str, ...], int]:
    """{texts of some columns: rows}, all columns texts."""
    counted = rows.select(list(columns)).group_by(list(columns)).aggregate([([], "count_all")])
    return {tuple(row[name] for name in columns): row["count_all"] for row in counted.to_pylist()}
