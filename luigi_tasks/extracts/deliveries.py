"""Which files an extract consists of: one CSV file, or the CSV files of a folder of its name."""

from __future__ import annotations

from pathlib import Path

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.extracts.contract import Table
from luigi_tasks.extracts.headers import read_header


def place_of(extract: Path) -> Path:
    """Where an extract lies: the folder of its name, if there is one, or the file."""
    folder = extract.with_suffix("")
    return folder if folder.is_dir() else extract


def files_of(extract: Path) -> list[Path]:
    """The files of an extract such as data/lms_loan_daily.csv, in the order of their names.

    That is the file itself, or what lies in the folder data/lms_loan_daily. Raises PipelineError
    when both are there, and for what is no CSV file in the folder; hidden files do not count.
    """
    folder = place_of(extract)
    if folder == extract:
        return [extract]
    if extract.exists():
        raise PipelineError(f"{extract} and the folder {folder.name} beside it: remove one of them")
    files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    for path in files:
        if path.suffix != ".csv":
            raise PipelineError(f"{path}: does not end in .csv; only deliveries may lie there")
    if not files:
        raise PipelineError(f"{folder}: holds no CSV file")
    return files


def read_columns(extract: Path, table: Table) -> list[str]:
    """The names of the columns of an extract, in the order of its first file.

    Raises PipelineError as `files_of` and `read_header` do, and when a file has others.
    """
    first, *others = files_of(extract)
    names = read_header(first, table)
    for path in others:
        different = set(names) ^ set(read_header(path, table))
        if different:
            raise PipelineError(
                f"{path}: column {min(different)} is in one of {first.name} and this file only; "
                "all files of an extract have the same columns"
            )
    return names
