"""Deliveries of one extract for the tests of reading: files with a line wrong here and there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.extracts.contract import ATTRIBUTES as TABLE
from luigi_tasks.extracts.csv_files import Malformed, look_through, quarantine_of, read_csv
from luigi_tasks.extracts.date_forms import refuse_month_first

HEADER = "Customer_ID,Name,Age,SSN,Occupation,snapshot_date"


def line(customer: str, name: str = "Ada") -> str:
    """A sound line of the extract."""
    return f"{customer},{name},30,913-74-1218,Lawyer,1/5/2023"


def write(path: Path, *lines: str, end: str = "\n", encoding: str = "utf-8") -> None:
    """A CSV file with its header and these lines."""
    path.write_bytes((end.join([HEADER, *lines]) + end).encode(encoding))


def rows_of(path: Path) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """(the rows, the malformed lines) of a file, which is looked through first as in a run."""
    survey = look_through(path, TABLE)
    refuse_month_first(path, survey.dates, survey.installments)
    malformed: list[Malformed] = []
    rows = [row for batch in read_csv(path, TABLE, malformed) for row in batch.to_pylist()]
    return rows, quarantine_of(path, malformed).to_pylist()


def refusal(path: Path) -> str:
    """The sentence with which a file is refused."""
    with pytest.raises(PipelineError) as error:
        rows_of(path)
    assert str(path) in str(error.value)
    return str(error.value)
