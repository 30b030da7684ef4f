"""Features: what could be known of a loan at its prediction point.

Attributes and financials: the newest snapshot on or before the prediction date. Clickstream:
snapshots before the loan started. Repayment history: installments before the prediction point.
Nulls stay null. Amounts are in the currency of the extracts.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from luigi_tasks.extracts.contract import (
    ATTRIBUTES,
    CLICKSTREAM,
    CLICKSTREAM_FEATURES,
    FINANCIALS,
    LOANS,
)
from luigi_tasks.layers.prediction_points import known_installments


def with_features(
    loans: DataFrame, silver: Mapping[str, DataFrame], *, prediction_mob: int
) -> DataFrame:
    """The loans of `prediction_points` with the columns of all features beside their own."""
    table = loans
    for part in (
        newest_snapshot(loans, silver[ATTRIBUTES.name].drop("SSN_valid")),
        newest_snapshot(loans, silver[FINANCIALS.name]),
        repayment_history(silver[LOANS.name], prediction_mob=prediction_mob),
        clickstream_statistics(loans, silver[CLICKSTREAM.name]),
    ):
        table = table.join(part, on="loan_id", how="left")
    for name, value in engineered().items():
        table = table.withColumn(name, value)
    return table.drop("Type_of_Loan")  # a list; Num_Loan_Types is what a model can use


def engineered() -> dict[str, Column]:
    """The features that are computed from others, by name: the one place for a new one.

    All are without unit but Monthly_Surplus: currency a month.
    """
    salary = "Monthly_Inhand_Salary"
    kinds = F.size(F.split(F.col("Type_of_Loan"), "[|]"))
    return {
        "DTI": ratio("Total_EMI_per_month", salary),
        "Savings_Ratio": ratio("Amount_invested_monthly", salary),
        "Monthly_Surplus": F.col(salary)
        - F.col("Total_EMI_per_month")
        - F.col("Amount_invested_monthly"),
        "Debt_to_Annual_Income": ratio("Outstanding_Debt", "Annual_Income"),
        "Loan_to_Annual_Income": ratio("loan_amt", "Annual_Income"),
        "Delayed_per_Loan": ratio("Num_of_Delayed_Payment", "Num_of_Loan"),
        "Num_Loan_Types": F.when(F.col("Type_of_Loan").isNotNull(), kinds),
    }


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
    return sums.withColumn("hist_Loan_Payment_Ratio", ratio("hist_total_paid", "hist_total_due"))


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


def clickstream_statistics(loans: DataFrame, clickstream: DataFrame) -> DataFrame:
    """One row a loan with clickstream: fe_i_mean and fe_i_std over snapshots before its start.

    The standard deviation is that of a sample, √((n Σx² − (Σx)²) / (n (n − 1))), and null below
    two snapshots. Both are built from integer sums, which are exact in any order of the rows.
    """
    sums = []
    for name in CLICKSTREAM_FEATURES:
        value = F.col(name).cast("bigint")
        sums += [
            F.count(name).alias(f"{name}_n"),
            F.sum(value).alias(f"{name}_sum"),
            F.sum(value * value).alias(f"{name}_squares"),
        ]
    before = (
        loans.select("loan_id", "Customer_ID", "loan_start_date")
        .join(clickstream, on="Customer_ID", how="inner")
        .where(F.col("snapshot_date") < F.col("loan_start_date"))
    )
    statistics = []
    for name in CLICKSTREAM_FEATURES:
        n, total, squares = (F.col(f"{name}_{part}") for part in ("n", "sum", "squares"))
        spread = (n * squares - total * total).cast("double")
        pairs = (n * (n - 1)).cast("double")
        mean = F.when(n > 0, total.cast("double") / n.cast("double"))
        statistics += [
            mean.alias(f"{name}_mean"),
            F.when(n > 1, F.sqrt(spread / pairs)).alias(f"{name}_std"),
        ]
    return before.groupBy("loan_id").agg(*sums).select("loan_id", *statistics)


def ratio(numerator: str, denominator: str) -> Column:
    """One column by another; null where the denominator is less than a cent.

    What is divided by next to nothing is too large for a model.
    """
    return F.when(F.col(denominator) >= 0.01, F.col(numerator) / F.col(denominator))


def cents(name: str) -> Column:
    """A money column in whole cents, so that sums are exact on every engine."""
    return F.round(F.col(name) * 100).cast("bigint")
