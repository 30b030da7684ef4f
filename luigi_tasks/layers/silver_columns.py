"""The columns of silver, by the contract."""

from __future__ import annotations

from luigi_tasks.extracts.contract import Column, Table


def kept_columns(table: Table) -> list[Column]:
    """The columns that go further than bronze."""
    return [column for column in table.columns if column.kind != "bronze_only"]


def silver_name(column: Column) -> str:
    """The column's name in silver: SSN is reduced to its validity, the history to months."""
    return {"ssn": "SSN_valid", "history": "Credit_History_Months"}.get(column.kind, column.name)
