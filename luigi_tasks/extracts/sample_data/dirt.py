"""What is spoilt in which column, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from luigi_tasks.extracts.sample_data.columns import Columns


class Dirt(NamedTuple):
    """A way in which a `share` of a column is spoilt.

    `{value}` in `text` stands for the clean value, `{outlier}` for a uniform integer of
    `outliers` (both ends included). Later entries may spoil what earlier ones left.
    """

    column: str
    share: float
    text: str
    outliers: tuple[int, int] = (0, 0)


ATTRIBUTES_DIRT = (
    Dirt("Name", 0.007, '"{value}"'),
    Dirt("Name", 0.003, ", {value}"),
    Dirt("Age", 0.019, "{outlier}", (150, 8_700)),
    Dirt("Age", 0.050, "{value}_"),
    Dirt("Age", 0.010, "-500"),
    Dirt("SSN", 0.058, "#F%$D@*&8"),
    Dirt("Occupation", 0.068, "_______"),
)
FINANCIALS_DIRT = (
    Dirt("Annual_Income", 0.009, "{outlier}", (200_000, 24_000_000)),
    Dirt("Annual_Income", 0.070, "{value}_"),
    Dirt("Num_Bank_Accounts", 0.011, "{outlier}", (12, 1_756)),
    Dirt("Num_Credit_Card", 0.022, "{outlier}", (12, 1_499)),
    Dirt("Interest_Rate", 0.022, "{outlier}", (36, 5_789)),
    Dirt("Num_of_Loan", 0.005, "{outlier}", (11, 1_495)),
    Dirt("Num_of_Loan", 0.050, "{value}_"),
    Dirt("Num_of_Loan", 0.038, "-100"),
    Dirt("Num_of_Delayed_Payment", 0.010, "{outlier}", (80, 4_293)),
    Dirt("Num_of_Delayed_Payment", 0.026, "{value}_"),
    Dirt("Changed_Credit_Limit", 0.022, "_"),
    Dirt("Num_Credit_Inquiries", 0.016, "{outlier}", (40, 2_554)),
    Dirt("Credit_Mix", 0.210, "_"),
    Dirt("Outstanding_Debt", 0.010, "{value}_"),
    Dirt("Payment_of_Min_Amount", 0.115, "NM"),
    Dirt("Total_EMI_per_month", 0.038, "{outlier}", (2_000, 82_000)),
    Dirt("Amount_invested_monthly", 0.045, "__10000__"),
    Dirt("Payment_Behaviour", 0.080, "!@9#%8"),
    Dirt("Monthly_Balance", 0.001, "__-333333333333333333333333333__"),
)


def with_dirt(rng: np.random.Generator, columns: Columns, dirt: Sequence[Dirt]) -> Columns:
    """The columns, in the same order, spoilt by one kind of dirt after the other."""
    spoilt = dict(columns)
    for column, share, text, (low, high) in dirt:
        values = spoilt[column] = list(spoilt[column])
        hit = np.flatnonzero(rng.random(len(values)) < share).tolist()
        outliers = rng.integers(low, high, len(hit), endpoint=True).tolist()
        for row, outlier in zip(hit, outliers, strict=True):
            values[row] = text.format(value=values[row], outlier=outlier)
    return spoilt
