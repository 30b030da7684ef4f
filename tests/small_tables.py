"""Tiny tables of bronze and silver, made by keyword.

A helper gives a sound row by default; a test names only what it is about.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from conftest import ATTRIBUTES, CLICKSTREAM, FINANCIALS, LOANS, day, months_later
from pyspark.sql import DataFrame

from luigi_tasks.core.engines import session
from luigi_tasks.extracts.contract import TABLES, Table
from luigi_tasks.layers.cleaning import clean, faulty_rows, marked, marks, null_counts
from luigi_tasks.layers.clickstream import sums_by_day
from luigi_tasks.layers.conflicts import conflicts, in_conflict, split
from luigi_tasks.layers.flags import flagged_customers
from luigi_tasks.layers.gold_table import gold_table, scored_loans
from luigi_tasks.layers.reconciliation import nulls_by_column
from luigi_tasks.layers.silver_columns import kept_columns, silver_name

Row = dict[str, Any]

# The section `labels` of params.yaml, and with it what GoldFeatures hands on.
LABELS: dict[str, Any] = {
    "prediction_mob": 3,
    "observation_mob": 6,
    "performance_from": "prediction",
    "overdue_threshold": 0,
}
GOLD: dict[str, Any] = {**LABELS, "clickstream_months": 12}
SILVER_TYPES = {
    "integer": pa.int32(),
    "decimal": pa.float64(),
    "date": pa.date32(),
    "history": pa.int32(),
    "ssn": pa.bool_(),
}
DDL = {
    pa.int32(): "int",
    pa.float64(): "double",
    pa.date32(): "date",
    pa.bool_(): "boolean",
    pa.string(): "string",
}
FLAGS = pa.schema(
    [
        ("Customer_ID", pa.string()),
        ("reason", pa.string()),
        ("flagged_on", pa.date32()),
        ("quarantined_from", pa.date32()),
    ]
)


def frame(rows: Sequence[Row], schema: pa.Schema | None = None) -> DataFrame:
    """A Spark frame of these rows."""
    if not rows and schema is not None:
        columns = ", ".join(f"{field.name} {DDL[field.type]}" for field in schema)
        return session.current().createDataFrame([], columns)
    return session.current().createDataFrame(pa.Table.from_pylist(list(rows), schema))


def collected(frame: DataFrame, *order: str) -> list[Row]:
    """The rows of a Spark frame, ordered by columns."""
    rows: list[Row] = frame.toArrow().to_pylist()
    return sorted(rows, key=lambda row: tuple(str(row[name]) for name in order))


# --- bronze: every column a text, as it stands in the CSV -------------------------------------

SOUND_TEXTS: dict[str, dict[str, str]] = {
    ATTRIBUTES: {
        "Customer_ID": "CUS_1",
        "Name": "Ada",
        "Age": "30",
        "SSN": "913-74-1218",
        "Occupation": "Lawyer",
        "snapshot_date": "1/5/2023",
    },
    FINANCIALS: {
        "Customer_ID": "CUS_1",
        "Annual_Income": "36000",
        "Monthly_Inhand_Salary": "3000",
        "Num_Bank_Accounts": "3",
        "Num_Credit_Card": "2",
        "Interest_Rate": "7",
        "Num_of_Loan": "2",
        "Type_of_Loan": "Auto Loan, and Student Loan",
        "Delay_from_due_date": "4",
        "Num_of_Delayed_Payment": "6",
        "Changed_Credit_Limit": "1.5",
        "Num_Credit_Inquiries": "5",
        "Credit_Mix": "Good",
        "Outstanding_Debt": "900",
        "Credit_Utilization_Ratio": "30",
        "Credit_History_Age": "10 Years and 9 Months",
        "Payment_of_Min_Amount": "Yes",
        "Total_EMI_per_month": "300",
        "Amount_invested_monthly": "150",
        "Payment_Behaviour": "Low_spent_Small_value_payments",
        "Monthly_Balance": "400",
        "snapshot_date": "1/5/2023",
    },
    LOANS: {
        "loan_id": "LOAN_1",
        "Customer_ID": "CUS_1",
        "loan_start_date": "1/5/2023",
        "tenure": "10",
        "installment_num": "0",
        "loan_amt": "10000",
        "due_amt": "0",
        "paid_amt": "0",
        "overdue_amt": "0",
        "balance": "10000",
        "snapshot_date": "1/5/2023",
    },
    CLICKSTREAM: {
        **{f"fe_{i}": str(i) for i in range(1, 21)},
        "Customer_ID": "CUS_1",
        "snapshot_date": "1/5/2023",
    },
}


def bronze(table: str, *rows: Mapping[str, str]) -> DataFrame:
    """Bronze rows: sound texts but for what each row names."""
    schema = pa.schema([(name, pa.string()) for name in TABLES[table].names])
    return frame([{**SOUND_TEXTS[table], **row} for row in rows], schema)


@dataclass(frozen=True)
class Findings:
    """What the stage finds when it writes an extract, all months together."""

    nulls: dict[str, dict[str, int]]
    faulty_rows: int
    rows_in_conflict: int


def examine(values: DataFrame, table: Table, *, by_month: bool = False) -> Findings:
    """What the stage finds when it writes an extract."""
    with tempfile.TemporaryDirectory() as folder:
        rows, frame = Path(folder) / "rows", marked(values, table, by_month=by_month)
        counts = session.sift(frame, rows, list(table.key), marks(table))
        found = in_conflict(session.read(rows), table, by_month=by_month)
        return Findings(
            nulls_by_column(null_counts(counts, table).to_pylist()),
            sum(faulty_rows(counts, part) for part in counts),
            sum(each.rows + each.copies for each in found.values()),
        )


def split_as_the_stage_does(values: DataFrame, table: Table) -> tuple[DataFrame, DataFrame]:
    """(silver, quarantine) of an extract."""
    return split(values, table, conflicts(clean(values, table), table))


def csv_text(table: str, *rows: Mapping[str, str]) -> str:
    """The same as the text of a CSV file."""

    def quoted(text: str) -> str:
        return f'"{text}"' if "," in text or "\n" in text else text

    names = TABLES[table].names
    lines = [",".join(names)]
    for row in rows:
        texts = {**SOUND_TEXTS[table], **row}
        lines.append(",".join(quoted(texts[name]) for name in names))
    return "\n".join(lines) + "\n"


# --- silver: typed rows -----------------------------------------------------------------------


def attributes(customer: str = "CUS_1", on: str = "2023-01-01", **values: Any) -> Row:
    """A row of features_attributes."""
    sound = {"Age": 30, "SSN_valid": True, "Occupation": "Lawyer"}
    return {"Customer_ID": customer, "snapshot_date": day(on), **sound, **values}


def financials(customer: str = "CUS_1", on: str = "2023-01-01", **values: Any) -> Row:
    """A row of features_financials."""
    sound = {
        "Annual_Income": 36_000.0,
        "Monthly_Inhand_Salary": 3_000.0,
        "Num_Bank_Accounts": 3,
        "Num_Credit_Card": 2,
        "Interest_Rate": 7,
        "Num_of_Loan": 2,
        "Type_of_Loan": "Auto Loan|Student Loan",
        "Delay_from_due_date": 4.0,
        "Num_of_Delayed_Payment": 6,
        "Changed_Credit_Limit": 1.5,
        "Num_Credit_Inquiries": 5,
        "Credit_Mix": "Good",
        "Outstanding_Debt": 900.0,
        "Credit_Utilization_Ratio": 30.0,
        "Credit_History_Months": 129,
        "Payment_of_Min_Amount": "Yes",
        "Total_EMI_per_month": 300.0,
        "Amount_invested_monthly": 150.0,
        "Payment_Behaviour": "Low_spent_Small_value_payments",
        "Monthly_Balance": 400.0,
    }
    return {"Customer_ID": customer, "snapshot_date": day(on), **sound, **values}


def installment(
    mob: int,
    loan: str = "LOAN_1",
    customer: str = "CUS_1",
    start: str = "2023-01-01",
    **values: Any,
) -> Row:
    """A row of lms_loan_daily: 1000 of 10000 due and paid a month, from the first month on."""
    due = 1_000.0 if mob else 0.0
    sound = {
        "loan_id": loan,
        "Customer_ID": customer,
        "loan_start_date": day(start),
        "tenure": 10,
        "installment_num": mob,
        "loan_amt": 10_000.0,
        "due_amt": due,
        "paid_amt": due,
        "overdue_amt": 0.0,
        "balance": 10_000.0 - 1_000.0 * mob,
        "snapshot_date": months_later(day(start), mob),
    }
    return {**sound, **values}


def installments(
    last_mob: int = 6, overdue: Mapping[int, float] | None = None, **values: Any
) -> list[Row]:
    """The rows of one loan from its start to `last_mob`; `overdue` gives arrears by MOB."""
    arrears = overdue or {}
    return [
        installment(mob, overdue_amt=arrears.get(mob, 0.0), **values) for mob in range(last_mob + 1)
    ]


def clicks(customer: str = "CUS_1", on: str = "2022-12-01", **values: Any) -> Row:
    """A row of feature_clickstream; features that are not named are 0."""
    features = {f"fe_{i}": 0 for i in range(1, 21)}
    return {**features, "Customer_ID": customer, "snapshot_date": day(on), **values}


def silver_schema(table: str) -> pa.Schema:
    """The columns and types of a silver table."""
    return pa.schema(
        [
            (silver_name(column), SILVER_TYPES.get(column.kind, pa.string()))
            for column in kept_columns(TABLES[table])
        ]
    )


def silver(**tables: Sequence[Row]) -> dict[str, DataFrame]:
    """The four silver tables, by full name; a table that is not given is empty."""
    return {name: frame(tables.get(name, ()), silver_schema(name)) for name in TABLES}


def book(**changed: Any) -> dict[str, list[Row]]:
    """A sound customer with one loan of 2023-01-01, scored on 2023-04-01."""
    return {
        ATTRIBUTES: [attributes()],
        FINANCIALS: [financials()],
        LOANS: installments(),
        CLICKSTREAM: [clicks()],
        **changed,
    }


def flags_of(tables: Mapping[str, DataFrame]) -> DataFrame:
    """What the quality check finds against the customers of these tables."""
    flags = flagged_customers(tables, prediction_mob=3, min_age=18, max_age=100)
    return frame(flags.toArrow().to_pylist(), FLAGS)


def gold_frame(
    tables: Mapping[str, DataFrame], flags: DataFrame | None = None, **settings: Any
) -> DataFrame:
    """The gold table of silver tables; without flags that of all customers."""
    named = {**GOLD, **settings}
    flags = frame([], FLAGS) if flags is None else flags
    points = {name: named[name] for name in ("prediction_mob", "overdue_threshold")}
    loans = scored_loans(tables[LOANS], flags, **points)
    return gold_table(loans, tables, flags, sums_by_day(tables[CLICKSTREAM]), **named)


def gold_of(tables: Mapping[str, Sequence[Row]]) -> list[Row]:
    """Gold rows of these silver tables after the quality check, by loan."""
    frames = silver(**tables)
    return collected(gold_frame(frames, flags_of(frames)), "loan_id")
