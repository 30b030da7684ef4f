"""One extract on its way to silver in DuckDB."""

from __future__ import annotations

import csv
import datetime as dt
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
from duckdb_casts import (
    EMPTY,
    OUT_OF_RANGE,
    REASONS,
    UNREADABLE,
    contract,
    in_range,
    literal,
    null_reason,
    parsed,
)

SILVER_NAMES = {"ssn": "SSN_valid", "history": "Credit_History_Months"}
NEWEST_DAY = Path(__file__).with_name("sql") / "newest_day.sql"
# DuckDB names a line once for each field that it lacks or has too many.
MALFORMED = """
    SELECT '{name}.csv' AS file, line::BIGINT AS line, CASE any_value(error_type)
        WHEN 'MISSING COLUMNS' THEN min(found) || ' fields, {width} expected'
        WHEN 'TOO MANY COLUMNS' THEN max(found) || ' fields, {width} expected'
        WHEN 'UNQUOTED VALUE' THEN 'a quote within a value'
        ELSE error('{name}.csv: line ' || line || ': ' || any_value(error_type))
    END AS reason
    FROM (
        SELECT *, TRY_CAST(regexp_extract(error_message, 'Found: ([0-9]+)', 1) AS INTEGER) AS found
        FROM rejects_{name}
    )
    GROUP BY line
"""


def listed(expressions: Iterable[str]) -> str:
    return ", ".join(expressions)


