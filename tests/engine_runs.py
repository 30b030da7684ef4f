"""The pipeline up to gold by an engine in a process of its own, and what it made compared."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from nasty_rows import add_nasty_rows
from running import ROOT, inherited

from luigi_tasks.extracts.contract import TABLES as EXTRACTS
from luigi_tasks.extracts.sample_data import generate

LUIGI = [sys.executable, "-m", "luigi", "--module"]
# What silver and gold are made of, and what they set aside.
TABLES = (
    *(
        f"{folder}/{name}{suffix}"
        for name in EXTRACTS
        for folder, suffix in (
            ("silver", ".parquet"),
            ("quarantine/silver", ".parquet"),
            ("quarantine/silver", "_nulls.parquet"),
        )
    ),
    "quarantine/quality/flagged_customers.parquet",
    "gold/features.parquet",
    "quarantine/gold/unlabelled.parquet",
)

needs_java = pytest.mark.skipif(
    shutil.which("java") is None, reason="no Java on the PATH: Apache Spark cannot be tested"
)


def environment() -> dict[str, str]:
    return {**inherited(), "PYTHONPATH": str(ROOT), "SPARK_LOCAL_IP": "127.0.0.1"}


def soiled_project(folder: Path, customers: int) -> Path:
    """A working directory with soiled extracts; the shares of dirt are as high as they please."""
    generate(folder / "data", customers)
    add_nasty_rows(folder / "data")
    shutil.copy(ROOT / "luigi.cfg", folder)
    params = (ROOT / "params.yaml").read_text()
    limits = (
        "max_flagged_share: 0.30",
        "max_quarantined_share: 0.05",
        "max_unreadable_share: 0.05",
    )
    for limit in limits:
        params = params.replace(limit, f"{limit.split(':')[0]}: 1.0")
    (folder / "params.yaml").write_text(params)
    return folder


def start_gold(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [*LUIGI, "luigi_tasks", "GoldFeatures", "--local-scheduler", *arguments]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def make_gold(folder: Path, *arguments: str) -> Path:
    """Run the pipeline up to gold as a user does; the folder of the tables."""
    run = start_gold(folder, *arguments)
    output, _ = run.communicate(timeout=600)
    assert run.returncode == 0, output[-4000:]
    return folder / "datamart"


def only_bronze(folder: Path, extracts: Path) -> Path:
    """A copy of a project in which silver and gold have still to be made."""
    shutil.copytree(extracts, folder)
    for layer in ("silver", "gold", "quarantine/silver", "quarantine/quality", "quarantine/gold"):
        shutil.rmtree(folder / "datamart" / layer)
    return folder


def same_rows(folder: Path, extracts: Path, engine: str, *arguments: str) -> Path:
    """Gold by another engine from the same bronze."""
    return make_gold(only_bronze(folder, extracts), "--engine-engine", engine, *arguments)


def rows_of(path: Path) -> pa.Table:
    """A table ordered by all that is exact in it; part files and their order do not count."""
    table = ds.dataset(path, format="parquet").to_table()
    exact = [f.name for f in table.schema if not pa.types.is_floating(f.type)]
    return table.sort_by([(name, "ascending") for name in exact])


def differences(one: Path, other: Path) -> list[str]:
    """Where two tables differ: columns, types, numbers of rows, values beyond 1e-12 relative."""
    a, b = rows_of(one), rows_of(other)
    if a.schema.names != b.schema.names or a.schema.types != b.schema.types:
        return [f"{one.name}: {a.schema} against {b.schema}"]
    if len(a) != len(b):
        return [f"{one.name}: {len(a)} rows against {len(b)}"]
    return [
        f"{one.name}: {name}: row {row}: {x!r} against {y!r}"
        for name in a.schema.names
        for row, (x, y) in enumerate(zip(a[name].to_pylist(), b[name].to_pylist(), strict=True))
        if not equal(x, y)
    ]


def equal(x: Any, y: Any) -> bool:
    if isinstance(x, float) and isinstance(y, float):
        return math.isclose(x, y, rel_tol=1e-12)
    return bool(x == y)


def assert_same_tables(one: Path, other: Path, names: Sequence[str] = TABLES) -> None:
    texts = [text for name in names for text in differences(one / name, other / name)]
    assert not texts, "\n".join(texts[:20])
