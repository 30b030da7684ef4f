"""The CSV extracts: their header, their rows in blocks, their malformed lines, their dates."""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from luigi_tasks.core import digests
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.progress import Progress
from luigi_tasks.extracts.contract import DAY_MONTH_YEAR, ISO, Table, parse_date

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.csv as pa_csv

_BLOCK = 8 << 20


def read_header(path: Path, table: Table) -> list[str]:
    """The column names of a CSV file.

    Raises PipelineError when the file is missing, empty, not UTF-8, not comma separated, or
    lacks a column of the contract.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names = next((row for row in csv.reader(file) if row), None)
    except FileNotFoundError:
        raise PipelineError(f"{path}: no such file; `make data` writes sample extracts") from None
    except UnicodeDecodeError:
        raise PipelineError(f"{path}: is not UTF-8 text; save it as UTF-8") from None
    if not names:
        raise PipelineError(f"{path}: the file is empty; a header line was expected")
    if any("\0" in name for name in names):  # UTF-16 without a byte order mark
        raise PipelineError(f"{path}: is not UTF-8 text; save it as UTF-8")
    missing = [name for name in table.names if name not in names]
    if missing:
        for delimiter in ";\t|":
            if len(names) == 1 and delimiter in names[0]:
                raise PipelineError(
                    f"{path}: the columns are separated by {delimiter!r}; a comma was expected"
                )
        near = difflib.get_close_matches(missing[0], names, n=1)
        hint = f" (the file has {near[0]!r})" if near else ""
        raise PipelineError(f"{path}: column {', '.join(missing)} is missing{hint}")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise PipelineError(f"{path}: column {twice} occurs more than once")
    return names


def _open(
    file: pa.NativeFile, names: list[str], malformed: list[str], only: list[str] | None = None
) -> pa_csv.CSVStreamingReader:
    """A reader of the file in blocks, all columns strings; texts of malformed rows are kept."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv

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
def _told_clearly(path: Path) -> Iterator[None]:
    import pyarrow as pa

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
    read are told to `progress`. Raises PipelineError as `read_header` does, and for a date in
    neither of the two forms.
    """
    import pyarrow as pa

    names = read_header(path, table)
    unbalanced = _unbalanced_quotes(path)
    rows = 0
    with _told_clearly(path), pa.OSFile(str(path)) as file:
        for batch in _open(file, names, malformed):
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
    import pyarrow.compute as pc

    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        hit = pc.index(pc.match_substring(column, "\n"), True).as_py()
        if hit >= 0:
            start = column[hit].as_py().splitlines()[0]
            raise PipelineError(
                f"{path}: column {name}: a quote before {start[:40]!r} is never closed"
            )


def _refuse_unknown_dates(path: Path, column: str, batch: pa.RecordBatch) -> None:
    """A date in a third form means another delivery format: all of it would be misread."""
    import pyarrow.compute as pc

    for text in pc.unique(batch.column(column)).to_pylist():
        if text.strip() and not re.match(f"{ISO}|{DAY_MONTH_YEAR}", text.strip()):
            raise PipelineError(
                f"{path}: column {column}: {text!r} is neither d/M/yyyy nor yyyy-MM-dd"
            )


def malformed_lines(path: Path, width: int) -> Iterator[tuple[int, int]]:
    """Yield (line number, fields found) for each row that has not `width` fields."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        line = 1
        for row in reader:
            if row and len(row) != width:
                yield line, len(row)
            line = reader.line_num + 1


def quarantine_of(path: Path, width: int, texts: list[str]) -> pa.Table:
    """The malformed lines: file, line (1 is the header), reason, text."""
    import pyarrow as pa

    found = list(malformed_lines(path, width)) if texts else []
    if len(found) != len(texts):
        raise PipelineError(
            f"{path}: {len(texts)} malformed lines, but {len(found)} of them can be located; "
            "check its quotes"
        )
    return pa.table(
        {
            "file": pa.array([path.name] * len(texts), pa.string()),
            "line": pa.array([line for line, _ in found], pa.int64()),
            "reason": pa.array([f"{n} fields, {width} expected" for _, n in found], pa.string()),
            "text": pa.array(texts, pa.string()),
        }
    )


def snapshot_dates(path: Path, table: Table) -> tuple[dt.date, dt.date] | None:
    """The oldest and newest `snapshot_date` in a CSV file, remembered by its content."""
    try:
        known = digests.of_json([digests.of_file(path), digests.of_code(__name__)])
    except FileNotFoundError:
        known = "missing"
    span = digests.remembered(f"span-{known[:32]}", lambda: _span(path, table))
    return (dt.date.fromisoformat(span[0]), dt.date.fromisoformat(span[1])) if span else None


def _span(path: Path, table: Table) -> list[str] | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    names = read_header(path, table)
    texts: set[str] = set()
    with _told_clearly(path), pa.OSFile(str(path)) as file:
        for batch in _open(file, names, [], only=["snapshot_date"]):
            texts.update(pc.unique(batch.column(0)).to_pylist())
    days = sorted(day.isoformat() for text in texts if (day := parse_date(text)))
    return [days[0], days[-1]] if days else None
