"""Prediction points: a loan is scored at `prediction_mob` months on book (MOB).

MOB is the installment number; the prediction date is loan_start_date + `prediction_mob` months.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
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
    known = known_installments(loans, prediction_mob=prediction_mob)
    return known.groupBy("loan_id").agg(
        F.min("Customer_ID").alias("Customer_ID"),
        F.min("loan_start_date").alias("loan_start_date"),
        F.min("prediction_date").alias("prediction_date"),
    )
