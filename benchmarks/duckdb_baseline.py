"""The yardstick: from the extracts to gold as one would write it in DuckDB.

    python benchmarks/duckdb_baseline.py DATA OUT     (in a folder with params.yaml)

Writes below OUT/datamart the tables of the pipeline under the same names, equal value for value:
silver, what every step sets aside with its reasons, nulls by reason, flagged customers and gold;
and OUT/reports/data_quality.json. benchmarks/same_tables.py compares them. What is seen as the
pipeline sees it: malformed lines, rows that cannot be keyed or dated, snapshots after the newest
believable month, contradictions, duplicates, placeholders, unreadable texts, ranges, dates of a
third form, and the limits of params.yaml, beyond which it stops.

An extract is read once, with all its columns as texts, into a typed table of DuckDB that lives
until its silver is written; only where rows are set aside it is read again, for their texts. The
casts are made from the contract (duckdb_casts.py); the rest is duckdb_silver.py and sql/. The
database is in memory, with all cores and DuckDB's own limit of memory, 80 % of the machine.

What the pipeline does beyond that, the peer leaves out:

- bronze as a dataset;
- the bytes of an extract: DuckDB takes a quote inside an unquoted value and a line break within
  quotes for text; what is no file, lacks a column or changes while it is read gets no sentence;
- dates that were written month first, told by what they contradict;
- provenance, digests, what is stale and why, flushing to disk, atomic publishing;
- a limit of memory, other engines, shared storage, progress, and of the task history all but what
  bench.py reads.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import yaml
from duckdb_casts import MACROS, contract, literal
from duckdb_silver import Extract, write

SQL = Path(__file__).with_name("sql")
Entries = dict[str, Any]


@contextmanager
def stage(task: str) -> Iterator[None]:
    """Note the seconds of a stage where the pipeline notes those of its tasks."""
    started, clock = dt.datetime.now(dt.UTC), time.perf_counter()
    yield
    line = {"task": task, "started": started.isoformat(), "seconds": time.perf_counter() - clock}
    history = Path("logs", "task_history.jsonl")
    history.parent.mkdir(exist_ok=True)
    with history.open("a") as file:
        file.write(json.dumps(line) + "\n")


def rows(db: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return db.execute(query).fetchall()


def connect(settings: Entries) -> duckdb.DuckDBPyConnection:
    """A database in memory with the settings as variables."""
    db = duckdb.connect()
    db.execute("SET preserve_insertion_order = false")
    db.execute(MACROS)
    first = settings["prediction_mob"] + (settings["performance_from"] == "after")
    for name, value in {**settings, "first_mob": first}.items():
        db.execute(f"SET VARIABLE {name} = {literal(value)}")
    return db


def quality(db: duckdb.DuckDBPyConnection, found: Entries, settings: Entries, out: Path) -> None:
    """Flags, counts of rows and customers, and the limits of params.yaml."""
    db.execute((SQL / "quality.sql").read_text())
    flagged = out / "datamart" / "quarantine" / "quality" / "flagged_customers.parquet"
    write(db, flagged, "FROM flagged_customers", "Customer_ID, reason")
    tables = {}
    for name, (counts, _) in found.items():
        [(passed, of_flagged)] = rows(
            db,
            f"SELECT count(*) FILTER (is_passed), count(*) FILTER (NOT is_passed) FROM (SELECT "
            f"coalesce(snapshot_date < quarantined_from, true) AS is_passed FROM {name} "
            "LEFT JOIN flags USING (Customer_ID))",
        )
        tables[name] = {**counts, "of flagged customers": of_flagged, "passed": passed}
    customers = {
        "total": rows(db, "SELECT count(*) FROM customers")[0][0],
        "flagged": rows(db, "SELECT count(*) FROM flags")[0][0],
        "limit": settings["max_flagged_share"],
        "reasons": dict(rows(db, "SELECT reason, count(*) FROM findings GROUP BY reason")),
    }
    report = {
        "tables": tables,
        "customers": customers,
        "nulls": {name: nulls for name, (_, nulls) in found.items()},
    }
    refuse_too_much(report, settings)
    (out / "reports").mkdir()
    (out / "reports" / "data_quality.json").write_text(json.dumps(report))


def refuse_too_much(report: Entries, settings: Entries) -> None:
    """Stop where more is flagged, set aside or unreadable than params.yaml allows."""
    customers = report["customers"]
    shares = [("customers flagged", customers["flagged"], customers["total"], "max_flagged_share")]
    for name, counts in report["tables"].items():
        aside = counts["malformed"] + counts["not keyed or dated"]
        shares.append((f"rows of {name} set aside", aside, counts["csv"], "max_quarantined_share"))
        for column in contract.TABLES[name].columns:
            unreadable = report["nulls"][name].get(column.name, {}).get("unreadable", 0)
            if column.kind != "date":
                what = f"values of {name}.{column.name} unreadable"
                shares.append((what, unreadable, counts["bronze"], "max_unreadable_share"))
    for what, part, whole, limit in shares:
        if part > settings[limit] * whole:
            sys.exit(f"{part} of {whole} {what}: more than quality.{limit} = {settings[limit]}")


def gold(db: duckdb.DuckDBPyConnection, out: Path) -> None:
    db.execute((SQL / "gold.sql").read_text())
    datamart = out / "datamart"
    write(db, datamart / "gold" / "features.parquet", "FROM gold", "loan_id")
    for name in ("unlabelled", "excluded"):
        write(db, datamart / "quarantine" / "gold" / f"{name}.parquet", f"FROM {name}", "loan_id")


def main() -> None:
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    params = yaml.safe_load(Path("params.yaml").read_text())
    settings = params["labels"] | params["quality"] | params["features"]
    db = connect(settings)
    found = {}
    for name, table in contract.TABLES.items():
        with stage(f"Silver(table={name})"):
            extract = Extract(db, table, data, out / "datamart")
            found[name] = extract.to_silver(str(settings["latest_snapshot"]))
    with stage("QualityCheck()"):
        quality(db, found, settings, out)
    with stage("GoldFeatures()"):
        gold(db, out)


if __name__ == "__main__":
    main()
