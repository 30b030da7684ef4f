"""The names of the features of gold, known before it is built.

No task imports this module, and importing it takes as long as PySpark does.
"""

from __future__ import annotations

import os
from unittest.mock import patch

from luigi_tasks.extracts.contract import ATTRIBUTES, CLICKSTREAM_FEATURES, FINANCIALS
from luigi_tasks.layers.cleaning import kept_columns, silver_name
from luigi_tasks.layers.features import engineered

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
    # In this mode PySpark writes an expression down without a session.
    with patch.dict(os.environ, SPARK_CONNECT_MODE_ENABLED="1"):
        computed = list(engineered())
    return [*snapshots, "Num_Loan_Types", *HISTORY, *CLICKSTREAM, *computed]
