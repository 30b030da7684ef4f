"""A small book of gold rows, and models fitted on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from conftest import day, months_later

from luigi_tasks.models import artefacts
from luigi_tasks.models.estimators import fit
from luigi_tasks.models.splits import matured_loans, origins_of

FIRST = day("2023-01-01")
FEATURES = ["Age", "Occupation", "hist_total_paid", "hist_total_due"]
FOREST = {
    "class": "sklearn.ensemble.RandomForestClassifier",
    "n_estimators": 5,
    "max_depth": 4,
}


def gold(vintages: int = 15, loans: int = 20) -> pd.DataFrame:
    """Vintages from January 2023 on; a label is known six months after the start."""
    random = np.random.default_rng(5)
    rows = []
    for number in range(vintages):
        start = months_later(FIRST, number)
        for loan in range(loans):
            age = int(random.integers(18, 80))
            rows.append(
                {
                    "loan_id": f"LOAN_{number:02}_{loan:02}",
                    "customer_id": f"CUS_{number:02}_{loan:02}",
                    "vintage": start,
                    "loan_start_date": start,
                    "prediction_date": months_later(start, 3),
                    "delinquent": loan % 5 == 0,
                    "Age": age,
                    "Occupation": ["Lawyer", "Writer", None][loan % 3],
                    "hist_total_paid": float(random.integers(0, 2_000)),
                    "hist_total_due": 2_000.0 if loan % 4 else None,
                    "label": float(random.random() < age / 100),
                    "label_date": months_later(start, 6),
                }
            )
    return pd.DataFrame(rows)


def training_frame(until: str = "2024-03-01", origins: int = 3) -> pd.DataFrame:
    """A training frame whose newest vintages are held out by an origin each."""
    book = gold()
    frame = matured_loans(book, day(until))
    frame = frame.assign(origin=origins_of(frame, origins), train_until=day(until), since=None)
    frame = frame.drop(columns="prediction_date")
    return frame.merge(book[["loan_id", *FEATURES]], on="loan_id")


def fitted(frame: pd.DataFrame, spec: dict[str, Any] | None = None) -> Any:
    """A candidate fitted on what no origin holds out; a small forest by default."""
    rows = frame[frame["origin"] == 0]
    return fit("forest", spec or FOREST, rows[FEATURES], rows["label"], random_state=42)


def pickle_of(model: Any) -> bytes:
    """The bytes that are stored for a model; the working directory is that of the test."""
    path = Path("model.pkl")
    artefacts.dump(model, path)
    return path.read_bytes()
