"""The names of the features of gold, known before it is built."""

from __future__ import annotations

from luigi_tasks.extracts.contract import ATTRIBUTES, CLICKSTREAM_FEATURES, FINANCIALS
from luigi_tasks.layers.engineered import ENGINEERED
from luigi_tasks.layers.silver_columns import kept_columns, silver_name

# What `repayment_history` and `clickstream_statistics` say of a loan.
HISTORY = (
    "loan_amt",
    "hist_total_paid",
    "hist_total_due",
    "hist_max_overdue",
    "hist_last_overdue",
    "hist_missed_installments",
    "hist_Loan_Payment_Ratio",
)
CLICKSTREAM = (*(f"{name}_z" for name in CLICKSTREAM_FEATURES), "fe_snapshots", "fe_coverage")


def feature_names() -> list[str]:
    """The columns of `with_features`, in their order."""
    snapshots = [
        silver_name(column)
        for table in (ATTRIBUTES, FINANCIALS)
        for column in kept_columns(table)
        if not column.personal and column.name not in table.key and column.kind != "loan_types"
    ]
    return [*snapshots, "Num_Loan_Types", *HISTORY, *CLICKSTREAM, *ENGINEERED]
