"""Conflicts: rows that contradict one another, and rows that repeat a key.

A row is sound or not by itself (`cleaning.py`); here a row is quarantined because of others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from luigi_tasks.core.engines.base import PART
from luigi_tasks.core.tables import name_of_part
from luigi_tasks.extracts.contract import Table
from luigi_tasks.layers.cleaning import (
    clean,
    counted,
    faulty,
    quarantine_columns,
    read_values,
    row_fault,
    value,
)
from luigi_tasks.layers.parts_by_month import part_of
from luigi_tasks.layers.silver_columns import kept_columns, silver_name

# Why a sound row is quarantined: because of others.
CONTRADICTS, DIFFERENT = "contradicts another row", "different rows with the same key"


def reach_across_parts(table: Table) -> bool:
    """Whether rows of different months can be in conflict."""
    return bool(table.constants) or "snapshot_date" not in table.key


@dataclass(frozen=True)
class Conflicts:
    """What cleaned rows do to one another, wherever they stand in an extract.

    `contradictions` are the loans whose rows do not agree in what is constant, by the column of
    the key that such rows share: the column, and the columns `differing`. `different` are the keys
    of different rows among the others.
    """

    contradictions: Mapping[str, DataFrame]
    different: DataFrame


def conflicts(rows: DataFrame, table: Table) -> Conflicts:
    """The conflicts among all cleaned rows of an extract."""
    contradictions = {key: _contradictions(rows, table, key) for key in table.constants}
    agreeing = rows
    for key, found in contradictions.items():
        agreeing = agreeing.join(found, on=key, how="left_anti")
    versions = agreeing.distinct().groupBy(*table.key).agg(F.count(F.lit(1)).alias("versions"))
    return Conflicts(contradictions, versions.where("versions > 1").select(*table.key))


class InConflict(NamedTuple):
    """The rows of a part that contradict others or repeat a key.

    `rows` stand against different ones, in whatever part; `against` says what stands against them,
    and is None without any. `copies` are rows that have equal ones.
    """

    rows: int
    against: str | None
    copies: int


def in_conflict(rows: DataFrame, table: Table, *, by_month: bool) -> dict[str, InConflict]:
    """What of cleaned rows is in conflict, by part; parts without such rows are left out."""
    contradictions = [(key, _contradictions(rows, table, key)) for key in table.constants]
    repeated = _repeated(rows, table)
    if not any(frame.limit(1).count() for frame in [repeated, *(f for _, f in contradictions)]):
        return {}
    placed = rows.withColumn(PART, part_of(F.col("snapshot_date"), by_month=by_month))
    found = []
    for key, contradicting in contradictions:
        both = placed.join(contradicting, on=key, how="inner").distinct()
        found.append(both.select(PART, F.xxhash64(F.col(key), "differing").alias("hash")))
    # Few keys are repeated: only their rows are compared as a whole.
    suspects = counted(placed.join(repeated, on=list(table.key), how="left_semi"))
    different = suspects.join(_repeated(suspects, table), on=list(table.key), how="left_semi")
    found.append(different.select(PART, F.xxhash64(*map(F.col, table.key)).alias("hash")))
    found.append(suspects.where("rows > 1").select(PART, F.lit(None).cast("bigint").alias("hash")))
    by_part = (
        reduce(lambda a, b: a.unionByName(b), found)
        .groupBy(PART)
        .agg(
            F.count("hash").alias("rows"),
            F.sum(F.col("hash").cast("decimal(20,0)")).cast("string").alias("hashes"),
            F.count(F.when(F.col("hash").isNull(), 1)).alias("copies"),
        )
    )
    return {
        name_of_part(row[PART]): InConflict(
            row["rows"], f"{row['rows']} {row['hashes']}" if row["rows"] else None, row["copies"]
        )
        for row in by_part.collect()
    }


def _contradictions(rows: DataFrame, table: Table, key: str) -> DataFrame:
    """The values of a `key` whose cleaned rows do not agree, and the columns `differing`.

    Rows have to agree in the columns that the contract calls constant within the key. Where two do
    not, nobody can say which is right, and all rows of the key are quarantined. So it is when a
    correction reaches only some rows of a loan: the loan is kept out until all its rows agree. A
    value that is null contradicts none.
    """
    differing = (
        F.when(F.min(column.name) < F.max(column.name), column.name)
        for column in table.constants[key]
    )
    differences = rows.groupBy(key).agg(F.concat_ws(", ", *differing).alias("differing"))
    return differences.where(F.col("differing") != "")


def _repeated(rows: DataFrame, table: Table) -> DataFrame:
    """The keys of several rows."""
    return rows.groupBy(*table.key).agg(F.count(F.lit(1)).alias("n")).where("n > 1")


def without_contradictions(
    values: DataFrame, table: Table, key: str, contradictions: DataFrame
) -> tuple[DataFrame, DataFrame]:
    """Split the sound rows of `read_values` into (those that agree, quarantine as in `faulty`)."""
    sound = values.where(row_fault(table).isNull()).withColumn("shared", value(table.column(key)))
    joined = sound.join(contradictions.withColumnRenamed(key, "shared"), on="shared", how="left")
    reason = F.concat(F.lit(f"{CONTRADICTS} of the same {key}: "), F.col("differing"))
    quarantine = joined.where(F.col("differing").isNotNull()).withColumn("reason", reason)
    return (
        joined.where(F.col("differing").isNull()).select(*values.columns),
        counted(quarantine.select(*quarantine_columns(table))),
    )


def without_duplicates(
    rows: DataFrame, table: Table, different: DataFrame
) -> tuple[DataFrame, DataFrame]:
    """Split cleaned rows into (one row a key, quarantine as in `faulty`).

    Of equal rows one is kept. Of different rows with the same key, those of the keys `different`,
    none is: nobody can say which of them is right.
    """
    distinct = counted(rows)
    kept = distinct.join(different, on=list(table.key), how="left_anti")
    conflicts = distinct.join(different, on=list(table.key), how="left_semi").withColumn(
        "reason", F.lit(DIFFERENT)
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


def cleaned_again(quarantine: DataFrame, table: Table) -> DataFrame:
    """The rows of `clean` that are quarantined because of others, and would not be without them."""
    because_of_others = F.col("reason").startswith(CONTRADICTS) | (F.col("reason") == DIFFERENT)
    return clean(read_values(quarantine.where(because_of_others), table), table)


def split(values: DataFrame, table: Table, found: Conflicts | None) -> tuple[DataFrame, DataFrame]:
    """Split parsed rows into (silver, quarantine): one row a key, and all others with a reason.

    `found` are the conflicts of the whole extract, None when no row is in one.
    """
    quarantine = faulty(values, table)
    if found is None:
        return clean(values, table), quarantine
    for key, contradictions in found.contradictions.items():
        values, contradicting = without_contradictions(values, table, key, contradictions)
        quarantine = quarantine.unionByName(contradicting)
    rows, duplicates = without_duplicates(clean(values, table), table, found.different)
    return rows, quarantine.unionByName(duplicates)
