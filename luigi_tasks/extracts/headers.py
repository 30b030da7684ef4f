"""The header line of an extract: what can be known to be wrong before a row is read."""

from __future__ import annotations

import csv
import difflib
from pathlib import Path

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.extracts.contract import Table


def read_header(path: Path, table: Table) -> list[str]:
    """The column names of a CSV file.

    Raises PipelineError when the file is missing, empty, not UTF-8, not comma separated, or
    lacks a column of the contract.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names = next((row for row in csv.reader(file) if row), None)
    except FileNotFoundError:
        raise PipelineError(f"{path}: no such file; `make sample-data` makes samples") from None
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
