"""Cleaning: typed columns, dates, placeholders to null; what cannot be keyed or dated apart.

Signs are kept. A value that cannot be read or lies outside the contract becomes null, and the
reason is counted by column.
"""

from __future__ import annotations

from functools import reduce

import pyarrow as pa
from pyspark.sql import Column as Expression
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from luigi_tasks.core.engines.base import PART, Counts, Marks
from luigi_tasks.extracts.contract import (
    BLANKS,
    DAY_MONTH_YEAR,
    FILLER,
    ISO,
    SSN,
    Column,
    Table,
)
from luigi_tasks.layers.parts_by_month import part_of
from luigi_tasks.layers.silver_columns import kept_columns, silver_name

# The shape of a number and the type that it is cast to.
NUMBERS = {
    "integer": (r"^[+-]?[0-9]{1,9}$", "int"),
    "decimal": (r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,2})?$", "double"),
}
HISTORY = r"^([0-9]{1,3}) Years? and (1[01]|0?[0-9]) Months?$"
REASONS = ("empty", "placeholder", "unreadable", "out of range")
NULLS = pa.schema(
    [("part", pa.string()), ("column", pa.string()), ("reason", pa.string()), ("rows", pa.int64())]
)


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


def marked(values: DataFrame, table: Table, *, by_month: bool) -> DataFrame:
    """Every row: the columns of `clean`, its part, and what is the matter with it in `marks`.

    Why a value is null: a position in REASONS. A row that cannot be keyed or dated: faulty is 0.
    """
    return values.select(
        *(sound_value(column).alias(silver_name(column)) for column in kept_columns(table)),
        *(null_reason(c).cast("byte").alias(_mark(c)) for c in _with_reasons(table)),
        F.when(row_fault(table).isNotNull(), 0).cast("byte").alias("faulty"),
        part_of(value(table.column("snapshot_date")), by_month=by_month).alias(PART),
    )


def marks(table: Table) -> Marks:
    """The columns of `marked` that are counted and not written."""
    reasons = [_mark(column) for column in _with_reasons(table)]
    return Marks((*reasons, "faulty"), codes=len(REASONS), aside="faulty")


def _with_reasons(table: Table) -> list[Column]:
    return [column for column in kept_columns(table) if column.kind not in ("key", "ssn")]


def _mark(column: Column) -> str:
    return f"null {column.name}"


def null_counts(counts: Counts, table: Table) -> pa.Table:
    """The values that are null in silver, counted: the columns of NULLS."""
    found = [
        (part, column.name, reason, rows)
        for part, marks_of_part in sorted(counts.items())
        for column in _with_reasons(table)
        for reason, rows in zip(REASONS, marks_of_part[_mark(column)], strict=True)
        if rows
    ]
    return pa.Table.from_pylist([dict(zip(NULLS.names, row, strict=True)) for row in found], NULLS)


def faulty_rows(counts: Counts, part: str) -> int:
    """The rows of a part that cannot be keyed or dated."""
    return sum(counts[part]["faulty"]) if part in counts else 0


def quarantine_schema(table: Table) -> pa.Schema:
    """The columns of the quarantine of an extract."""
    texts = [(name, pa.string()) for name in quarantine_columns(table)]
    return pa.schema([*texts, ("rows", pa.int64())])
