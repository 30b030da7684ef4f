"""Features: what could be known of a loan at its prediction point.

Attributes and financials: the newest snapshot on or before the prediction date. Clickstream:
snapshots of the months before the loan started. Repayment history: installments before the
prediction point. Nulls stay null. Amounts are in the currency of the extracts.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from luigi_tasks.extracts.contract import ATTRIBUTES, CLICKSTREAM, FINANCIALS, LOANS
from luigi_tasks.layers.clickstream import clickstream_statistics
from luigi_tasks.layers.engineered import ENGINEERED, ratio
from luigi_tasks.layers.prediction_points import known_installments


def with_features(
    loans: DataFrame,
    silver: Mapping[str, DataFrame],
    by_day: DataFrame,
    *,
    prediction_mob: int,
    clickstream_months: int,
) -> DataFrame:
    """The loans of `prediction_points` with the columns of all features beside their own.

    `by_day` are the `sums_by_day` of the clickstream.
    """
    table = loans
    for part in (
        newest_snapshot(loans, silver[ATTRIBUTES.name].drop("SSN_valid")),
        with_loan_types(newest_snapshot(loans, silver[FINANCIALS.name])),
        repayment_history(silver[LOANS.name], prediction_mob=prediction_mob),
        clickstream_statistics(loans, silver[CLICKSTREAM.name], by_day, months=clickstream_months),
    ):
        table = table.join(part, on="loan_id", how="left")
    for name, formula in ENGINEERED.items():
        table = table.withColumn(name, F.expr(formula))
    return table


def with_loan_types(financials: DataFrame) -> DataFrame:
    """Snapshots with Num_Loan_Types in place of the list Type_of_Loan: how many distinct types.

    It is 0 when the list is empty, and null when it is although there are loans.
    """
    listed, loans = F.col("Type_of_Loan"), F.col("Num_of_Loan")
    distinct = F.size(F.array_distinct(F.split(listed, "[|]")))
    none = F.when(F.coalesce(loans, F.lit(0)) == 0, F.lit(0))
    kinds = F.when(listed.isNotNull(), distinct).otherwise(none)
    return financials.withColumn("Num_Loan_Types", kinds).drop("Type_of_Loan")


def repayment_history(loans: DataFrame, *, prediction_mob: int) -> DataFrame:
    """One row a loan over the installments known at the prediction point.

    loan_id, loan_amt, hist_total_paid, hist_total_due, hist_max_overdue, hist_last_overdue (at
    the last installment before the prediction point): amounts; hist_missed_installments: how many
    were paid less than was due; hist_Loan_Payment_Ratio: paid / due.
    """
    last = F.when(F.col("installment_num") == prediction_mob - 1, F.col("overdue_amt"))
    known = known_installments(loans, prediction_mob=prediction_mob)
    sums = known.groupBy("loan_id").agg(
        F.max("loan_amt").alias("loan_amt"),
        (F.sum(cents("paid_amt")) / 100).alias("hist_total_paid"),
        (F.sum(cents("due_amt")) / 100).alias("hist_total_due"),
        F.max("overdue_amt").alias("hist_max_overdue"),
        F.max(last).alias("hist_last_overdue"),
        F.sum(F.when(F.col("paid_amt") < F.col("due_amt"), 1).otherwise(0)).alias(
            "hist_missed_installments"
        ),
    )
    paid = F.expr(ratio("hist_total_paid", "hist_total_due"))
    return sums.withColumn("hist_Loan_Payment_Ratio", paid)


def newest_snapshot(loans: DataFrame, snapshots: DataFrame) -> DataFrame:
    """loan_id and the columns of the customer's newest snapshot up to the prediction date.

    A loan whose customer has none has no row.
    """
    values = [c for c in snapshots.columns if c not in ("Customer_ID", "snapshot_date")]
    newest_first = Window.partitionBy("loan_id").orderBy(F.col("snapshot_date").desc())
    return (
        loans.select("loan_id", "Customer_ID", "prediction_date")
        .join(snapshots, on="Customer_ID", how="inner")
        .where(F.col("snapshot_date") <= F.col("prediction_date"))
        .withColumn("age_rank", F.row_number().over(newest_first))
        .where(F.col("age_rank") == 1)
        .select("loan_id", *values)
    )


def cents(name: str) -> Column:
    """A money column in whole cents, so that sums are exact on every engine."""
    return F.round(F.col(name) * 100).cast("bigint")
