"""The DuckDB baseline makes the pipeline's tables from any dirt, and a difference is seen."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from engine_runs import ROOT, environment, make_gold, soiled_project

from luigi_tasks.extracts.contract import TABLES


def script(name: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / name), *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def add_malformed_lines(extract: Path) -> None:
    lines = extract.read_text().split("\n")
    first, *others = lines[4].split(",")
    lines[9:9] = ["", "x", f"{lines[3]},1,2,3", '"a, b",c', ",".join([f'"{first}"b', *others])]
    extract.write_text("\n".join(lines))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tables of the pipeline, and below `peer` those of the baseline."""
    folder = soiled_project(tmp_path_factory.mktemp("both"), 300)
    for table in TABLES.values():
        add_malformed_lines(folder / "data" / table.file)
    make_gold(folder)
    made = script("duckdb_baseline.py", folder, "data", "peer")
    assert made.returncode == 0, made.stderr
    return folder


def test_every_value_of_the_baseline_is_that_of_the_pipeline(both: Path) -> None:
    compared = script("same_tables.py", both, ".", "peer")
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert compared.stdout.startswith("20 datasets, ")
    assert compared.stdout.endswith(": no differences\n")


@pytest.mark.parametrize(
    ("layer", "reasons"),
    [
        ("bronze", {"1 fields", "2 fields", "a quote within a value"}),
        ("silver", {"contradicts", "different rows", "is impossible", "lies after", "repeats"}),
    ],
)
def test_what_is_compared_is_set_aside_for_every_reason(
    both: Path, layer: str, reasons: set[str]
) -> None:
    files = both / "peer" / "datamart" / "quarantine" / layer / "*.parquet" / "*.parquet"
    query = f"SELECT DISTINCT reason FROM read_parquet('{files}', union_by_name = true)"
    seen = " ".join(row[0] for row in duckdb.sql(query).fetchall())
    assert {reason for reason in reasons if reason in seen} == reasons


@pytest.mark.parametrize(
    ("dataset", "query", "told"),
    [
        ("gold/features", "* REPLACE (if(loan_id = first, DTI + 1e-9, DTI) AS DTI)", "DTI"),
        ("gold/features", "* REPLACE (if(loan_id = first, NULL, label) AS label)", "label"),
        ("gold/features", "* EXCLUDE (fe_coverage)", "fe_coverage"),
        ("gold/features", "* REPLACE (fe_snapshots::INTEGER AS fe_snapshots)", "INTEGER"),
        ("quarantine/silver/lms_loan_daily", "* REPLACE (rows + 1 AS rows)", "only theirs"),
        ("quarantine/bronze/lms_loan_daily", "* REPLACE (line + 1 AS line)", "only ours"),
    ],
)
def test_a_table_that_differs_is_named_with_its_column(
    both: Path, tmp_path: Path, dataset: str, query: str, told: str
) -> None:
    shutil.copytree(both / "peer", tmp_path / "peer")
    file = tmp_path / "peer" / "datamart" / f"{dataset}.parquet" / "part-00000.parquet"
    db = duckdb.connect()
    db.execute(f"CREATE TABLE altered AS FROM '{file}'")
    if "first" in query:
        found = db.execute("SELECT min(loan_id) FROM altered WHERE DTI > 0 AND label >= 0")
        query = query.replace("first", f"'{found.fetchall()[0][0]}'")
    db.execute(f"COPY (SELECT {query} FROM altered) TO '{file}'")
    compared = script("same_tables.py", both, ".", str(tmp_path / "peer"))
    assert compared.returncode == 1, compared.stderr
    assert dataset in compared.stdout
    assert told in compared.stdout


@pytest.mark.parametrize("rows", ["FROM t UNION ALL (FROM t LIMIT 1)", "FROM t OFFSET 1"])
def test_a_row_that_is_there_twice_or_not_at_all_is_a_difference(
    both: Path, tmp_path: Path, rows: str
) -> None:
    shutil.copytree(both / "peer", tmp_path / "peer")
    folder = tmp_path / "peer" / "datamart" / "silver" / "lms_loan_daily.parquet"
    file = folder / "part-00000.parquet"
    db = duckdb.connect()
    db.execute(f"CREATE TABLE t AS FROM '{file}'")
    db.execute(f"COPY ({rows}) TO '{file}'")
    compared = script("same_tables.py", both, ".", str(tmp_path / "peer"))
    assert compared.returncode == 1
    assert "rows against" in compared.stdout


def test_a_number_of_the_quality_report_that_differs_is_named(both: Path, tmp_path: Path) -> None:
    shutil.copytree(both / "peer", tmp_path / "peer")
    path = tmp_path / "peer" / "reports" / "data_quality.json"
    report = json.loads(path.read_text())
    report["nulls"]["features_financials"]["Credit_Mix"]["placeholder"] += 1
    path.write_text(json.dumps(report))
    compared = script("same_tables.py", both, ".", str(tmp_path / "peer"))
    assert compared.returncode == 1
    assert "nulls.features_financials.Credit_Mix.placeholder" in compared.stdout
