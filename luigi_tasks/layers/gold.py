"""Gold: one row a loan, as it could be known at its prediction point, and its label.

Attributes and financials: the newest snapshot on or before the prediction date. Clickstream:
snapshots before the loan started. Repayment history: installments before the prediction point.
Nulls stay null.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import luigi

from luigi_tasks.core import tables
from luigi_tasks.core.engines import session
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.extracts.contract import CLICKSTREAM_FEATURES, TABLES
from luigi_tasks.layers.quality import QualityCheck, passed, prediction_dates
from luigi_tasks.layers.silver import Silver

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def ratio(numerator: str | Column, denominator: str | Column) -> Column:
    """numerator / denominator; null where the denominator is not positive."""
    from pyspark.sql import functions as F

    above = F.col(numerator) if isinstance(numerator, str) else numerator
    below = F.col(denominator) if isinstance(denominator, str) else denominator
    return F.when(below > 0, above / below)


def cents(name: str) -> Column:
    """A money column in whole cents, so that sums are exact on every engine."""
    from pyspark.sql import functions as F

    return F.round(F.col(name) * 100).cast("bigint")


def repayment_history(loans: DataFrame, prediction_mob: int) -> DataFrame:
    """One row a loan over the installments before the prediction point.

    loan_id, loan_amt, hist_total_paid, hist_total_due, hist_Loan_Payment_Ratio (paid / due),
    hist_max_overdue, hist_last_overdue (at the last installment before the prediction point),
    hist_missed_installments (paid less than due). Amounts in the currency of the extract.
    """
    from pyspark.sql import functions as F

    last = F.when(F.col("installment_num") == prediction_mob - 1, F.col("overdue_amt"))
    known = loans.where(
        (F.col("installment_num") < prediction_mob)
        & (F.col("snapshot_date") <= F.add_months("loan_start_date", prediction_mob))
    )
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


def labels(
    loans: DataFrame, prediction_mob: int, observation_mob: int, overdue_threshold: float
) -> DataFrame:
    """loan_id, label, label_date over the performance window.

    The label is 1 when overdue_amt > `overdue_threshold` at any installment from
    `prediction_mob` to `observation_mob`, else 0, and null while the row of `observation_mob`
    has not arrived or no arrears can be read. label_date is the day from which on it can be
    known.
    """
    from pyspark.sql import functions as F

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


def newest_snapshot(loans: DataFrame, snapshots: DataFrame) -> DataFrame:
    """loan_id with the customer's newest snapshot on or before the prediction date."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

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

    The standard deviation is that of a sample (n − 1), null below two snapshots. Both are built
    from exact integer sums: n Σx² − (Σx)² does not depend on the order of the rows.
    """
    from pyspark.sql import functions as F

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


def engineered() -> dict[str, Column]:
    """The ratios over the financials at the prediction point, by name.

    All are without unit but Monthly_Surplus: currency a month.
    """
    from pyspark.sql import functions as F

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


def build_gold(
    silver: Mapping[str, DataFrame],
    prediction_mob: int,
    observation_mob: int,
    overdue_threshold: float,
) -> DataFrame:
    """One row a loan that has reached its prediction point by the newest loan snapshot."""
    from pyspark.sql import functions as F

    rows = silver["lms_loan_daily"]
    newest = rows.agg(F.max("snapshot_date").alias("newest"))
    loans = (
        prediction_dates(rows, prediction_mob)
        .crossJoin(newest)
        .where(F.col("prediction_date") <= F.col("newest"))
        .drop("newest")
    )
    label = labels(rows, prediction_mob, observation_mob, overdue_threshold)
    gold = loans
    for part in (
        newest_snapshot(loans, silver["features_attributes"].drop("SSN_valid")),
        newest_snapshot(loans, silver["features_financials"]),
        repayment_history(rows, prediction_mob),
        clickstream_statistics(loans, silver["feature_clickstream"]),
        label,
    ):
        gold = gold.join(part, on="loan_id", how="left")
    for name, value in engineered().items():
        gold = gold.withColumn(name, value)
    keys = ["loan_id", "customer_id", "vintage", "loan_start_date", "prediction_date"]
    gold = gold.withColumn("vintage", F.trunc("loan_start_date", "month")).withColumnRenamed(
        "Customer_ID", "customer_id"
    )
    features = [c for c in gold.columns if c not in (*keys, "label", "label_date", "Type_of_Loan")]
    return gold.select(*keys, *features, "label", "label_date")


def without_flagged(gold: DataFrame, flags: DataFrame) -> DataFrame:
    """The loans that were scored before their customer was flagged, or whose never was.

    It matters to a customer with several loans: one that began before the flag has rows that
    pass the quality check, but its prediction point may lie after it.
    """
    from pyspark.sql import functions as F

    dates = flags.select(F.col("Customer_ID").alias("customer_id"), "quarantined_from")
    joined = gold.join(dates.dropDuplicates(), on="customer_id", how="left")
    flagged = F.coalesce(F.col("prediction_date") >= F.col("quarantined_from"), F.lit(False))
    return joined.where(~flagged).select(*gold.columns)


class GoldFeatures(Stage):
    """Features and labels of every loan at its prediction point, without flagged customers."""

    reads = ("labels.prediction_mob", "labels.observation_mob", "labels.overdue_threshold")

    def requires(self) -> dict[str, luigi.Task]:
        return {"flags": QualityCheck(), **{name: Silver(table=name) for name in TABLES}}

    product = "features"

    def output(self) -> dict[str, StageTarget]:
        return {"features": Directory(in_datamart("gold", "features.parquet"))}

    @session.errors_explained()
    def build(self, staging: Mapping[str, Path]) -> None:
        import pyarrow.dataset as ds

        flags = session.read(QualityCheck().path())
        silver = {name: passed(session.read(Silver(table=name).path()), flags) for name in TABLES}
        gold = build_gold(silver, *(self.params[name] for name in self.reads))
        gold = without_flagged(gold, flags)
        reached = ds.field("installment_num") == self.params["labels.prediction_mob"]
        total = tables.count_rows(Silver(table="lms_loan_daily").path(), reached)
        with Progress(self, "joining", total, "loans") as progress:
            session.write(gold, staging["features"], ["loan_id"], progress)
