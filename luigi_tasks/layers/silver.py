"""Silver: typed columns, dates, placeholders to null; what cannot be keyed or dated is set aside.

Signs are kept. A value that cannot be read or lies outside the contract becomes null, and the
reason is counted by column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import luigi

from luigi_tasks.core import tables
from luigi_tasks.core.engines import session
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.extracts.contract import DAY_MONTH_YEAR, FILLER, ISO, SSN, TABLES, Column, Table
from luigi_tasks.layers.bronze import Bronze

if TYPE_CHECKING:
    from pyspark.sql import Column as Expression
    from pyspark.sql import DataFrame

# The shape of a number and the type that it is cast to.
NUMBERS = {
    "integer": (r"^[+-]?[0-9]{1,9}$", "int"),
    "decimal": (r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,2})?$", "double"),
}
HISTORY = r"^([0-9]{1,3}) Years? and ([0-9]{1,2}) Months?$"
REASONS = ("empty", "placeholder", "unreadable", "out of range")


def text(column: Column) -> Expression:
    """The text without surrounding blanks; null when nothing is left."""
    from pyspark.sql import functions as F

    trimmed = F.trim(F.col(column.name))
    return F.when(trimmed != "", trimmed)


def fits(plain: Expression, pattern: str) -> Expression:
    """Whether a text matches a pattern up to its very end.

    `$` alone would let a final line break pass on Apache Spark, but not on Sail.
    """
    return plain.rlike(at_the_end(pattern))


def at_the_end(pattern: str) -> str:
    """The pattern with its closing `$` as `\\z`, which means the same on every engine."""
    return f"{pattern.removesuffix('$')}\\z"


def is_placeholder(column: Column) -> Expression:
    """Whether the text stands for "unknown"."""
    from pyspark.sql import functions as F

    patterns = [FILLER] if column.kind in NUMBERS else []
    if column.placeholder:
        patterns.append(column.placeholder)
    tests = [fits(text(column), pattern) for pattern in patterns]
    return reduce(lambda a, b: a | b, tests, F.lit(False))


def number(column: Column) -> Expression:
    """The value of a number with its sign; one trailing `_` is dropped, and `.0` of an integer.

    Most texts are plain numbers: they are seen first, at the price of one pattern.
    """
    from pyspark.sql import functions as F

    shape, type_name = NUMBERS[column.kind]
    stripped = F.regexp_replace(text(column), at_the_end("_$"), "")
    if column.kind == "integer":
        stripped = F.regexp_replace(stripped, at_the_end("[.]0+$"), "")
    mended = F.when(~is_placeholder(column) & fits(stripped, shape), stripped)
    plain = F.col(column.name)
    return F.when(fits(plain, shape), plain).otherwise(mended).try_cast(type_name)


def date(column: Column) -> Expression:
    """The date in either of the two forms; null when it is no day of the calendar."""
    from pyspark.sql import functions as F

    plain = text(column)
    forms = {ISO: "yyyy-MM-dd", DAY_MONTH_YEAR: "d/M/yyyy"}
    readings = (
        F.try_to_timestamp(F.when(fits(plain, shape), plain), F.lit(form)).cast("date")
        for shape, form in forms.items()
    )
    day = F.coalesce(*readings)
    # Year 0 is none, here as in the calendar of Python, which reads the tables.
    return F.when(day >= F.lit("0001-01-01").cast("date"), day)


def parsed(column: Column) -> Expression:
    """The value by its kind, before the range is looked at; null when it cannot be read."""
    from pyspark.sql import functions as F

    if column.kind in NUMBERS:
        return number(column)
    if column.kind == "date":
        return date(column)
    plain = F.when(~is_placeholder(column), text(column))
    if column.kind == "history":
        years, months = (F.regexp_extract(plain, HISTORY, i).try_cast("int") for i in (1, 2))
        return F.when(fits(plain, HISTORY), years * 12 + months)
    if column.kind == "loan_types":
        return F.regexp_replace(plain, ",? and |, ", "|")
    if column.kind == "ssn":
        return F.coalesce(fits(plain, SSN), F.lit(False))
    return plain


def kept_columns(table: Table) -> list[Column]:
    """The columns that go further than bronze."""
    return [column for column in table.columns if column.kind != "bronze_only"]


def silver_name(column: Column) -> str:
    """The column's name in silver: SSN is reduced to its validity, the history to months."""
    return {"ssn": "SSN_valid", "history": "Credit_History_Months"}.get(column.kind, column.name)


