"""Vintage curves: the share of each vintage that has defaulted by each month on book (MOB).

Vintages are compared at equal maturity: one that has not reached a MOB has no value there.
Siddiqi, "Intelligent Credit Scoring", 2nd ed. 2017, chapter 4 (vintage and cohort analysis).
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from luigi_tasks.monitoring.installments import date

COLUMNS = {
    "vintage": "object",
    "mob": "int64",
    "loans": "int64",
    "left_out": "int64",
    "defaulted": "int64",
    "cumulative_default_rate": "float64",
}


def first_defaults(known: DataFrame, newest: dt.date, *, overdue_threshold: float) -> DataFrame:
    """How many loans of a vintage defaulted first at which MOB, by how far they can be followed.

    `known` are installments, `newest` is the last day whose installments have arrived. vintage,
    last_mob (the last that every loan of the vintage has reached by `newest`, at most its longest
    tenure), complete, first_default (MOB, null without one), loans. A loan is complete when its
    overdue_amt can be read at every installment from 1 to last_mob, or to the end of its tenure.
    It defaults when overdue_amt, in the currency of the extract, is above `overdue_threshold`.
    """
    dated = known.withColumn("vintage", F.trunc("loan_start_date", "month"))
    last_mob = F.least(_months_until("youngest", newest), F.col("longest"))
    vintages = (
        dated.groupBy("vintage")
        .agg(F.max("loan_start_date").alias("youngest"), F.max("tenure").alias("longest"))
        .select("vintage", last_mob.alias("last_mob"))
        .where(F.col("last_mob") >= 1)
    )
    mob, last = F.col("installment_num"), F.least("tenure", "last_mob")
    inside = mob.between(1, last)
    loans = (
        dated.join(vintages, on="vintage", how="inner")
        .groupBy("loan_id", "vintage", "last_mob")
        .agg(
            F.min(last).alias("needed"),
            F.count(F.when(inside, F.col("overdue_amt"))).alias("readable"),
            F.min(F.when(inside & (F.col("overdue_amt") > overdue_threshold), mob)).alias(
                "first_default"
            ),
        )
    )
    complete = F.col("readable") == F.col("needed")
    return (
        loans.withColumn("complete", complete)
        .groupBy("vintage", "last_mob", "complete", "first_default")
        .agg(F.count(F.lit(1)).alias("loans"))
    )


def _months_until(column: str, day: dt.date) -> Column:
    """The whole months from a date to a day: the last MOB that is due by then."""
    months = (day.year - F.year(column)) * 12 + (day.month - F.month(column))
    return months - F.when(F.add_months(column, months) > date(day), 1).otherwise(0)


def vintage_curves(counts: pd.DataFrame) -> pd.DataFrame:
    """One row a vintage and a MOB that all of it has reached; `counts` as of `first_defaults`.

    vintage (its first day), mob, loans (the same at every MOB of a vintage), left_out (its loans
    that cannot be followed to its last MOB: an installment is missing or unreadable, or the
    customer was flagged meanwhile), defaulted (of `loans`, those that were ever above the
    threshold by this MOB), cumulative_default_rate (defaulted ÷ loans).
    """
    parts = [_curve(vintage, own) for vintage, own in counts.groupby("vintage")]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    return table.astype(COLUMNS)


def _curve(vintage: object, counts: pd.DataFrame) -> pd.DataFrame:
    """The rows of one vintage; none when no loan of it can be followed."""
    loans = counts["loans"].to_numpy()
    followed = counts["complete"].to_numpy()
    n = int(loans[followed].sum())
    mobs = np.arange(1, counts["last_mob"].max() + 1 if n else 1)
    first = counts["first_default"].to_numpy(dtype=float)
    defaulted = (followed & (first <= mobs[:, None])) @ loans
    return pd.DataFrame(
        {
            "vintage": vintage,
            "mob": mobs,
            "loans": n,
            "left_out": int(loans.sum()) - n,
            "defaulted": defaulted,
            "cumulative_default_rate": defaulted / n if n else 0.0,
        },
        columns=list(COLUMNS),
    )
