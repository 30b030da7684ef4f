"""Choosing the best of the candidates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from luigi_tasks.models.metrics import evaluate

# Metrics by population (all, performing), and by metric.
Measured = dict[str, dict[str, float | None]]


def measure(loans: pd.DataFrame, scores: Any, threshold: float) -> Measured:
    """The metrics of scores, shape (n,), of loans with `label` and `delinquent`.

    Those of all loans, and of performing ones: the label of a delinquent loan is known already.
    """
    values, performing = np.asarray(scores), ~loans["delinquent"].to_numpy(dtype=bool)
    labels = loans["label"].to_numpy(dtype=float)
    return {
        "all": evaluate(labels, values, threshold),
        "performing": evaluate(labels[performing], values[performing], threshold),
    }


def aucs_of(measured: Mapping[str, Measured]) -> dict[str, float | None]:
    """What decides: the AUC of performing loans, by model."""
    return {name: populations["performing"]["auc"] for name, populations in measured.items()}


def choose_champion(aucs: Mapping[str, float | None]) -> str:
    """The candidate with the highest out-of-time AUC.

    Of a tie the one that is named first wins. Without an AUC (one class only) it counts as 0.
    """
    return max(aucs, key=lambda name: aucs[name] or 0.0)
