"""The monitoring table: how well each month was scored, and how far its loans have drifted.

Rows that a model was fitted on never take part.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import pandas as pd

from luigi_tasks.core import tables
from luigi_tasks.core.progress import Progress
from luigi_tasks.models.metadata import ModelMetadata
from luigi_tasks.models.metrics import METRICS, evaluate
from luigi_tasks.models.scored_loans import months_of, unknown_to_models
from luigi_tasks.monitoring.tally import SCORE, tally

WINDOW = ("n", "n_matured", "auc", "auc_low", "auc_high", "psi")


def measure(rows: pd.DataFrame, threshold: float) -> dict[str, Any]:
    """n, n_matured, matured_share, default_rate, mean_score and METRICS of scored loans."""
    matured = rows[rows["actual_label"].notna()]
    labels = matured["actual_label"].astype("float64")
    return {
        "n": len(rows),
        "n_matured": len(matured),
        "matured_share": len(matured) / len(rows),
        "default_rate": float(labels.mean()) if len(matured) else None,
        "mean_score": float(rows[SCORE].mean()),
        **evaluate(labels, matured[SCORE], threshold),
    }


def monitor(
    batches: Iterable[pd.DataFrame],
    models: Mapping[int, ModelMetadata],
    newest_train_until: dt.date,
    *,
    threshold: float,
    floor: float,
    window_months: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The monitoring table and the drift of every feature.

    `batches` hold predictions with their features, `label_date` and `month`, `models` the
    metadata by generation. `n_new_labels` counts the labels that matured after
    `newest_train_until`: what the newest model could not know. One row a month, generation and
    sample; `window_…` measures the newest `window_months` months of that generation and sample
    up to the month together.
    """
    rows: list[dict[str, Any]] = []
    drifts: list[dict[str, Any]] = []
    tallies = tally(batches, models, newest_train_until, floor)
    for (generation, sample), by_month in tallies.items():
        months = list(by_month)
        for position, month in enumerate(months):
            batch = by_month[month]
            newest = months[: position + 1][-window_months:]
            window = reduce(add, (by_month[m] for m in newest))
            measured = {**measure(window.loans(), threshold), "psi": window.psi()}
            loans, csi = batch.loans(), batch.csi()
            worst = max(csi, key=lambda name: csi[name]["csi"])
            key = {"month": month, "generation": generation, "sample": sample}
            rows.append(
                {
                    **key,
                    "vintage": loans["vintage"].max(),
                    **measure(loans, threshold),
                    "n_new_labels": int(loans["new_label"].sum()),
                    "psi": batch.psi(),
                    "csi_max": csi[worst]["csi"],
                    "csi_max_feature": worst,
                    **{f"window_{name}": measured[name] for name in WINDOW},
                }
            )
            drifts += [{**key, "feature": name, **drift} for name, drift in csi.items()]
    order = ["month", "generation", "sample"]
    table = pd.DataFrame(rows).sort_values(order).reset_index(drop=True)
    numbers = [*METRICS, "default_rate", *(f"window_{name}" for name in WINDOW[2:])]
    table[numbers] = table[numbers].astype("float64")
    return table, pd.DataFrame(drifts).sort_values([*order, "feature"]).reset_index(drop=True)


def scored_batches(
    gold: Path, predictions: Path, features: Iterable[str], progress: Progress
) -> Iterator[pd.DataFrame]:
    """The predictions that tell how good a model is, with their features, batch by batch.

    Of all predictions together only these columns are held, not the features.
    """
    columns = ["loan_id", "vintage", "prediction_date", "generation", "sample"]
    table = tables.read(predictions, [*columns, SCORE, "actual_label"]).to_pandas()
    scored = unknown_to_models(table).assign(month=months_of(table["prediction_date"]))
    for batch in tables.batches(gold, ["loan_id", "label_date", *features]):
        yield scored.merge(batch.to_pandas(), on="loan_id", validate="one_to_one")
        progress.add(batch.num_rows)
