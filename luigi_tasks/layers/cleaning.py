"""Cleaning: typed columns, dates, placeholders to null; what cannot be keyed or dated apart.

Signs are kept. A value that cannot be read or lies outside the contract becomes null, and the
reason is counted by column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
from pyspark.sql import Column as Expression
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from luigi_tasks.core.engines.base import Marks
from luigi_tasks.extracts.contract import (
    BLANKS,
    DAY_MONTH_YEAR,
    FILLER,
    ISO,
    SSN,
    Column,
    Table,
)

# The shape of a number and the type that it is cast to.
NUMBERS = {
    "integer": (r"^[+-]?[0-9]{1,9}$", "int"),
    "decimal": (r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,2})?$", "double"),
}
HISTORY = r"^([0-9]{1,3}) Years? and (1[01]|0?[0-9]) Months?$"
REASONS = ("empty", "placeholder", "unreadable", "out of range")


def text(column: Column) -> Expression:
    """The text without surrounding blanks; null when nothing is left."""
    trimmed = F.btrim(F.col(column.name), F.lit(BLANKS))
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
    patterns = [FILLER] if column.kind in NUMBERS else []
    if column.placeholder:
        patterns.append(column.placeholder)
    tests = [fits(text(column), pattern) for pattern in patterns]
    return reduce(lambda a, b: a | b, tests, F.lit(False))


def number(column: Column) -> Expression:
    """The value of a number with its sign; one trailing `_` is dropped, and `.0` of an integer.

    Most texts are plain numbers: they are seen first, at the price of one pattern.
    """
    shape, type_name = NUMBERS[column.kind]
    stripped = F.regexp_replace(text(column), at_the_end("_$"), "")
    if column.kind == "integer":
        stripped = F.regexp_replace(stripped, at_the_end("[.]0+$"), "")
    mended = F.when(~is_placeholder(column) & fits(stripped, shape), stripped)
    plain = F.col(column.name)
    return F.when(fits(plain, shape), plain).otherwise(mended).try_cast(type_name)


def date(column: Column) -> Expression:
    """The date in either of the two forms; null when it is no day of the calendar."""
    plain = text(column)
    forms = {ISO: "yyyy-MM-dd", DAY_MONTH_YEAR: "d/M/yyyy"}
    readings = (
        F.try_to_timestamp(F.when(fits(plain, shape), plain), F.lit(form)).cast("date")
        for shape, form in forms.items()
    )
    return F.coalesce(*readings)


def parsed(column: Column) -> Expression:
    """The value by its kind, before the range is looked at; null when it cannot be read."""
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
    columns = kept_columns(table)
    return bronze.select(
        *(F.col(column.name) for column in columns),
        *(parsed(column).alias(_value_name(column)) for column in columns),
    )


def _value_name(column: Column) -> str:
    return f"value of {column.name}"


def value(column: Column) -> Expression:
    """The parsed value, in a frame of `read_values`."""
    return F.col(_value_name(column))


def in_range(column: Column) -> Expression:
    """Whether there is a value within the contract.

    An engine parses the text again for each mention of its value, so there is only one.
    """
    if column.low is not None and column.high is not None:
        test = value(column).between(column.low, column.high)
    elif column.low is not None:
        test = value(column) >= column.low
    elif column.high is not None:
        test = value(column) <= column.high
    else:
        return value(column).isNotNull()
    return F.coalesce(test, F.lit(False))


def sound_value(column: Column) -> Expression:
    """The parsed value where it is within the contract; null elsewhere."""
    return F.when(in_range(column), value(column))


def null_reason(column: Column) -> Expression:
    """Why the silver value is null, as a position in REASONS; null for a good value."""
    return (
        F.when(in_range(column), None)
        .when(value(column).isNotNull(), REASONS.index("out of range"))
        .when(text(column).isNull(), REASONS.index("empty"))
        .when(is_placeholder(column), REASONS.index("placeholder"))
        .otherwise(REASONS.index("unreadable"))
    )


def row_fault(table: Table) -> Expression:
    """Why a row cannot be keyed or dated; null for a good row."""
    fault = F.lit(None).cast("string")
    for column in table.columns:
        if column.kind in ("key", "date") or column.name in table.key:
            empty = F.when(text(column).isNull(), F.lit(f"{column.name} is empty"))
            if column.name == "snapshot_date" and column.high is not None:
                late = value(column) > column.high
                empty = empty.when(late, F.lit(f"{column.name} lies after {column.high}"))
            wrong = empty.otherwise(F.lit(f"{column.name} is impossible"))
            fault = F.coalesce(fault, F.when(~in_range(column), wrong))
    return fault


def clean(values: DataFrame, table: Table) -> DataFrame:
    """The rows that can be keyed and dated, typed, before duplicates are looked at.

    The columns are those of `kept_columns` under their silver names.
    """
    return values.where(row_fault(table).isNull()).select(
        *(sound_value(column).alias(silver_name(column)) for column in kept_columns(table))
    )


def faulty(values: DataFrame, table: Table) -> DataFrame:
    """The rows that cannot be keyed or dated: columns as text, reason, rows (a count)."""
    reasoned = values.withColumn("reason", row_fault(table)).where(F.col("reason").isNotNull())
    return counted(reasoned.select(*quarantine_columns(table)))


def quarantine_columns(table: Table) -> list[str]:
    """The columns of a quarantined row, all texts; the raw SSN stays in bronze."""
    return [*(column.name for column in kept_columns(table) if column.kind != "ssn"), "reason"]


def counted(rows: DataFrame) -> DataFrame:
    """Equal rows as one, with their number in the column `rows`."""
    return rows.groupBy(*rows.columns).agg(F.count(F.lit(1)).alias("rows"))


def without_contradictions(
    values: DataFrame, table: Table, key: str
) -> tuple[DataFrame, DataFrame]:
    """Split the sound rows of `read_values` into (those that agree, quarantine as in `faulty`).

    Rows of a `key` have to agree in the columns that the contract calls constant within it. Where
    two do not, nobody can say which is right, and all rows of the key are quarantined. So it is
    when a correction reaches only some rows of a loan: the loan is kept out until all its rows
    agree. A value that is null contradicts none.
    """
    sound = values.where(row_fault(table).isNull()).withColumn("shared", value(table.column(key)))
    contradictions = _contradictions(clean(values, table), table, key)
    joined = sound.join(contradictions.withColumnRenamed(key, "shared"), on="shared", how="left")
    reason = F.concat(F.lit(f"contradicts another row of the same {key}: "), F.col("differing"))
    quarantine = joined.where(F.col("differing").isNotNull()).withColumn("reason", reason)
    return (
        joined.where(F.col("differing").isNull()).select(*values.columns),
        counted(quarantine.select(*quarantine_columns(table))),
    )


def _contradictions(rows: DataFrame, table: Table, key: str) -> DataFrame:
    """The values of a `key` whose cleaned rows do not agree, and the columns `differing`."""
    differing = (
        F.when(F.min(column.name) < F.max(column.name), column.name)
        for column in table.constants[key]
    )
    differences = rows.groupBy(key).agg(F.concat_ws(", ", *differing).alias("differing"))
    return differences.where(F.col("differing") != "")


def without_duplicates(rows: DataFrame, table: Table) -> tuple[DataFrame, DataFrame]:
    """Split cleaned rows into (one row a key, quarantine as in `faulty`).

    Of equal rows one is kept. Of different rows with the same key none is: nobody can say which
    of them is right.
    """
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

    `nulls` is {column: {reason: rows}} for the values that are null in silver. Rows contradict one
    another, or repeat a key, among those that are not faulty.
    """

    nulls: dict[str, dict[str, int]]
    faulty_rows: int
    contradicts: bool
    has_duplicates: bool

    @property
    def has_quarantined_rows(self) -> bool:
        """Whether the quarantine has a row."""
        return self.faulty_rows > 0 or self.contradicts or self.has_duplicates


