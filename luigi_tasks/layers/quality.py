"""Quality check: customers whose master data cannot be trusted are flagged and kept out of gold.

A flag has a date, the snapshot date of its first evidence. What was scored before that date
stays as it was, because on its day nobody could know; everything else of the customer is
quarantined.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from luigi_tasks.core import tables
from luigi_tasks.core.engines import session
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.storage import in_datamart, in_reports
from luigi_tasks.core.targets import Directory, Document, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.layers.bronze import Bronze
from luigi_tasks.layers.silver import Silver

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Earlier than any date of the data: the whole history of the customer is quarantined.
ALWAYS = "1900-01-01"

NOT_NEGATIVE = {
    "features_financials": ("Annual_Income", "Monthly_Inhand_Salary", "Outstanding_Debt"),
    "lms_loan_daily": ("loan_amt",),
}


def prediction_dates(loans: DataFrame, prediction_mob: int) -> DataFrame:
    """One row a loan: Customer_ID, loan_id, loan_start_date, prediction_date.

    The prediction date is loan_start_date + `prediction_mob` months.
    """
    from pyspark.sql import functions as F

    known = loans.withColumn("prediction_date", F.add_months("loan_start_date", prediction_mob))
    known = known.where(
        (F.col("installment_num") < prediction_mob)
        & (F.col("snapshot_date") <= F.col("prediction_date"))
    )
    return known.groupBy("loan_id").agg(
        F.min("Customer_ID").alias("Customer_ID"),
        F.min("loan_start_date").alias("loan_start_date"),
        F.min("prediction_date").alias("prediction_date"),
    )


def evidence(
    silver: Mapping[str, DataFrame], prediction_mob: int, min_age: int, max_age: int
) -> DataFrame:
    """Every finding against a customer: Customer_ID, reason, flagged_on."""
    from pyspark.sql import functions as F

    attributes = silver["features_attributes"]
    age = F.col("Age")
    findings = [
        (attributes, age.isNull(), "age missing"),
        (attributes, (age < min_age) | (age > max_age), f"age outside {min_age}-{max_age}"),
        (attributes, ~F.col("SSN_valid"), "SSN malformed"),
    ]
    for table, columns in NOT_NEGATIVE.items():
        findings += [(silver[table], F.col(name) < 0, f"{name} negative") for name in columns]
    found = [
        frame.where(test).select(
            "Customer_ID", F.lit(reason).alias("reason"), F.col("snapshot_date").alias("flagged_on")
        )
        for frame, test, reason in findings
    ]
    first_seen = attributes.groupBy("Customer_ID").agg(F.min("snapshot_date").alias("first_seen"))
    nameless = (
        prediction_dates(silver["lms_loan_daily"], prediction_mob)
        .join(first_seen, on="Customer_ID", how="left")
        .where(F.col("first_seen").isNull() | (F.col("first_seen") > F.col("prediction_date")))
        .select(
            "Customer_ID",
            F.lit("age missing").alias("reason"),
            F.col("prediction_date").alias("flagged_on"),
        )
    )
    return (
        reduce(lambda a, b: a.unionByName(b), [*found, nameless])
        .groupBy("Customer_ID", "reason")
        .agg(F.min("flagged_on").alias("flagged_on"))
    )


def quarantine_dates(findings: DataFrame, predictions: DataFrame) -> DataFrame:
    """Findings with the date from which on the customer's rows are quarantined.

    It is the date of the first finding for a customer with a loan scored before it, and the
    beginning of time for all others.
    """
    from pyspark.sql import functions as F

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


def passed(frame: DataFrame, flags: DataFrame) -> DataFrame:
    """The rows of a silver table that may reach gold."""
    from pyspark.sql import functions as F

    dates = flags.select("Customer_ID", "quarantined_from").dropDuplicates()
    joined = frame.join(dates, on="Customer_ID", how="left")
    free = F.col("quarantined_from").isNull() | (F.col("snapshot_date") < F.col("quarantined_from"))
    return joined.where(free).select(*frame.columns)


def quarantined(frame: DataFrame, flags: DataFrame) -> DataFrame:
    """The rows of a silver table that may not reach gold."""
    from pyspark.sql import functions as F

    dates = flags.select("Customer_ID", "quarantined_from").dropDuplicates()
    joined = frame.join(dates, on="Customer_ID", how="inner")
    return joined.where(F.col("snapshot_date") >= F.col("quarantined_from")).select(*frame.columns)


def reconcile(table: str, counts: Mapping[str, int]) -> None:
    """Raise PipelineError unless rows in = rows out + rows quarantined at every step."""
    steps = (
        ("silver", counts["bronze"], counts["silver"], counts["not keyed or dated"]),
        ("quality check", counts["silver"], counts["passed"], counts["of flagged customers"]),
    )
    for step, rows_in, rows_out, aside in steps:
        if rows_in != rows_out + aside:
            raise PipelineError(
                f"{table}: the {step} lost rows: {rows_in} in, {rows_out} out, {aside} quarantined"
            )


def check_share(what: str, part: int, whole: int, setting: str, limit: float) -> None:
    """Raise PipelineError when part / whole passes the limit that a setting gives."""
    if part > limit * whole:
        raise PipelineError(
            f"{part} of {whole} {what} ({part / whole:.1%}); more than {setting} = {limit:g}"
        )


def _rows(target: StageTarget, column: str | None = None) -> int:
    """The number of rows of a dataset, or the sum over an integer column."""
    import pyarrow.compute as pc

    if column is None:
        return tables.count_rows(target.path)
    return int(pc.sum(tables.read(target.path, [column])[column]).as_py() or 0)


class QualityCheck(Stage):
    """Flags customers, reconciles the row counts and writes reports/data_quality.json.

    Fails when more customers are flagged, or more rows set aside, than params.yaml allows.
    """

    reads = (
        "labels.prediction_mob",
        "quality.min_age",
        "quality.max_age",
        "quality.max_flagged_share",
        "quality.max_quarantined_share",
    )

    def requires(self) -> dict[str, list[luigi.Task]]:
        return {name: [Bronze(table=name), Silver(table=name)] for name in TABLES}

    def inputs(self) -> dict[str, StageTarget]:
        return {
            f"{task} {name}": target
            for task in self.upstream()
            for name, target in task.output().items()
        }

    product = "flags"

    def output(self) -> dict[str, StageTarget]:
        flags = in_datamart("quarantine", "quality", "flagged_customers.parquet")
        return {"flags": Directory(flags), "report": Document(in_reports("data_quality.json"))}

    @session.errors_explained()
    def build(self, staging: Mapping[str, Path]) -> None:
        flags_path, report_path = staging["flags"], staging["report"]
        silver = {name: session.read(Silver(table=name).path()) for name in TABLES}
        mob = self.params["labels.prediction_mob"]
        findings = evidence(
            silver, mob, self.params["quality.min_age"], self.params["quality.max_age"]
        )
        predictions = prediction_dates(silver["lms_loan_daily"], mob)
        flagged = quarantine_dates(findings, predictions)
        counts = {}
        with Progress(self, "checking", len(TABLES), "tables") as progress:
            session.write(flagged, flags_path, ["Customer_ID", "reason"])
            flags = session.read(flags_path)
            for name in TABLES:
                counts[name] = self._count(name, silver[name], flags)
                progress.add(1)
            customers = self._customers(silver, flags)
        report = {
            "tables": counts,
            "customers": customers,
            "nulls": {name: self._nulls(name) for name in TABLES},
        }
        report_path.mkdir()
        (report_path / "data_quality.json").write_text(json.dumps(report), encoding="utf-8")

    def _count(self, name: str, silver: DataFrame, flags: DataFrame) -> dict[str, int]:
        bronze, malformed = (_rows(target) for target in Bronze(table=name).output().values())
        clean, aside, _ = Silver(table=name).output().values()
        counts = {
            "csv": bronze + malformed,
            "malformed": malformed,
            "bronze": bronze,
            "not keyed or dated": _rows(aside, "rows"),
            "silver": _rows(clean),
            "of flagged customers": quarantined(silver, flags).count(),
            "passed": passed(silver, flags).count(),
        }
        reconcile(name, counts)
        check_share(
            f"rows of {TABLES[name].file} are malformed or cannot be keyed or dated",
            malformed + counts["not keyed or dated"],
            counts["csv"],
            "quality.max_quarantined_share",
            self.params["quality.max_quarantined_share"],
        )
        return counts

    def _customers(self, silver: Mapping[str, DataFrame], flags: DataFrame) -> dict[str, Any]:
        names = [silver[table].select("Customer_ID") for table in TABLES]
        total = reduce(lambda a, b: a.union(b), names).distinct().count()
        reasons = {row["reason"]: row["count"] for row in flags.groupBy("reason").count().collect()}
        flagged = flags.select("Customer_ID").distinct().count()
        limit = self.params["quality.max_flagged_share"]
        told = ", ".join(f"{reason}: {n}" for reason, n in sorted(reasons.items()))
        check_share(
            f"customers are flagged ({told})", flagged, total, "quality.max_flagged_share", limit
        )
        return {"total": total, "flagged": flagged, "limit": limit, "reasons": reasons}

    def _nulls(self, name: str) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for row in tables.read(Silver(table=name).path("nulls")).to_pylist():
            found.setdefault(row["column"], {})[row["reason"]] = row["rows"]
        return found
