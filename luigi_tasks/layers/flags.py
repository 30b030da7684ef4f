"""Flags: which customers cannot be trusted, why, and from which day on that keeps them out.

A flag has a date, the snapshot date of its first evidence. What was scored before that date
stays as it was, because on its day nobody could know; everything else of the customer is
quarantined.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from luigi_tasks.extracts.contract import ATTRIBUTES, LOANS, TABLES
from luigi_tasks.layers.prediction_points import prediction_dates

# Earlier than any date of the data: the whole history of the customer is quarantined.
ALWAYS = "1900-01-01"


def evidence(
    silver: Mapping[str, DataFrame], *, prediction_mob: int, min_age: int, max_age: int
) -> DataFrame:
    """Every finding against a customer, once: Customer_ID, reason, flagged_on (its first date).

    Age, in years, is missing or outside `min_age` to `max_age`; the SSN is malformed; a column is
    negative that the contract marks with `flag_negative`; a borrower has no attributes at the
    prediction point, and so no age.
    """
    attributes = silver[ATTRIBUTES.name]
    age = F.col("Age")
    tests = [
        (attributes, age.isNull(), "age missing"),
        (attributes, (age < min_age) | (age > max_age), f"age outside {min_age}-{max_age}"),
        (attributes, ~F.col("SSN_valid"), "SSN malformed"),
    ]
    for table in TABLES.values():
        for column in table.columns:
            if column.flag_negative:
                negative = F.col(column.name) < 0
                tests.append((silver[table.name], negative, f"{column.name} negative"))
    findings = [
        rows.where(test).select(
            "Customer_ID", F.lit(reason).alias("reason"), F.col("snapshot_date").alias("flagged_on")
        )
        for rows, test, reason in tests
    ]
    predictions = prediction_dates(silver[LOANS.name], prediction_mob=prediction_mob)
    return (
        reduce(lambda a, b: a.unionByName(b), [*findings, without_age(predictions, attributes)])
        .groupBy("Customer_ID", "reason")
        .agg(F.min("flagged_on").alias("flagged_on"))
    )


def without_age(predictions: DataFrame, attributes: DataFrame) -> DataFrame:
    """A finding for every loan whose customer has no attributes by its prediction date."""
    first_seen = attributes.groupBy("Customer_ID").agg(F.min("snapshot_date").alias("first_seen"))
    return (
        predictions.join(first_seen, on="Customer_ID", how="left")
        .where(F.col("first_seen").isNull() | (F.col("first_seen") > F.col("prediction_date")))
        .select(
            "Customer_ID",
            F.lit("age missing").alias("reason"),
            F.col("prediction_date").alias("flagged_on"),
        )
    )


def quarantine_dates(findings: DataFrame, predictions: DataFrame) -> DataFrame:
    """Findings with quarantined_from, the date from which on the customer's rows are kept out.

    It is the date of the first finding for a customer with a loan scored before it, and the
    beginning of time for all others.
    """
    first = findings.groupBy("Customer_ID").agg(F.min("flagged_on").alias("first_flag"))
    scored = predictions.groupBy("Customer_ID").agg(
        F.min("prediction_date").alias("first_prediction")
    )
    dated = first.join(scored, on="Customer_ID", how="left").select(
        "Customer_ID",
        F.when(F.col("first_prediction") < F.col("first_flag"), F.col("first_flag"))
        .otherwise(F.lit(ALWAYS).cast("date"))
        .alias("quarantined_from"),
    )
    return findings.join(dated, on="Customer_ID", how="inner")


def flagged_customers(
    silver: Mapping[str, DataFrame], *, prediction_mob: int, min_age: int, max_age: int
) -> DataFrame:
    """Customer_ID, reason, flagged_on, quarantined_from: one row a customer and reason."""
    findings = evidence(silver, prediction_mob=prediction_mob, min_age=min_age, max_age=max_age)
    predictions = prediction_dates(silver[LOANS.name], prediction_mob=prediction_mob)
    return quarantine_dates(findings, predictions)


def quarantined(rows: DataFrame, flags: DataFrame) -> DataFrame:
    """The rows of a silver table that may not reach gold: what `exclusion.passed` leaves."""
    dates = flags.select("Customer_ID", "quarantined_from").dropDuplicates()
    joined = rows.join(dates, on="Customer_ID", how="inner")
    return joined.where(F.col("snapshot_date") >= F.col("quarantined_from")).select(*rows.columns)


def count_customers(silver: Mapping[str, DataFrame], flags: DataFrame) -> dict[str, Any]:
    """{total, flagged, reasons}: customers of all extracts, those flagged, and these by reason."""
    ids = [rows.select("Customer_ID") for rows in silver.values()]
    total = reduce(lambda a, b: a.union(b), ids).distinct().count()
    reasons = {row["reason"]: row["count"] for row in flags.groupBy("reason").count().collect()}
    flagged = flags.select("Customer_ID").distinct().count()
    return {"total": total, "flagged": flagged, "reasons": reasons}
