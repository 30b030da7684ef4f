"""The extract of loans: who defaults, and what is paid at each installment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from luigi_tasks.extracts.sample_data.columns import Bools, Columns, Floats, Ints
from luigi_tasks.extracts.sample_data.customers import Customers
from luigi_tasks.extracts.sample_data.drift import CONCEPT, Drift
from luigi_tasks.extracts.sample_data.months import day_first_date, iso_date
from luigi_tasks.extracts.sample_data.text import date_text, integer_text

_TENURE = 10

_LOAN_AMOUNT = 10_000
_DUE_AMOUNT = 1_000


class _RiskWeights(NamedTuple):
    """Weights of what decides who defaults; chance takes the rest of a unit variance."""

    quality: float
    engagement: float


_USUAL_RISK = _RiskWeights(quality=-0.55, engagement=0.65)
_DRIFTED_RISK = _RiskWeights(quality=-0.45, engagement=-0.75)
_DEFAULT_CUTOFF = 0.565  # standard normal: 28.6 % default

# Payment paths: due amounts paid at installments 1, 2, …, one digit each, and the weight of the
# path. After the last digit a default pays nothing, any other loan one due amount a month. `102`
# is a loan that misses installment 2 and catches up at 3.
_LATE_DEFAULT_PATHS = {"11": 251, "111": 136, "1102": 64, "1111": 27}
_EARLY_DEFAULT_PATHS = {
    "1": 168, "102": 104, "02": 48, "1003": 39, "": 39, "021": 38, "003": 25, "1021": 21,
    "0202": 17, "0004": 11, "0211": 11, "0031": 1,
}  # fmt: skip
_USUAL_DEFAULT_PATHS = _LATE_DEFAULT_PATHS | _EARLY_DEFAULT_PATHS
_USUAL_GOOD_PATHS = {"1": 1}
# After the concept drift, early arrears are as frequent as ever, but belong to good loans, which
# catch up by installment 3.
_DRIFTED_GOOD_PATHS = {"1": 792, "102": 132, "02": 46, "003": 30}


def draw_loans(rng: np.random.Generator, customers: Customers, drift: Drift) -> Columns:
    """Installments 0 to 10 of each loan, one row a month; amounts are in currency units.

    paid_amt is what was paid at that installment, overdue_amt the running arrears, balance what
    is left of loan_amt.
    """
    paid = _DUE_AMOUNT * _due_amounts_paid(rng, customers, drift)
    due = np.full_like(paid, _DUE_AMOUNT)
    due[:, 0] = 0
    overdue = (due - paid).cumsum(axis=1)
    balance = _LOAN_AMOUNT - paid.cumsum(axis=1)
    installment = np.broadcast_to(np.arange(_TENURE + 1), paid.shape)
    start = np.repeat(customers.vintage, _TENURE + 1)
    loan_ids = [
        f"{customer}_{iso_date(vintage).replace('-', '_')}"
        for customer, vintage in zip(customers.ids, customers.vintage.tolist(), strict=True)
    ]
    return {
        "loan_id": [loan for loan in loan_ids for _ in range(_TENURE + 1)],
        "Customer_ID": [customer for customer in customers.ids for _ in range(_TENURE + 1)],
        "loan_start_date": date_text(start, day_first_date),
        "tenure": [str(_TENURE)] * paid.size,
        "installment_num": integer_text(installment.ravel()),
        "loan_amt": [str(_LOAN_AMOUNT)] * paid.size,
        "due_amt": integer_text(due.ravel()),
        "paid_amt": integer_text(paid.ravel()),
        "overdue_amt": integer_text(overdue.ravel()),
        "balance": integer_text(balance.ravel()),
        "snapshot_date": date_text(start + installment.ravel(), day_first_date),
    }


def _due_amounts_paid(rng: np.random.Generator, customers: Customers, drift: Drift) -> Ints:
    """How many due amounts are paid: one row a loan, one column an installment from 0 to 10."""
    chance = rng.standard_normal(len(customers))
    pick = rng.random(len(customers))
    usual = _follow_paths(
        _defaults(customers, chance, _USUAL_RISK), pick, _USUAL_DEFAULT_PATHS, _USUAL_GOOD_PATHS
    )
    drifted = _follow_paths(
        _defaults(customers, chance, _DRIFTED_RISK), pick, _LATE_DEFAULT_PATHS, _DRIFTED_GOOD_PATHS
    )
    is_drifted = drift.affects(CONCEPT, customers.vintage)
    paid: Ints = np.where(is_drifted[:, np.newaxis], drifted, usual)
    return paid


def _defaults(customers: Customers, chance: Floats, risk: _RiskWeights) -> Bools:
    """Whether each loan falls into lasting arrears before installment 6."""
    rest = math.sqrt(1 - risk.quality**2 - risk.engagement**2)
    score = (
        risk.quality * customers.quality + risk.engagement * customers.engagement + rest * chance
    )
    default: Bools = score > _DEFAULT_CUTOFF
    return default


def _follow_paths(
    default: Bools, pick: Floats, default_paths: Mapping[str, int], good_paths: Mapping[str, int]
) -> Ints:
    """The path that the uniform `pick` chooses for each loan, as `_due_amounts_paid` returns it."""

    def along(paths: Mapping[str, int], afterwards: str) -> Ints:
        weights = np.cumsum(list(paths.values()))
        digits = [[int(d) for d in "0" + path.ljust(_TENURE, afterwards)] for path in paths]
        chosen = np.searchsorted(weights, pick * weights[-1], side="right")
        paid: Ints = np.array(digits, dtype=np.int64)[chosen]
        return paid

    paid: Ints = np.where(default[:, np.newaxis], along(default_paths, "0"), along(good_paths, "1"))
    return paid
