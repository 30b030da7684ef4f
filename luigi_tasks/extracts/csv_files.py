"""The rows of an extract in blocks, and its malformed lines."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.progress import Progress
from luigi_tasks.extracts.contract import DAY_MONTH_YEAR, ISO, Table
from luigi_tasks.extracts.headers import read_header
from luigi_tasks.extracts.snapshot_days import columns_read, count_days

_BLOCK = 8 << 20


def open_csv(
    file: pa.NativeFile, names: list[str], malformed: list[str], only: list[str] | None = None
) -> pa_csv.CSVStreamingReader:
    """A reader of the file in blocks, all columns strings; texts of malformed rows are kept."""

    def keep(row: pa_csv.InvalidRow) -> str:
        malformed.append(row.text)
        return "skip"

    return pa_csv.open_csv(
        file,
        read_options=pa_csv.ReadOptions(block_size=_BLOCK),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=keep),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=False,
            include_columns=only,
        ),
    )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Around reading: what cannot be parsed is raised as a PipelineError that names the file."""
    try:
        yield
    except pa.ArrowInvalid as error:
        what = str(error)
        if "UTF8" in what:
            raise PipelineError(f"{path}: is not UTF-8 text; save it as UTF-8") from error
        if "Empty CSV file" in what:
            raise PipelineError(f"{path}: has a header but no row") from error
        raise PipelineError(f"{path}: cannot be read as CSV: {what}") from error


def read_csv(
    path: Path, table: Table, malformed: list[str], progress: Progress | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a CSV file, all columns strings, block by block.

    The texts of the lines with too few or too many fields are appended to `malformed`; the bytes
    read are added to `progress`. Raises PipelineError as `read_header` does, and for a date in
    neither of the two forms.
    """
    names = read_header(path, table)
    unbalanced = _unbalanced_quotes(path)
    rows = 0
    with explained(path), pa.OSFile(str(path)) as file:
        for batch in open_csv(file, names, malformed):
            if unbalanced:
                _refuse_swallowed_lines(path, batch)
            for column in table.of_kind("date"):
                _refuse_unknown_dates(path, column.name, batch)
            rows += batch.num_rows
            if progress:
                progress.add(_BLOCK)  # what a batch was; the file itself is read far ahead
            yield batch
    swallowing = next((text for text in malformed if "\n" in text), None) if unbalanced else None
    if swallowing is not None:
        start = swallowing.splitlines()[0]
        raise PipelineError(f"{path}: a quote in {start[:80]!r} is never closed")
    if not rows:
        raise PipelineError(f"{path}: has a header but no row")


def _unbalanced_quotes(path: Path) -> bool:
    with path.open("rb") as file:
        return sum(block.count(b'"') for block in iter(lambda: file.read(_BLOCK), b"")) % 2 == 1


def _refuse_swallowed_lines(path: Path, batch: pa.RecordBatch) -> None:
    """In a file with an odd number of quotes, a value over several lines has eaten rows."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        hit = pc.index(pc.match_substring(column, "\n"), True).as_py()
        if hit >= 0:
            start = column[hit].as_py().splitlines()[0]
            raise PipelineError(
                f"{path}: column {name}: a quote before {start[:40]!r} is never closed"
            )


def _refuse_unknown_dates(path: Path, column: str, batch: pa.RecordBatch) -> None:
    """A date in a third form means another delivery format: all of it would be misread."""
    for text in pc.unique(batch.column(column)).to_pylist():
        if text.strip() and not re.match(f"{ISO}|{DAY_MONTH_YEAR}", text.strip()):
            raise PipelineError(
                f"{path}: column {column}: {text!r} is neither d/M/yyyy nor yyyy-MM-dd"
            )


def malformed_lines(path: Path, width: int) -> Iterator[tuple[int, int]]:
    """Yield (line number, number of fields) for each row that has not `width` fields."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        line = 1
        for row in reader:
            if row and len(row) != width:
                yield line, len(row)
            line = reader.line_num + 1


def quarantine_of(path: Path, width: int, texts: list[str]) -> pa.Table:
    """The malformed lines: file, line (1 is the header), reason, text."""
    located = list(malformed_lines(path, width)) if texts else []
    if len(located) != len(texts):
        raise PipelineError(
            f"{path}: {len(texts)} malformed lines, but {len(located)} of them can be located; "
            "check its quotes"
        )
    return pa.table(
        {
            "file": pa.array([path.name] * len(texts), pa.string()),
            "line": pa.array([line for line, _ in located], pa.int64()),
            "reason": pa.array([f"{n} fields, {width} expected" for _, n in located], pa.string()),
            "text": pa.array(texts, pa.string()),
        }
    )


def count_snapshots(path: Path, table: Table) -> dict[dt.date, int]:
    """{snapshot date: rows} of a CSV file, over the rows that can be keyed and dated."""
    names = read_header(path, table)
    with explained(path), pa.OSFile(str(path)) as file:
        return count_days(open_csv(file, names, [], only=columns_read(table)), table)