def read_values(bronze: DataFrame, table: Table) -> DataFrame:
    """Every kept column twice: the text under its name, the parsed value under `value of …`."""
    from pyspark.sql import functions as F

    columns = kept_columns(table)
    return bronze.select(
        *(F.col(column.name) for column in columns),
        *(parsed(column).alias(_value_name(column)) for column in columns),
    )


def _value_name(column: Column) -> str:
    return f"value of {column.name}"


def value(column: Column) -> Expression:
    """The parsed value, in a frame of `read_values`."""
    from pyspark.sql import functions as F

    return F.col(_value_name(column))


def in_range(column: Column) -> Expression:
    """Whether a value is within the contract; null where there is no value."""
    test = value(column).isNotNull()
    if column.low is not None:
        test = test & (value(column) >= column.low)
    if column.high is not None:
        test = test & (value(column) <= column.high)
    return test


def null_reason(column: Column) -> Expression:
    """Why the silver value is null, as a position in REASONS; null for a good value."""
    from pyspark.sql import functions as F

    return (
        F.when(in_range(column), None)
        .when(value(column).isNotNull(), REASONS.index("out of range"))
        .when(text(column).isNull(), REASONS.index("empty"))
        .when(is_placeholder(column), REASONS.index("placeholder"))
        .otherwise(REASONS.index("unreadable"))
    )


def row_fault(table: Table) -> Expression:
    """Why a row cannot be keyed or dated; null for a good row."""
    from pyspark.sql import functions as F

    fault = F.lit(None).cast("string")
    for column in table.columns:
        if column.kind in ("key", "date") or column.name in table.key:
            empty = F.when(text(column).isNull(), F.lit(f"{column.name} is empty"))
            wrong = empty.otherwise(F.lit(f"{column.name} is impossible"))
            fault = F.coalesce(fault, F.when(~in_range(column), wrong))
    return fault


def clean(values: DataFrame, table: Table) -> DataFrame:
    """The rows that can be keyed and dated, typed, before duplicates are looked at."""
    from pyspark.sql import functions as F

    return values.where(row_fault(table).isNull()).select(
        *(
            F.when(in_range(column), value(column)).alias(silver_name(column))
            for column in kept_columns(table)
        )
    )


def faulty(values: DataFrame, table: Table) -> DataFrame:
    """The rows that cannot be keyed or dated: columns as text, reason, rows (a count)."""
    from pyspark.sql import functions as F

    reasoned = values.withColumn("reason", row_fault(table)).where(F.col("reason").isNotNull())
    return counted(reasoned.select(*quarantine_columns(table)))


def quarantine_columns(table: Table) -> list[str]:
    """The columns of a quarantined row, all texts; the raw SSN stays in bronze."""
    return [*(column.name for column in kept_columns(table) if column.kind != "ssn"), "reason"]


def counted(rows: DataFrame) -> DataFrame:
    """Equal rows as one, with their number in the column `rows`."""
    from pyspark.sql import functions as F

    return rows.groupBy(*rows.columns).agg(F.count(F.lit(1)).alias("rows"))


def without_duplicates(rows: DataFrame, table: Table) -> tuple[DataFrame, DataFrame]:
    """Split into (one row a key, quarantine).

    Of equal rows one is kept. Of different rows with the same key none is: nobody can say which
    of them is right.
    """
    from pyspark.sql import functions as F

    distinct = counted(rows)
    per_key = distinct.groupBy(*table.key).agg(F.count(F.lit(1)).alias("versions"))
    joined = distinct.join(per_key, on=list(table.key), how="inner")
    kept = joined.where(F.col("versions") == 1)
    conflicts = joined.where(F.col("versions") > 1).withColumn(
        "reason", F.lit("different rows with the same key")
    )
    copies = (
        kept.where(F.col("rows") > 1)
        .withColumn("rows", F.col("rows") - 1)
        .withColumn("reason", F.lit("repeats another row"))
    )
    shown = [column for column in kept_columns(table) if column.kind != "ssn"]
    texts = [F.col(silver_name(column)).cast("string").alias(column.name) for column in shown]
    quarantine = conflicts.unionByName(copies).select(*texts, "reason", "rows")
    return kept.select(*rows.columns), quarantine


