"""The installments that a day knows of, without those of the customers that it distrusts."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from luigi_tasks.layers.exclusion import passed


def known_on(loans: DataFrame, flags: DataFrame, as_of: dt.date) -> DataFrame:
    """The rows of silver's lms_loan_daily that had arrived by a day, and passed on it.

    `flags` are rows of flagged_customers. One that is dated later than the day excludes nothing,
    because on that day nobody could know of it.
    """
    day = date(as_of)
    known = loans.where(F.col("snapshot_date") <= day)
    return passed(known, flags.where(F.col("flagged_on") <= day))


def date(day: dt.date) -> Column:
    """A day as a column."""
    return F.lit(day.isoformat()).cast("date")


def newest_snapshot(loans: DataFrame, as_of: dt.date) -> dt.date:
    """The last day up to a day of which anything has arrived; there must be one."""
    known = loans.where(F.col("snapshot_date") <= date(as_of))
    newest: dt.date = known.agg(F.max("snapshot_date")).collect()[0][0]
    return newest
