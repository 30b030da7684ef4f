"""The monitoring table: how well each month was scored, and how far its loans have drifted.

Rows that a model was fitted on never take part.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from luigi_tasks.core import tables
from luigi_tasks.core.progress import Progress
from luigi_tasks.models.metrics import METRICS, evaluate
from luigi_tasks.models.pseudonyms import as_in_predictions
from luigi_tasks.models.scored_loans import months_of, unknown_to_models, with_scores
from luigi_tasks.monitoring.drift import adjusted, level
from luigi_tasks.monitoring.tally import SCORE, Tallies, Tally

COUNTS = ("n", "n_matured", "matured_share")
RATES = ("default_rate", "mean_score", *METRICS)
DRIFT = ("psi", "psi_by_chance", "psi_chance_limit", "psi_p_value")
# Of each of these sets of loans the table says COUNTS, RATES, DRIFT and psi_level.
PERFORMING, WINDOW = "performing_", "window_"
# The day on which a row of the history was known.
KNOWN_ON = "known_on"
# How the names of columns end that hold texts, and columns of whole numbers; others measure.
_TEXTS = ("sample", "feature", "level")
_WHOLE = ("generation", "n", "n_matured", "drifted_features")
_SAID = ["loan_id", "vintage", "prediction_date", "delinquent", "generation", "sample"]


def measure(rows: pd.DataFrame, threshold: float) -> dict[str, Any]:
    """COUNTS and RATES of scored loans; the mean score is that of all, the METRICS of matured."""
    matured = rows[rows["actual_label"].notna()]
    labels = matured["actual_label"].astype("float64")
    return {
        "n": len(rows),
        "n_matured": len(matured),
        "matured_share": len(matured) / len(rows) if len(rows) else None,
        "default_rate": float(labels.mean()) if len(matured) else None,
        "mean_score": float(rows[SCORE].mean()) if len(rows) else None,
        **evaluate(labels, matured[SCORE], threshold),
    }


def of_both_populations(
    tally: Tally, threshold: float, watch: float, critical: float
) -> dict[str, Any]:
    """COUNTS, RATES, DRIFT and psi_level of all loans and, under `performing_…`, of those alone."""
    loans = tally.loans()
    found: dict[str, Any] = {}
    for prefix, rows in (("", loans), (PERFORMING, loans[~loans["delinquent"]])):
        psi = tally.psi(performing=prefix == PERFORMING)
        values = {
            **measure(rows, threshold),
            **dict(zip(DRIFT, psi, strict=True)),
            "psi_level": level(psi, psi.p_value, watch=watch, critical=critical),
        }
        found |= {f"{prefix}{name}": value for name, value in values.items()}
    return found


def feature_drift(tally: Tally, watch: float, critical: float) -> pd.DataFrame:
    """One row a feature: csi, csi_by_chance, csi_chance_limit, p_value, q_value, level and gaps.

    `q_value` holds the rate of false discoveries over all features of the month; for the columns
    about gaps see `Tally.gaps`.
    """
    found = tally.csi()
    rows = [
        {
            "feature": name,
            "csi": csi.value,
            "csi_by_chance": csi.by_chance,
            "csi_chance_limit": csi.chance_limit,
            "p_value": csi.p_value,
            **tally.gaps(name),
        }
        for name, csi in found.items()
    ]
    table = pd.DataFrame(rows)
    rates = adjusted(table["p_value"])
    levels = [
        level(csi, rate, watch=watch, critical=critical)
        for csi, rate in zip(found.values(), rates, strict=True)
    ]
    return table.assign(n=len(tally.loans()), q_value=rates, level=levels)


def row_of(
    month: dt.date, batch: Tally, window: Tally, drift: pd.DataFrame, limits: Mapping[str, float]
) -> dict[str, Any]:
    """What the monitoring table says of a month; `drift` is its `feature_drift`."""
    loans = batch.loans()
    worst = drift.loc[drift["csi"].idxmax()]
    measured = of_both_populations(window, **limits)
    return {
        "month": month,
        "vintage": loans["vintage"].max(),
        **of_both_populations(batch, **limits),
        "n_new_labels": int(loans["new_label"].sum()),
        "csi_max": worst["csi"],
        "csi_max_feature": worst["feature"],
        "drifted_features": int((drift["level"] != "none").sum()),
        **{f"{WINDOW}{name}": value for name, value in measured.items()},
    }


def window_of(months: Mapping[dt.date, Tally], month: dt.date, window_months: int) -> Tally:
    """The newest months up to a month together."""
    until = [m for m in months if m <= month]
    return reduce(add, (months[m] for m in until[-window_months:]))


def monitor(
    tallies: Tallies,
    only: Collection[dt.date] | None = None,
    *,
    threshold: float,
    window_months: int,
    watch: float,
    critical: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The monitoring table and the drift of every feature, of all months or of some `only`.

    `n_new_labels` counts the labels that the newest model could not know. One row a month,
    generation and sample; `window_…` measures the newest `window_months` months of that
    generation and sample up to the month together. An index counts as drift from `watch` and from
    `critical` on.
    """
    rows: list[dict[str, Any]] = []
    drifts: list[pd.DataFrame] = []
    limits = {"threshold": threshold, "watch": watch, "critical": critical}
    for (generation, sample), months in tallies.months.items():
        own: dict[str, Any] = {"generation": generation, "sample": sample}
        for month, batch in months.items():
            if only is None or month in only:
                drift = feature_drift(batch, watch, critical)
                window = window_of(months, month, window_months)
                rows.append({**row_of(month, batch, window, drift, limits), **own})
                drifts.append(drift.assign(month=month, **own))
    return as_monitoring(rows), as_drift(drifts)


