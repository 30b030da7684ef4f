"""Labels: whether a loan went into arrears in its performance window."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def labels(
    loans: DataFrame, *, prediction_mob: int, observation_mob: int, overdue_threshold: float
) -> DataFrame:
    """loan_id, label, label_date of the loans whose label has matured.

    `loans` are rows of silver's lms_loan_daily; the performance window are the installments from
    `prediction_mob` to `observation_mob` (MOB: months on book). The label is 1 when overdue_amt,
    in the currency of the extract, is above `overdue_threshold` at any of them, else 0. There is
    none while the row of `observation_mob` has not arrived or no arrears can be read. label_date
    is the day from which on it can be known.
    """
    window = loans.where(F.col("installment_num").between(prediction_mob, observation_mob))
    observed = F.max(F.when(F.col("installment_num") == observation_mob, 1)).isNotNull()
    return (
        window.groupBy("loan_id")
        .agg(
            observed.alias("observed"),
            F.max("overdue_amt").alias("worst"),
            F.greatest(
                F.max("snapshot_date"), F.max(F.add_months("loan_start_date", observation_mob))
            ).alias("label_date"),
        )
        .where(F.col("observed") & F.col("worst").isNotNull())
        .select(
            "loan_id", (F.col("worst") > overdue_threshold).cast("int").alias("label"), "label_date"
        )
    )
