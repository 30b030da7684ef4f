"""Labels: whether a loan went into arrears in its performance window.

The performance window is the installments from `prediction_mob` (or with `performance_from` =
after, the one behind it) to `observation_mob` (MOB: months on book). `loans` are rows
of silver's lms_loan_daily, one an installment.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def first_of_window(prediction_mob: int, performance_from: str) -> int:
    """The first installment of the performance window.

    At the prediction point itself a loan may already be late for a payment that nobody had seen;
    `after` leaves that installment out.
    """
    return prediction_mob + (performance_from == "after")


def labels(
    loans: DataFrame,
    *,
    prediction_mob: int,
    observation_mob: int,
    performance_from: str,
    overdue_threshold: float,
) -> DataFrame:
    """loan_id, label, label_date of the loans that have a label.

    There is none while the row of `observation_mob` has not arrived. From then on it is 1 when
    overdue_amt, in the currency of the extract, is above `overdue_threshold` at any installment of
    the window: one row proves a default, whatever the others hide. It is 0 only when every
    installment of the window is there and its overdue_amt can be read: one that is unknown may be
    the one in arrears. label_date is the first day on which the label can be known. What arrives
    later does not move that of a default: a run as of that day has seen the same label.
    """
    first = first_of_window(prediction_mob, performance_from)
    window = _performance_window(loans, first, observation_mob)
    arrived, arrears = F.col("snapshot_date"), F.col("overdue_amt") > overdue_threshold
    default = F.col("proven").isNotNull()
    complete = F.col("readable") == _length(first, observation_mob)
    known = F.when(default, F.greatest("observed", "proven")).otherwise(F.col("newest"))
    return (
        window.groupBy("loan_id")
        .agg(
            F.max(F.when(F.col("installment_num") == observation_mob, arrived)).alias("observed"),
            F.min(F.when(arrears, arrived)).alias("proven"),
            F.max(arrived).alias("newest"),
            F.count("overdue_amt").alias("readable"),
            F.max(F.add_months("loan_start_date", observation_mob)).alias("point"),
        )
        .where(F.col("observed").isNotNull() & (default | complete))
        .select(
            "loan_id",
            default.cast("int").alias("label"),
            F.greatest(known, F.col("point")).alias("label_date"),
        )
    )


def unlabelled(
    gold: DataFrame, loans: DataFrame, *, first_mob: int, observation_mob: int
) -> DataFrame:
    """loan_id, reason: the loans past their observation point that have no label.

    `gold` are rows of the gold table: of them loan_id, loan_start_date and label count. `loans`
    are those of all customers; the newest of their snapshots is today. The performance window
    begins with installment `first_mob`.
    """
    today = loans.agg(F.max("snapshot_date").alias("today"))
    observation_point = F.add_months("loan_start_date", observation_mob)
    overdue = (
        gold.where(F.col("label").isNull())
        .crossJoin(today)
        .where(observation_point <= F.col("today"))
        .select("loan_id")
    )
    arrived = (
        _performance_window(loans, first_mob, observation_mob)
        .groupBy("loan_id")
        .agg(F.count(F.lit(1)).alias("rows"), F.count("overdue_amt").alias("readable"))
    )
    return overdue.join(arrived, on="loan_id", how="left").select(
        "loan_id", _reason(first_mob, observation_mob).alias("reason")
    )


def _reason(first: int, last: int) -> Column:
    """Why a loan has no label, from the `rows` that have arrived and how many are `readable`."""
    length = _length(first, last)
    complete = F.coalesce(F.col("rows") == length, F.lit(False))
    return (
        F.when(~complete, f"installments {first} to {last} are not all there")
        .when(
            F.col("readable") < length,
            f"overdue_amt is unknown at an installment from {first} to {last}",
        )
        .otherwise("the customer was flagged before the observation point")
    )


def _performance_window(loans: DataFrame, first: int, last: int) -> DataFrame:
    return loans.where(F.col("installment_num").between(first, last))


def _length(first: int, last: int) -> int:
    return last - first + 1