def marked(values: DataFrame, table: Table) -> DataFrame:
    """Every row: the columns of `clean`, and what is the matter with it in those of `marks`.

    Why a value is null: a position in REASONS. A row that cannot be keyed or dated: faulty is 0.
    """
    return values.select(
        *(sound_value(column).alias(silver_name(column)) for column in kept_columns(table)),
        *(null_reason(c).cast("byte").alias(_mark(c)) for c in _with_reasons(table)),
        F.when(row_fault(table).isNotNull(), 0).cast("byte").alias("faulty"),
    )


def marks(table: Table) -> Marks:
    """The columns of `marked` that are counted and not written."""
    reasons = [_mark(column) for column in _with_reasons(table)]
    return Marks((*reasons, "faulty"), codes=len(REASONS), aside="faulty")


def _with_reasons(table: Table) -> list[Column]:
    return [column for column in kept_columns(table) if column.kind not in ("key", "ssn")]


def _mark(column: Column) -> str:
    return f"null {column.name}"


def findings(counts: Mapping[str, Sequence[int]], rows: DataFrame, table: Table) -> Findings:
    """What is found: the marks of an extract by code, and cleaned rows with one another."""
    nulls = {
        column.name: {
            reason: n for reason, n in zip(REASONS, counts[_mark(column)], strict=True) if n
        }
        for column in _with_reasons(table)
    }
    repeated = rows.groupBy(*table.key).agg(F.count(F.lit(1)).alias("rows")).where("rows > 1")
    return Findings(
        {name: by_reason for name, by_reason in nulls.items() if by_reason},
        sum(counts["faulty"]),
        any(_has_rows(_contradictions(rows, table, key)) for key in table.constants),
        _has_rows(repeated),
    )


def _has_rows(frame: DataFrame) -> bool:
    return frame.limit(1).count() > 0


def split(values: DataFrame, table: Table, findings: Findings) -> tuple[DataFrame, DataFrame]:
    """Split parsed rows into (silver, quarantine): one row a key, and all others with a reason.

    Contradictions and duplicates are taken out only where `findings` has seen some.
    """
    quarantine = faulty(values, table)
    if findings.contradicts:
        for key in table.constants:
            values, contradicting = without_contradictions(values, table, key)
            quarantine = quarantine.unionByName(contradicting)
    rows = clean(values, table)
    if findings.has_duplicates:
        rows, duplicates = without_duplicates(rows, table)
        quarantine = quarantine.unionByName(duplicates)
    return rows, quarantine


def empty_quarantine(table: Table) -> pa.Table:
    """The quarantine of an extract in which every row is sound."""
    texts = [(name, pa.string()) for name in quarantine_columns(table)]
    return pa.schema([*texts, ("rows", pa.int64())]).empty_table()


def null_counts(nulls: Mapping[str, Mapping[str, int]]) -> pa.Table:
    """Counts by column and reason as a table: column, reason, rows."""
    schema = pa.schema([("column", pa.string()), ("reason", pa.string()), ("rows", pa.int64())])
    counts = [(c, reason, n) for c, by_reason in nulls.items() for reason, n in by_reason.items()]
    records = [dict(zip(schema.names, count, strict=True)) for count in counts]
    return pa.Table.from_pylist(records, schema)
