"""Monitoring: how well each month was scored, and how far its loans are from the training data.

Rows that a model was fitted on never take part.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import luigi

from luigi_tasks.core import tables
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.targets import Directory
from luigi_tasks.core.task import in_datamart
from luigi_tasks.generations.as_of import AsOfTask
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.models.metrics import METRICS, bin_of, evaluate, stability_index
from luigi_tasks.models.predictions import Predictions, months_of, unknown_to_models
from luigi_tasks.models.training import BestModel, features_of, read_metadata

if TYPE_CHECKING:
    import pandas as pd

SCORE = "prediction_proba"
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
        "mean_score": float(rows["prediction_proba"].mean()),
        **evaluate(labels, matured["prediction_proba"], threshold),
    }


class Tally:
    """Some loans that one model has scored, added up batch by batch.

    It keeps the score and the label of every loan, and of its features only how many loans lie
    in each frozen bin. `metadata` is that of the model.
    """

    def __init__(self, metadata: dict[str, Any], floor: float) -> None:
        self._metadata, self._floor = metadata, floor
        self._frozen = {SCORE: metadata["score_bins"], **metadata["feature_bins"]}
        self._counts: dict[str, Any] = dict.fromkeys(self._frozen, 0)
        self._loans: list[pd.DataFrame] = []

    def add(self, rows: pd.DataFrame, bins: pd.DataFrame) -> None:
        """Count more loans; `bins` are those of their score and features."""
        import numpy as np

        self._loans.append(rows[["vintage", SCORE, "actual_label", "new_label"]])
        for name, frozen in self._frozen.items():
            size = len(frozen["shares"])
            self._counts[name] = self._counts[name] + np.bincount(bins[name], minlength=size)

    def __add__(self, other: Tally) -> Tally:
        both = Tally(self._metadata, self._floor)
        both._loans = [*self._loans, *other._loans]
        both._counts = {name: own + other._counts[name] for name, own in self._counts.items()}
        return both

    def loans(self) -> pd.DataFrame:
        """vintage, prediction_proba, actual_label and new_label of every loan."""
        import pandas as pd

        return pd.concat(self._loans, ignore_index=True)

    def psi(self) -> float:
        """The population stability index of the score."""
        return self._index(SCORE)

    def csi(self) -> dict[str, dict[str, float]]:
        """{feature: {csi, missing_share}}."""
        found = {}
        for name in self._metadata["feature_bins"]:
            counts = self._counts[name]
            missing = float(counts[-1] / counts.sum())
            found[name] = {"csi": self._index(name), "missing_share": missing}
        return found

    def _index(self, name: str) -> float:
        return stability_index(self._frozen[name], self._counts[name], self._floor)


Tallies = dict[tuple[int, str], dict[dt.date, Tally]]


def bins_of(rows: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
    """The frozen bin of every score and feature of loans that one model has scored."""
    import pandas as pd

    frozen = {SCORE: metadata["score_bins"], **metadata["feature_bins"]}
    values = features_of(rows[list(frozen)])
    return pd.DataFrame({name: bin_of(frozen[name], values[name]) for name in frozen}, rows.index)


def tally(
    batches: Iterable[pd.DataFrame],
    models: dict[int, dict[str, Any]],
    newest_train_until: dt.date,
    floor: float,
) -> Tallies:
    """The loans that no model was fitted on, by (generation, sample) and month, in order."""
    found: Tallies = {}
    for batch in batches:
        fresh = unknown_to_models(batch).reset_index(drop=True)
        new_label = fresh["actual_label"].notna() & (fresh["label_date"] > newest_train_until)
        for scored_by, own in fresh.assign(new_label=new_label).groupby("generation"):
            generation = int(str(scored_by))
            bins = bins_of(own, models[generation])
            for key, rows in own.groupby(["sample", "month"]):
                sample, month = cast(tuple[str, dt.date], key)
                months = found.setdefault((generation, sample), {})
                known = months.setdefault(month, Tally(models[generation], floor))
                known.add(rows, bins.loc[rows.index])
    return {key: dict(sorted(months.items())) for key, months in sorted(found.items())}


def monitor(
    batches: Iterable[pd.DataFrame],
    models: dict[int, dict[str, Any]],
    newest_train_until: dt.date,
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
    import pandas as pd

    rows, drifts = [], []
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
            drifts += [{**key, "feature": name, **found} for name, found in csi.items()]
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


class Monitoring(AsOfTask):
    """datamart/gold/model_monitoring.parquet, and feature_drift.parquet beside it."""

    reads = ("predictions.threshold", "monitoring.floor", "monitoring.window_months")

    def requires(self) -> list[luigi.Task]:
        models = [BestModel(generation=g) for g in range(1, self.generation + 1)]
        return [Predictions(**self.moment), GoldFeatures(), *models]

    def output(self) -> list[Directory]:
        return [
            self.place(Directory(in_datamart("gold", "model_monitoring.parquet"))),
            self.place(Directory(in_datamart("gold", "feature_drift.parquet"))),
        ]

    def build(self, *built: Path) -> None:
        predictions, gold = (target.path for target in self.input()[:2])
        models = {g: read_metadata(g) for g in range(1, self.generation + 1)}
        newest = dt.date.fromisoformat(models[self.generation]["window"]["train_until"])
        features = sorted({name for model in models.values() for name in model["feature_bins"]})
        total = tables.count_rows(gold)
        with Progress(self, "comparing", total, "loans") as progress:
            found = monitor(
                scored_batches(gold, predictions, features, progress),
                models,
                newest,
                *(self.params[name] for name in self.reads),
            )
        for table, path in zip(found, built, strict=True):
            tables.write_frame(path, table)
