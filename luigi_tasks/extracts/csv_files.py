"""The rows of an extract in blocks, and its malformed lines."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.progress import Progress
from luigi_tasks.extracts.contract import BLANKS, DAY_MONTH_YEAR, ISO, Table
from luigi_tasks.extracts.date_forms import INSTALLMENT
from luigi_tasks.extracts.headers import read_header
from luigi_tasks.extracts.lines import BLOCK, CheckedLines, fields, is_misquoted, numbered
from luigi_tasks.extracts.opening import opened
from luigi_tasks.extracts.snapshot_days import columns_read, count_days
from luigi_tasks.extracts.survey import Survey

# What is remembered of installments: another text is no number of theirs, and may be any value.
_NUMBER = re.compile(rf"[{BLANKS}]*\+?[0-9]{{1,3}}([.]0+)?_?[{BLANKS}]*\Z")


class Malformed(NamedTuple):
    """A line that is no row: its number (the first line is 1) and why."""

    line: int
    reason: str


def read_csv(
    path: Path, table: Table, malformed: list[Malformed], progress: Progress | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a CSV file, all columns strings, block by block.

    The lines that are no rows are appended to `malformed` in the end; the bytes read are added to
    `progress`. Raises PipelineError as `read_header` does, for what is wrong with a line, and for a
    file that changes while it is read.
    """
    names = read_header(path, table)
    with opened(path) as file:
        parsing = _Parsing(path, file, names)
        for batch in parsing.batches():
            if progress:
                progress.add(BLOCK)  # what a batch was; the file itself is read far ahead
            yield batch
        malformed += parsing.malformed()


class _Parsing:
    """One pass over an extract, which accounts for every line."""

    def __init__(self, path: Path, file: BinaryIO, names: list[str]) -> None:
        self._path, self._file, self._names = path, file, names
        self._lines = CheckedLines(path, file, names)
        self._rows = self._skipped = 0

    def batches(self, only: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows, or these columns of them; all columns are strings."""
        try:
            for batch in self._open(only):
                self._rows += batch.num_rows
                yield batch
        except pa.ArrowInvalid as error:
            if "Empty CSV file" in str(error):
                raise PipelineError(f"{self._path}: has a header but no row") from None
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

    def _open(self, only: list[str] | None) -> pa_csv.CSVStreamingReader:
        def skip(_: pa_csv.InvalidRow) -> str:
            self._skipped += 1
            return "skip"

        return pa_csv.open_csv(
            pa.PythonFile(self._lines, mode="r"),
            read_options=pa_csv.ReadOptions(block_size=BLOCK),
            parse_options=pa_csv.ParseOptions(invalid_row_handler=skip),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(self._names, pa.string()),
                check_utf8=False,  # CheckedLines did
                strings_can_be_null=False,
                include_columns=only,
            ),
        )

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
    days, installments = Counter[dt.date](), Counter[tuple[str, ...]]()
    dates = {column.name: Counter[str]() for column in table.of_kind("date")}
    with opened(path) as file:
        for batch in _Parsing(path, file, names).batches(columns_read(table)):
            days.update(count_days([batch], table))
            for name, texts in dates.items():
                for entry in pc.value_counts(batch.column(name)).to_pylist():
                    texts[entry["values"]] += entry["counts"]
            if set(INSTALLMENT) <= set(table.names):
                found = _texts_of(batch, INSTALLMENT)
                installments.update({t: n for t, n in found.items() if _NUMBER.match(t[1])})
    for name, texts in dates.items():
        _refuse_unknown_dates(path, names, name, texts)
    return Survey(
        days={day.isoformat(): rows for day, rows in sorted(days.items())},
        dates={name: dict(sorted(texts.items())) for name, texts in dates.items()},
        installments=[
            (start, number, snapshot, rows)
            for (start, number, snapshot), rows in sorted(installments.items())
        ],
    )


def _texts_of(batch: pa.RecordBatch, columns: Sequence[str]) -> dict[tuple[str, ...], int]:
    """{texts of some columns: rows} of a batch, all columns texts."""
    rows = pa.Table.from_batches([batch]).select(list(columns)).group_by(list(columns))
    return {
        tuple(row[name] for name in columns): row["count_all"]
        for row in rows.aggregate([([], "count_all")]).to_pylist()
    }
