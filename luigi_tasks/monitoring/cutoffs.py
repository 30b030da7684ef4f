"""Score cut-offs: how many loans each would approve, how many of them default, what it costs.

All loans of the extracts were granted, and their score is that of the prediction point. So the
rates are those of such loans: nothing is known of applicants who were refused.
Siddiqi, "Intelligent Credit Scoring", 2nd ed. 2017, chapter 12 (setting cutoffs).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from luigi_tasks.monitoring.intervals import jeffreys_interval

GRID = np.arange(101) / 100
COLUMNS = {
    "cutoff": "float64",
    "loans": "int64",
    "approved": "int64",
    "approval_rate": "float64",
    "bad_approved": "int64",
    "bad_rate": "float64",
    "bad_rate_low": "float64",
    "bad_rate_high": "float64",
    "good_rejected": "int64",
    "cost_per_loan": "float64",
    "recommended": "bool",
}


def cutoff_table(labels: Any, scores: Any, *, cost_ratio: float) -> pd.DataFrame:
    """One row a cut-off from 0.00 to 1.00; empty without a loan.

    `labels` are 0 or 1 (1 is a default), `scores` probabilities of default, both of shape (n,).
    cutoff; loans (n); approved (those with a score below the cut-off) and approval_rate (÷ n);
    bad_approved (those of them that defaulted), bad_rate (÷ approved) with its 95 % interval, null
    when none is approved; good_rejected; cost_per_loan ((cost_ratio · bad_approved +
    good_rejected) ÷ n, in profits lost by refusing a good loan); recommended, at the cut-off that
    costs least, the lowest of several.
    """
    bad = np.asarray(labels, dtype=bool)
    score = np.asarray(scores, dtype=float)
    n = len(score)
    if not n:
        return pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS)
    approved = np.searchsorted(np.sort(score), GRID, side="left")
    bad_approved = np.searchsorted(np.sort(score[bad]), GRID, side="left")
    good_rejected = int((~bad).sum()) - (approved - bad_approved)
    cost = cost_ratio * bad_approved + good_rejected
    low, high = jeffreys_interval(bad_approved, approved)
    return pd.DataFrame(
        {
            "cutoff": GRID,
            "loans": n,
            "approved": approved,
            "approval_rate": approved / n,
            "bad_approved": bad_approved,
            "bad_rate": np.divide(
                bad_approved, approved, out=np.full(len(GRID), np.nan), where=approved > 0
            ),
            "bad_rate_low": low,
            "bad_rate_high": high,
            "good_rejected": good_rejected,
            "cost_per_loan": cost / n,
            "recommended": np.arange(len(GRID)) == np.argmin(cost),
        }
    ).astype(COLUMNS)
