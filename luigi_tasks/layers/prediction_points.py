"""Prediction points: a loan is scored at `prediction_mob` months on book (MOB).

MOB is the installment number; the prediction date is loan_start_date + `prediction_mob` months.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def known_installments(loans: DataFrame, *, prediction_mob: int) -> DataFrame:
    """The rows before the prediction point that had arrived by then, with prediction_date.

    `loans` are rows of silver's lms_loan_daily: one an installment.
    """
    dated = loans.withColumn("prediction_date", F.add_months("loan_start_date", prediction_mob))
    return dated.where(
        (F.col("installment_num") < prediction_mob)
        & (F.col("snapshot_date") <= F.col("prediction_date"))
    )


def prediction_dates(loans: DataFrame, *, prediction_mob: int) -> DataFrame:
    """One row a loan: loan_id, Customer_ID, loan_start_date, prediction_date."""
    return _one_row_a_loan(known_installments(loans, prediction_mob=prediction_mob))


def prediction_points(
    loans: DataFrame, *, prediction_mob: int, overdue_threshold: float
) -> DataFrame:
    """The columns of `prediction_dates` and delinquent.

    A loan is delinquent when overdue_amt is above `overdue_threshold` at any installment that is
    known before its prediction point; all others are performing.
    """
    known = known_installments(loans, prediction_mob=prediction_mob)
    in_arrears = F.max("overdue_amt") > overdue_threshold
    return _one_row_a_loan(known, F.coalesce(in_arrears, F.lit(False)).alias("delinquent"))


def _one_row_a_loan(known: DataFrame, *more: Column) -> DataFrame:
    names = ("Customer_ID", "loan_start_date", "prediction_date")
    return known.groupBy("loan_id").agg(*(F.min(name).alias(name) for name in names), *more)
