"""Exclusion: what a flagged customer may still have in gold.

`flags` are rows of flagged_customers: of them Customer_ID and quarantined_from count.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def passed(rows: DataFrame, flags: DataFrame) -> DataFrame:
    """The rows of a silver table that may reach gold: those dated before their customer's flag."""
    dates = flags.select("Customer_ID", "quarantined_from").dropDuplicates()
    joined = rows.join(dates, on="Customer_ID", how="left")
    free = F.col("quarantined_from").isNull() | (F.col("snapshot_date") < F.col("quarantined_from"))
    return joined.where(free).select(*rows.columns)


def without_flagged(loans: DataFrame, flags: DataFrame) -> DataFrame:
    """The loans that were scored before their customer was flagged, or whose never was.

    It matters to a customer with several loans: one that began before the flag has rows that
    pass the quality check, but its prediction point may lie after it.
    """
    dates = flags.select(F.col("Customer_ID").alias("flagged_customer"), "quarantined_from")
    is_flagged = (F.col("Customer_ID") == F.col("flagged_customer")) & (
        F.col("prediction_date") >= F.col("quarantined_from")
    )
    # An anti join keeps the columns: asking for their names has the whole plan analysed.
    return loans.join(dates.dropDuplicates(), on=is_flagged, how="left_anti")
