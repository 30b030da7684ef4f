"""Choosing the champion among the candidates and the incumbent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from luigi_tasks.models.metrics import evaluate

Measured = dict[str, dict[str, float | None]]


def measure_splits(
    scores: Mapping[str, Any], labels: pd.Series, splits: pd.Series, threshold: float
) -> dict[str, Measured]:
    """The metrics of each model by split (train, test), for scores of the training frame's rows."""
    rows_of = {split: (splits == split).to_numpy() for split in ("train", "test")}
    return {
        name: {
            split: evaluate(labels[rows], np.asarray(values)[rows], threshold)
            for split, rows in rows_of.items()
            if rows.any()
        }
        for name, values in scores.items()
    }


def choose_champion(aucs: Mapping[str, float | None], incumbent: str | None = None) -> str:
    """The model with the highest out-of-time AUC.

    A tie stays with the incumbent; between candidates the one that is named first wins. Without
    an AUC (one class only) a model counts as 0.
    """

    def rank(name: str) -> tuple[float, bool]:
        return (aucs[name] or 0.0, name == incumbent)

    return max(aucs, key=rank)