@dataclass(frozen=True)
class Findings:
    """What one look at an extract finds.

    `nulls` is {column: {reason: rows}} for the values that are null in silver.
    """

    nulls: dict[str, dict[str, int]]
    faulty_rows: int
    has_duplicates: bool


def examine(values: DataFrame, table: Table) -> Findings:
    """Count the nulls by reason, the faulty rows and the repeated keys in one pass."""
    from pyspark.sql import functions as F

    columns = [column for column in kept_columns(table) if column.kind not in ("key", "ssn")]
    sound = row_fault(table).isNull()
    keys = [value(column) for column in table.columns if column.name in table.key]
    seen = values.select(
        *(null_reason(column).alias(column.name) for column in columns),
        sound.alias("sound"),
        F.when(sound, F.concat_ws("|", *keys)).alias("key"),
    )
    row = seen.agg(
        *(
            F.sum(F.when(F.col(column.name) == code, 1).otherwise(0)).alias(f"{column.name} {code}")
            for column in columns
            for code in range(len(REASONS))
        ),
        F.sum(F.when(F.col("sound"), 0).otherwise(1)).alias("faulty"),
        F.count("key").alias("keyed"),
        F.countDistinct("key").alias("keys"),
    ).collect()[0]
    nulls = {
        column.name: {
            reason: n for code, reason in enumerate(REASONS) if (n := row[f"{column.name} {code}"])
        }
        for column in columns
    }
    return Findings(
        {name: found for name, found in nulls.items() if found},
        row["faulty"],
        row["keys"] < row["keyed"],
    )


class Silver(Stage):
    """One extract, cleaned. Beside it the rows set aside and the nulls counted by reason."""

    table = luigi.ChoiceParameter(choices=list(TABLES), description="name of the extract")

    def requires(self) -> Bronze:
        return Bronze(table=self.table)

    product = "rows"

    def output(self) -> dict[str, StageTarget]:
        quarantine = in_datamart("quarantine", "silver")
        return {
            "rows": Directory(in_datamart("silver", f"{self.table}.parquet")),
            "quarantine": Directory(quarantine / f"{self.table}.parquet"),
            "nulls": Directory(quarantine / f"{self.table}_nulls.parquet"),
        }

    @session.errors_explained()
    def build(self, staging: Mapping[str, Path]) -> None:
        import pyarrow as pa

        table = TABLES[self.table]
        dataset, quarantine, nulls = (staging[name] for name in ("rows", "quarantine", "nulls"))
        values = read_values(session.read(self.requires().path()), table)
        total = tables.count_rows(self.requires().path())
        with Progress(self, "cleaning", total, "rows") as progress:
            found = examine(values, table)
            rows, bad = clean(values, table), faulty(values, table)
            if found.has_duplicates:
                rows, duplicates = without_duplicates(rows, table)
                bad = bad.unionByName(duplicates)
            session.write(rows, dataset, list(table.key), progress)
            if found.faulty_rows or found.has_duplicates:
                session.write(bad, quarantine, bad.columns)
            else:
                texts = [(name, pa.string()) for name in quarantine_columns(table)]
                empty = pa.schema([*texts, ("rows", pa.int64())]).empty_table()
                tables.write(quarantine, empty)
        listed = [(c, r, n) for c, counts in found.nulls.items() for r, n in counts.items()]
        schema = pa.schema([("column", pa.string()), ("reason", pa.string()), ("rows", pa.int64())])
        records = [dict(zip(schema.names, item, strict=True)) for item in listed]
        tables.write(nulls, pa.Table.from_pylist(records, schema))
