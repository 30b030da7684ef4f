"""Bronze takes the CSV as it is, and quarantines the malformed lines."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import ATTRIBUTES
from deliveries import TABLE, line, write

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.layers.bronze import Bronze, RawCsv


def test_the_bronze_task_publishes_the_rows_and_the_malformed_lines(empty_project: Path) -> None:
    write(empty_project / "data" / TABLE.file, line("CUS_1"), "CUS_2,Bob")
    Bronze(table=ATTRIBUTES).run()
    task = Bronze(table=ATTRIBUTES)
    dataset, quarantine = (pq.read_table(task.path(name)) for name in ("rows", "quarantine"))
    assert dataset.column_names == list(TABLE.names)
    assert {str(kind) for kind in dataset.schema.types} == {"string"}
    assert dataset["Customer_ID"].to_pylist() == ["CUS_1"]
    assert quarantine["line"].to_pylist() == [3]


def test_a_missing_extract_is_refused_before_anything_runs(empty_project: Path) -> None:
    with pytest.raises(PipelineError, match=r"data/features_attributes\.csv: no such file"):
        RawCsv(table=ATTRIBUTES).complete()
    write(empty_project / "data" / TABLE.file, line("CUS_1"))
    assert RawCsv(table=ATTRIBUTES).complete()
