"""The lines of docs/reading.md read every dataset, and agree on what is in it."""

from __future__ import annotations

import re
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest
from running import ROOT, Project

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs/reading.md").read_text(), flags=re.S)
DATASET, TRAIL = ([line for line in block.splitlines() if "(" in line] for block in BLOCKS)


def read(line: str) -> pd.DataFrame:
    """What a documented line gives, as a data frame of pandas."""
    frame: Any = eval(line, {"pd": pd, "duckdb": duckdb, "pl": pl})
    return frame.to_pandas() if isinstance(frame, pl.DataFrame) else frame


def described(frame: pd.DataFrame) -> tuple[int, dict[str, int]]:
    """Number of rows; {column: missing values}."""
    return len(frame), {name: int(count) for name, count in frame.isna().sum().items()}


def test_three_libraries_read_every_dataset_alike(
    finished: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished.path)
    found = [
        path.relative_to(finished.path).as_posix()
        for path in sorted(finished.path.glob("datamart/**/*.parquet"))
        if path.is_dir()
    ]
    assert len(found) > 40
    for dataset in found:
        lines = [line.replace("datamart/gold/features.parquet", dataset) for line in DATASET]
        pandas, duck, polars = (described(read(line)) for line in lines)
        assert pandas == duck == polars, dataset


def test_three_libraries_read_the_audit_trail(
    finished: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished.path)
    decisions = len(
        (finished.path / "datamart/governance/decisions.jsonl").read_text().splitlines()
    )
    assert [len(read(line)) for line in TRAIL] == [decisions] * 3
