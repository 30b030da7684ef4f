"""The gold table: one row a loan, with its features and, once it has matured, its label."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from luigi_tasks.extracts.contract import LOANS
from luigi_tasks.layers.exclusion import passed, without_flagged
from luigi_tasks.layers.features import with_features
from luigi_tasks.layers.labels import labels
from luigi_tasks.layers.prediction_points import prediction_points

# Of silver's names: customer_id is Customer_ID there.
KEYS = ("loan_id", "Customer_ID", "vintage", "loan_start_date", "prediction_date", "delinquent")


def scored_loans(
    installments: DataFrame,
    flags: DataFrame,
    *,
    prediction_mob: int,
    overdue_threshold: float,
    newest: dt.date | None = None,
) -> DataFrame:
    """KEYS of the loans that have reached their prediction point, without flagged customers' ones.

    delinquent says whether the loan was in arrears at any installment before its prediction point.
    `newest` is the newest snapshot of all loans that pass the flags; by default the newest of the
    given installments.
    """
    sound = passed(installments, flags)
    points = _reached(
        sound,
        _newest(sound) if newest is None else newest,
        prediction_mob=prediction_mob,
        overdue_threshold=overdue_threshold,
    )
    return without_flagged(points, flags)


def gold_table(
    loans: DataFrame,
    silver: Mapping[str, DataFrame],
    flags: DataFrame,
    by_day: DataFrame,
    *,
    prediction_mob: int,
    observation_mob: int,
    performance_from: str,
    overdue_threshold: float,
    clickstream_months: int,
) -> DataFrame:
    """The `scored_loans` with their features and labels: KEYS, the features, label and label_date.

    Features are as they could be known at the prediction point and null where nothing is known;
    label and label_date are null until the label has matured. A flag of a customer of these loans
    lies behind their prediction points, so that it concerns labels alone. `by_day` are the
    `sums_by_day` of the clickstream. `loans` and `by_day` are used several times.
    """
    label = labels(
        passed(silver[LOANS.name], flags),
        prediction_mob=prediction_mob,
        observation_mob=observation_mob,
        performance_from=performance_from,
        overdue_threshold=overdue_threshold,
    )
    features = with_features(
        loans,
        silver,
        by_day,
        prediction_mob=prediction_mob,
        clickstream_months=clickstream_months,
    )
    # Left joins keep the order of the columns; to ask for their names has the whole plan analysed.
    return features.join(label, on="loan_id", how="left").withColumnRenamed(
        "Customer_ID", "customer_id"
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
