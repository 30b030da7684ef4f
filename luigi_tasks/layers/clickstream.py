"""Clickstream features: how a customer's use differs from everybody's in the same months.

A loan's window is the `months` months before it started. Neither a longer history nor a feed that
moves for everybody changes what these features mean, so their distribution is the same for old
and new loans (docs/features.md says what was tried). All are without unit.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from luigi_tasks.extracts.contract import CLICKSTREAM_FEATURES

# A variance below this share of the mean square is what rounding leaves of a constant.
_CONSTANT = 1e-9


def clickstream_statistics(
    loans: DataFrame, clickstream: DataFrame, by_day: DataFrame, *, months: int
) -> DataFrame:
    """One row a loan: loan_id, fe_1_z … fe_20_z, fe_snapshots, fe_coverage.

    fe_i_z is the z-score of the customer's mean: (x̄ − μ) / (σ / √n), x̄ the mean of the n
    snapshots in the window, μ and σ (of a sample) those of everybody in it, whom `by_day` sums up.
    It is null without a snapshot, and where everybody has the same value. fe_snapshots is the
    number of the customer's snapshots in the window, 0 without any; fe_coverage the share of the
    window's months with anybody's snapshot that have one of the customer's, null when nobody has
    any. There are at most 60 months.

    All is built from integer sums, which are exact in any order of the rows.
    """
    dated = loans.select("loan_id", "Customer_ID", "loan_start_date")
    own = (
        dated.join(clickstream, on="Customer_ID", how="inner")
        .where(_in_window(months))
        .groupBy("loan_id")
        .agg(
            F.count(F.lit(1)).alias("snapshots"),
            # A bit for each month takes less than to keep a set of months for each loan.
            F.bit_count(F.bit_or(_bit_of_month())).alias("months"),
            *_sums("own"),
        )
    )
    table = dated.join(own, on="loan_id", how="left").join(
        population(loans, by_day, months=months), on="loan_start_date", how="left"
    )
    covered = F.coalesce(F.col("months"), F.lit(0)) / F.col("all_months")
    return table.select(
        "loan_id",
        *(_z_score(name).alias(f"{name}_z") for name in CLICKSTREAM_FEATURES),
        F.coalesce(F.col("snapshots"), F.lit(0)).alias("fe_snapshots"),
        covered.alias("fe_coverage"),
    )


def sums_by_day(everybody: DataFrame) -> DataFrame:
    """snapshot_date; fe_i_all_n, fe_i_all_sum, fe_i_all_squares over the snapshots of each day.

    The number of values, their sum and that of their squares (as exact as 9.2 million values at the
    limit of the contract allow). `everybody` are the snapshots of all customers, those too whom the
    flags keep out: what everybody does must not depend on who is flagged.
    """
    squares = [
        F.sum(_whole(name) * _whole(name)).alias(f"{name}_all_squares")
        for name in CLICKSTREAM_FEATURES
    ]
    return everybody.groupBy("snapshot_date").agg(*_sums("all"), *squares)


def population(loans: DataFrame, by_day: DataFrame, *, months: int) -> DataFrame:
    """The sums of all snapshots in the window of each loan_start_date; no row without any.

    all_months: months with a snapshot; and the columns of `sums_by_day`.
    """
    starts = loans.select("loan_start_date").dropDuplicates()
    parts = ("n", "sum", "squares")
    names = [f"{name}_all_{part}" for name in CLICKSTREAM_FEATURES for part in parts]
    return (
        starts.crossJoin(by_day)
        .where(_in_window(months))
        .groupBy("loan_start_date")
        .agg(
            F.countDistinct(F.trunc("snapshot_date", "month")).alias("all_months"),
            *(F.sum(name).alias(name) for name in names),
        )
    )


def _in_window(months: int) -> Column:
    day, start = F.col("snapshot_date"), F.col("loan_start_date")
    return (day < start) & (day >= F.add_months(start, -months))


def _bit_of_month() -> Column:
    """A number with one bit, that of how many months before the loan's start the snapshot is."""
    start, day = F.col("loan_start_date"), F.col("snapshot_date")
    before = (F.year(start) - F.year(day)) * 12 + F.month(start) - F.month(day)
    return F.call_function("shiftleft", F.lit(1).cast("bigint"), before)


def _whole(name: str) -> Column:
    return F.col(name).cast("bigint")


def _sums(whose: str) -> list[Column]:
    return [
        column
        for name in CLICKSTREAM_FEATURES
        for column in (
            F.count(name).alias(f"{name}_{whose}_n"),
            F.sum(_whole(name)).alias(f"{name}_{whose}_sum"),
        )
    ]


def _z_score(name: str) -> Column:
    n, own = F.col(f"{name}_own_n"), F.col(f"{name}_own_sum")
    everybody, total, squares = (F.col(f"{name}_all_{part}") for part in ("n", "sum", "squares"))
    # Null where there is no deviation: Sail may divide in rows that the condition excludes.
    size = F.when(everybody > 1, everybody.cast("double"))
    mean_square = squares.cast("double") / size
    mean = total.cast("double") / size
    variance = (mean_square - mean * mean) * size / (size - 1)
    deviation = (everybody * own - n * total).cast("double") / size
    return F.when(
        (n > 0) & (variance > mean_square * _CONSTANT),
        deviation / F.sqrt(n.cast("double") * variance),
    )
