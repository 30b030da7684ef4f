"""The gold table: one row a loan, with its features and, once it has matured, its label."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from luigi_tasks.extracts.contract import CLICKSTREAM, LOANS
from luigi_tasks.layers.exclusion import passed, without_flagged
from luigi_tasks.layers.features import with_features
from luigi_tasks.layers.labels import labels
from luigi_tasks.layers.prediction_points import prediction_points

# Of silver's names: customer_id is Customer_ID there.
KEYS = ("loan_id", "Customer_ID", "vintage", "loan_start_date", "prediction_date", "delinquent")


def gold_table(
    silver: Mapping[str, DataFrame],
    flags: DataFrame,
    *,
    prediction_mob: int,
    observation_mob: int,
    performance_from: str,
    overdue_threshold: float,
    clickstream_months: int,
    newest: dt.date | None = None,
) -> DataFrame:
    """The loans that have reached their prediction point, without those of flagged customers.

    KEYS, the features, label and label_date; delinquent says whether the loan was in arrears at any
    installment before its prediction point. Features are as they could be known at the prediction
    point and null where nothing is known; label and label_date are null until the label has
    matured. `newest` is the newest snapshot of all loans that pass the flags; by default the
    newest of the given ones.
    """
    sound = {name: passed(rows, flags) for name, rows in silver.items()}
    loans = every_loan(
        sound,
        silver[CLICKSTREAM.name],
        prediction_mob=prediction_mob,
        observation_mob=observation_mob,
        performance_from=performance_from,
        overdue_threshold=overdue_threshold,
        clickstream_months=clickstream_months,
        newest=newest,
    )
    return without_flagged(loans, flags)


def every_loan(
    silver: Mapping[str, DataFrame],
    all_clicks: DataFrame,
    *,
    prediction_mob: int,
    observation_mob: int,
    performance_from: str,
    overdue_threshold: float,
    clickstream_months: int,
    newest: dt.date | None = None,
) -> DataFrame:
    """The same of all customers: the loans scored by the newest loan snapshot.

    `all_clicks` is the clickstream that the customers of `silver` are compared with.
    """
    installments = silver[LOANS.name]
    loans = _reached(
        installments,
        _newest(installments) if newest is None else newest,
        prediction_mob=prediction_mob,
        overdue_threshold=overdue_threshold,
    )
    label = labels(
        installments,
        prediction_mob=prediction_mob,
        observation_mob=observation_mob,
        performance_from=performance_from,
        overdue_threshold=overdue_threshold,
    )
    # Left joins keep the order of the columns; to ask for their names has the whole plan analysed.
    return (
        with_features(
            loans,
            silver,
            all_clicks,
            prediction_mob=prediction_mob,
            clickstream_months=clickstream_months,
        )
        .join(label, on="loan_id", how="left")
        .withColumnRenamed("Customer_ID", "customer_id")
    )


def excluded_loans(
    gold: DataFrame,
    installments: DataFrame,
    *,
    prediction_mob: int,
    observation_mob: int,
    performance_from: str,
    overdue_threshold: float,
) -> DataFrame:
    """The loans that the flags of their customers keep out of gold, to see what that does.

    `installments` are those of all customers; nothing else is asked of them. loan_id, vintage,
    prediction_date, delinquent, label and label_date, as gold has them.
    """
    own = installments.join(gold.select("loan_id"), on="loan_id", how="left_anti")
    loans = _reached(
        own,
        _newest(installments),
        prediction_mob=prediction_mob,
        overdue_threshold=overdue_threshold,
    )
    label = labels(
        own,
        prediction_mob=prediction_mob,
        observation_mob=observation_mob,
        performance_from=performance_from,
        overdue_threshold=overdue_threshold,
    )
    return loans.select("loan_id", "vintage", "prediction_date", "delinquent").join(
        label, on="loan_id", how="left"
    )


def _newest(installments: DataFrame) -> DataFrame:
    return installments.agg(F.max("snapshot_date").alias("newest"))


def _reached(installments: DataFrame, newest: DataFrame | dt.date, **settings: Any) -> DataFrame:
    """KEYS of the loans scored by the newest snapshot."""
    points = prediction_points(installments, **settings)
    if isinstance(newest, dt.date):
        points = points.withColumn("newest", F.lit(newest))
    else:
        points = points.crossJoin(newest)
    return (
        points.where(F.col("prediction_date") <= F.col("newest"))
        .withColumn("vintage", F.trunc("loan_start_date", "month"))
        .select(*KEYS)
    )