class Extract:
    """One extract. Table `typed`: its rows, and why a value is null as `null …` beside it.

    View `staged`: the same with the `fault` for which a row cannot be keyed or dated. View `sound`:
    what goes to silver.
    """

    def __init__(self, db: duckdb.DuckDBPyConnection, table: Any, data: Path, out: Path) -> None:
        self.db, self.table, self.out = db, table, out
        self.path = data / table.file
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            self.header = next(csv.reader(file))
        self.columns = [
            # Whether a snapshot is too late is known from all rows: `checked` looks at that.
            replace(column, high=None) if column.name == "snapshot_date" else column
            for column in table.columns
            if column.kind != "bronze_only"
        ]
        self.silver = {c.name: SILVER_NAMES.get(c.kind, c.name) for c in self.columns}
        self.shown = [c.name for c in self.columns if c.kind != "ssn"]
        self.key = listed(table.key)

    def to_silver(self, latest: str) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
        """Write silver and what is set aside before it; counts and nulls of the quality report.

        `latest` is the day after which snapshots are mistyped, or auto.
        """
        self.db.execute(f"CREATE OR REPLACE TABLE typed AS {self.typed()}")
        self.refuse_unknown_dates()
        malformed = self.write(
            "quarantine/bronze",
            MALFORMED.format(name=self.table.name, width=len(self.header)),
            "line",
        )
        self.look(contract.LAST_DAY)
        newest = self.value(NEWEST_DAY.read_text()) if latest == "auto" else latest
        self.look(newest or dt.date.max)
        quarantine = [self.nothing(), *self.faulty(), *self.contradicting(), *self.repeated()]
        nulls = self.nulls()
        silver = self.write("silver", "FROM sound", self.key)
        self.write("quarantine/silver", " UNION ALL ".join(quarantine), "ALL")
        quarantined = self.value(
            f"SELECT coalesce(sum(rows), 0)::BIGINT FROM {self.files('quarantine/silver')}"
        )
        bronze = self.value("SELECT count(*) FROM typed")
        self.db.execute("DROP VIEW sound; DROP VIEW staged; DROP TABLE typed")
        self.db.execute(f"CREATE VIEW {self.table.name} AS FROM {self.files('silver')}")
        counts = {
            "csv": bronze + malformed,
            "malformed": malformed,
            "bronze": bronze,
            "not keyed or dated": quarantined,
            "silver": silver,
        }
        if bronze != silver + quarantined:
            sys.exit(f"{self.table.name}: silver lost rows: {counts}")
        return counts, nulls

    def value(self, query: str) -> Any:
        """The first value of the first row."""
        row = self.db.execute(query).fetchone()
        return row[0] if row else None

    def files(self, folder: str) -> str:
        return literal(str(self.out / folder / f"{self.table.name}.parquet" / "*.parquet"))

    def write(self, folder: str, query: str, order: str, suffix: str = "") -> int:
        """Write rows as a dataset; how many there were."""
        return write(
            self.db, self.out / folder / f"{self.table.name}{suffix}.parquet", query, order
        )

    # --- rows ------------------------------------------------------------------------------

    def typed(self, texts: str = "") -> str:
        """The rows of the extract with silver's columns and `null …`, a position in REASONS."""
        columns = dict.fromkeys(self.header, "VARCHAR")
        values = listed(f'{parsed(c)} AS "value of {c.name}"' for c in self.columns)
        selected = []
        for column in self.columns:
            value = f'"value of {column.name}"'
            sound = f"CASE WHEN {in_range(column, value)} THEN {value} END"
            selected.append(f"{sound} AS {self.silver[column.name]}")
            selected.append(f'{null_reason(column, value)} AS "null {column.name}"')
        return f"""
            SELECT {texts} {listed(selected)} FROM (
                SELECT *, {values} FROM read_csv(
                    {literal(str(self.path))}, auto_detect = false, header = true,
                    columns = {columns}, delim = ',', quote = '"', escape = '"',
                    store_rejects = true, rejects_table = 'rejects_{self.table.name}',
                    rejects_scan = 'scans_{self.table.name}'
                )
            )
        """

    def checked(self, rows: str, latest: Any) -> str:
        """Rows of `typed` with `fault`, null in a sound row."""
        late = f"snapshot_date > DATE '{latest}'"
        faults = [f"CASE WHEN {late} THEN 'snapshot_date lies after {latest}' END"]
        faults[:0] = [
            f"""CASE WHEN "null {c.name}" = {EMPTY} THEN '{c.name} is empty'
            WHEN "null {c.name}" IS NOT NULL THEN '{c.name} is impossible' END"""
            for c in self.columns
            if c.kind in ("key", "date") or c.name in self.table.key
        ]
        return f"""
            SELECT * REPLACE (
                CASE WHEN {late} THEN {OUT_OF_RANGE} ELSE "null snapshot_date" END::UTINYINT
                AS "null snapshot_date"
            ), coalesce({listed(faults)}) AS fault
            FROM {rows}
        """

    def look(self, latest: Any) -> None:
        """Make `staged` and `sound` with a newest day."""
        self.with_texts = self.checked(f"({self.typed(self.texts())})", latest)
        self.db.execute(f"CREATE OR REPLACE VIEW staged AS {self.checked('typed', latest)}")
        self.db.execute(
            f"CREATE OR REPLACE VIEW sound AS "
            f"SELECT {listed(self.silver.values())} FROM staged WHERE fault IS NULL"
        )

    def nulls(self) -> dict[str, dict[str, int]]:
        """Write the nulls by column and reason; {column: {reason: rows}}."""
        counted = " UNION ALL ".join(
            f"""SELECT '{c.name}' AS "column", {list(REASONS)}["null {c.name}" + 1] AS reason,
            count(*) AS rows FROM staged WHERE "null {c.name}" IS NOT NULL GROUP BY ALL"""
            for c in self.columns
            if c.kind not in ("key", "ssn")
        )
        self.write("quarantine/silver", counted, "ALL", suffix="_nulls")
        nulls: dict[str, dict[str, int]] = {}
        for column, reason, rows in self.db.execute(counted).fetchall():
            nulls.setdefault(column, {})[reason] = rows
        return nulls

    def refuse_unknown_dates(self) -> None:
        """A date in a third form is another delivery format: all of it would be misread."""
        for column in self.table.of_kind("date"):
            if not self.value(
                f'SELECT count(*) FROM typed WHERE "null {column.name}" = {UNREADABLE}'
            ):
                continue
            form = literal(f"{contract.ISO}|{contract.DAY_MONTH_YEAR}")
            text = f'"text of {column.name}"'
            if self.value(
                f"SELECT count(*) FROM ({self.typed(self.texts())}) "
                f"WHERE NOT regexp_matches(plain({text}), {form})"
            ):
                sys.exit(f"{self.path}: column {column.name}: neither d/M/yyyy nor yyyy-MM-dd")

    # --- quarantine ------------------------------------------------------------------------

    def texts(self) -> str:
        """The texts of a row as `text of …`: only for those that are set aside they are read."""
        return "".join(f"coalesce({n}, '') AS \"text of {n}\", " for n in self.shown)

    def nothing(self) -> str:
        texts = listed(f"'' AS {name}" for name in self.shown)
        return f"SELECT {texts}, '' AS reason, 0::BIGINT AS rows WHERE false"

    def set_aside(self, rows: str, reason: str) -> str:
        """Equal rows as one, with their number."""
        texts = listed(f'"text of {name}" AS {name}' for name in self.shown)
        return f"SELECT {texts}, {reason} AS reason, count(*) AS rows FROM {rows} GROUP BY ALL"

    def faulty(self) -> list[str]:
        """The rows that cannot be keyed or dated."""
        if not self.value("SELECT count(fault) FROM staged"):
            return []
        return [self.set_aside(f"({self.with_texts}) WHERE fault IS NOT NULL", "fault")]

    def contradicting(self) -> list[str]:
        """Take the rows of a key that do not agree out of `sound`."""
        quarantine = []
        for key, constants in self.table.constants.items():
            differing = listed(
                f"CASE WHEN min({c.name}) < max({c.name}) THEN '{c.name}' END" for c in constants
            )
            self.db.execute(f"""
                CREATE OR REPLACE TABLE contradictions AS
                SELECT {key}, concat_ws(', ', {differing}) AS differing FROM sound
                GROUP BY {key} HAVING differing <> ''
            """)
            if self.value("SELECT count(*) FROM contradictions"):
                self.keep(f"staged ANTI JOIN contradictions USING ({key}) WHERE fault IS NULL")
                rows = f"({self.with_texts}) JOIN contradictions USING ({key}) WHERE fault IS NULL"
                reason = f"'contradicts another row of the same {key}: ' || differing"
                quarantine.append(self.set_aside(rows, reason))
        return quarantine

    def keep(self, rows: str) -> None:
        names = listed(self.silver.values())
        self.db.execute(f"CREATE OR REPLACE TABLE kept AS SELECT {names} FROM {rows}")
        self.db.execute("CREATE OR REPLACE VIEW sound AS FROM kept")

    def repeated(self) -> list[str]:
        """Leave one of equal rows of a key in `sound`, and none where they differ."""
        self.db.execute(f"""
            CREATE OR REPLACE TABLE repeated AS
            SELECT {self.key} FROM sound GROUP BY {self.key} HAVING count(*) > 1
        """)
        if not self.value("SELECT count(*) FROM repeated"):
            return []
        names = listed(self.silver.values())
        self.db.execute(f"""
            CREATE OR REPLACE TABLE versions AS
            SELECT *, count(*) OVER (PARTITION BY {self.key}) AS versions FROM (
                SELECT *, count(*) AS rows FROM sound SEMI JOIN repeated USING ({self.key})
                GROUP BY ALL
            )
        """)
        self.keep(
            f"(SELECT {names} FROM sound ANTI JOIN repeated USING ({self.key}) "
            f"UNION ALL SELECT {names} FROM versions WHERE versions = 1)"
        )
        texts = listed(f"{self.silver[name]}::VARCHAR AS {name}" for name in self.shown)
        return [
            f"SELECT {texts}, 'different rows with the same key' AS reason, rows "
            "FROM versions WHERE versions > 1",
            f"SELECT {texts}, 'repeats another row' AS reason, rows - 1 AS rows "
            "FROM versions WHERE versions = 1 AND rows > 1",
        ]


def write(db: duckdb.DuckDBPyConnection, folder: Path, query: str, order: str) -> int:
    """Write the rows of a query, ordered, as a dataset of one file; how many there were."""
    folder.mkdir(parents=True)
    file = literal(str(folder / "part-00000.parquet"))
    row = db.execute(
        f"COPY (FROM ({query}) ORDER BY {order}) TO {file} (FORMAT parquet, COMPRESSION zstd)"
    ).fetchone()
    assert row
    return int(row[0])
