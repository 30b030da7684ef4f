"""Roll rates: how loans move between states of arrears from one installment to the next.

Siddiqi, "Intelligent Credit Scoring", 2nd ed. 2017, chapter 4 (roll rate analysis).
"""

from __future__ import annotations

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# By how many due amounts are in arrears.
STATES = ("current", "1", "2", "3+")
COLUMNS = {
    "mob_from": "int64",
    "from_state": "object",
    "to_state": "object",
    "loans": "int64",
    "share": "float64",
}


def arrears_state(*, overdue_threshold: float) -> Column:
    """The state of an installment: overdue_amt in due amounts, rounded up.

    current: overdue_amt is at most `overdue_threshold`; 1, 2: it is above that and at most one or
    two times due_amt; 3+: it is more than that. Null when overdue_amt cannot be read, or when
    there are arrears and due_amt is not above 0.
    """
    overdue, due = F.col("overdue_amt"), F.col("due_amt")
    return (
        F.when(overdue <= overdue_threshold, STATES[0])
        .when(overdue.isNull() | due.isNull() | (due <= 0), F.lit(None))
        .when(overdue <= due, STATES[1])
        .when(overdue <= 2 * due, STATES[2])
        .otherwise(STATES[3])
    )


def transitions(known: DataFrame, *, overdue_threshold: float) -> DataFrame:
    """mob_from, from_state, to_state, loans: how many loans went from one state to another.

    `known` are installments. Only a step to the very next installment counts, and only when both
    states are known.
    """
    state = arrears_state(overdue_threshold=overdue_threshold).alias("from_state")
    states = known.select("loan_id", F.col("installment_num").alias("mob_from"), state)
    known_states = states.where(F.col("from_state").isNotNull())
    following = known_states.select(
        "loan_id",
        (F.col("mob_from") - 1).alias("mob_from"),
        F.col("from_state").alias("to_state"),
    )
    return (
        known_states.join(following, on=["loan_id", "mob_from"], how="inner")
        .groupBy("mob_from", "from_state", "to_state")
        .agg(F.count(F.lit(1)).alias("loans"))
    )


def roll_rates(counts: pd.DataFrame) -> pd.DataFrame:
    """One row a MOB, a state that loans had there, and a state of the next installment.

    `counts` as of `transitions`. mob_from, from_state, to_state, loans (0 where none went that
    way), share (of the loans that had from_state at mob_from). To roll rates of several MOBs
    together, add up `loans`, as `overall` does.
    """
    return _shares(counts, ["mob_from", "from_state"])


def overall(rates: pd.DataFrame) -> pd.DataFrame:
    """The same of all MOBs together, without mob_from."""
    return _shares(rates, ["from_state"])


def _shares(counts: pd.DataFrame, origin: list[str]) -> pd.DataFrame:
    """Loans and shares by origin and to_state, in the order of STATES."""
    states = {name: pd.Categorical(counts[name], STATES) for name in ("from_state", "to_state")}
    ways = counts.assign(**states).groupby([*origin, "to_state"], observed=False)
    table = ways["loans"].sum().reset_index()
    total = table.groupby(origin, observed=False)["loans"].transform("sum")
    table = table.assign(share=table["loans"] / total)[total > 0].reset_index(drop=True)
    columns = {name: kind for name, kind in COLUMNS.items() if name in table}
    return table[list(columns)].astype(columns)