KEY = ["month", "generation", "sample"]


def as_monitoring(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows of `row_of`, with generation and sample, as a table in order."""
    table = pd.DataFrame(rows)
    numbers = [n for n in table if str(n).endswith((*RATES, *DRIFT, "matured_share"))]
    table = table.astype(dict.fromkeys(numbers, "float64"))
    key = [name for name in (KNOWN_ON, *KEY) if name in table]
    table = table[[*key, *(name for name in table if name not in key)]]
    return table.sort_values(key).reset_index(drop=True)


def as_drift(drifts: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables of `feature_drift`, with month, generation and sample, as one in order."""
    features = pd.concat(drifts)
    key = [name for name in (KNOWN_ON, *KEY) if name in features]
    features = features.sort_values([*key, "feature"]).reset_index(drop=True)
    return features[[*key, *(name for name in features if name not in key)]]


def schema_of(names: Iterable[str]) -> pa.Schema:
    """The types of columns of the monitoring tables, whatever rows there are."""
    return pa.schema([(name, _type_of(name)) for name in names])


def _type_of(name: str) -> pa.DataType:
    if name in ("month", "vintage", KNOWN_ON):
        return pa.date32()
    if name.endswith(_TEXTS):
        return pa.string()
    is_whole = name in _WHOLE or name.endswith(("_n", "_n_matured", "_new_labels"))
    return pa.int64() if is_whole else pa.float64()


def scored_batches(
    gold: Path,
    predictions: Path,
    parts: Iterable[str],
    features: Iterable[str],
    progress: Progress,
    identifiers: str,
) -> Iterator[pd.DataFrame]:
    """The predictions that tell how good a model is, with their features, batch by batch.

    Of these parts, which are the same of gold and of the predictions. `identifiers` is
    predictions.identifiers; the rows are in the order of gold either way, and so the sums over
    them the same.
    """
    for part in parts:
        table = tables.dataset(predictions, [part]).to_table([*_SAID, SCORE, "actual_label"])
        scored = unknown_to_models(table.to_pandas())
        scored = scored.assign(month=months_of(scored["prediction_date"]))
        scored = scored.set_index("loan_id", verify_integrity=True)
        for batch in tables.batches(gold, ["loan_id", "label_date", *features], None, [part]):
            loans = as_in_predictions(batch.to_pandas(), identifiers)
            yield with_scores(loans, scored)
            progress.add(batch.num_rows)
