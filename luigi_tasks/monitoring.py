"""Monitoring: how well each month was scored, and how far its loans are from the training data.

Rows that a model was fitted on never take part.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from luigi_tasks.asof import AsOfTask
from luigi_tasks.gold import GoldFeatures
from luigi_tasks.metrics import METRICS, bin_of, evaluate, stability_index
from luigi_tasks.predictions import Predictions, months_of, unknown_to_models
from luigi_tasks.targets import Directory
from luigi_tasks.task import in_datamart
from luigi_tasks.training import BestModel, features_of, read_metadata

if TYPE_CHECKING:
    import pandas as pd

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


class Drift:
    """The bins of every row of a frame, looked up once, and the drift of any part of it.

    `metadata` is that of the model that scored the rows.
    """

    def __init__(self, scored: pd.DataFrame, metadata: dict[str, Any], floor: float) -> None:
        import pandas as pd

        self._frozen = {"prediction_proba": metadata["score_bins"], **metadata["feature_bins"]}
        values = features_of(scored[list(self._frozen)])
        self._bins = pd.DataFrame(
            {name: bin_of(frozen, values[name]) for name, frozen in self._frozen.items()},
            index=scored.index,
        )
        self._features = list(metadata["feature_bins"])
        self._floor = floor

    def psi(self, rows: pd.Index) -> float:
        """The population stability index of the score."""
        return self._index("prediction_proba", self._bins.loc[rows, "prediction_proba"].to_numpy())

    def csi(self, rows: pd.Index) -> dict[str, dict[str, float]]:
        """{feature: {csi, missing_share}}."""
        part = self._bins.loc[rows]
        found = {}
        for name in self._features:
            bins = part[name].to_numpy()
            missing = len(self._frozen[name]["shares"]) - 1
            found[name] = {
                "csi": self._index(name, bins),
                "missing_share": float((bins == missing).mean()),
            }
        return found

    def _index(self, name: str, bins: Any) -> float:
        return stability_index(self._frozen[name], bins, self._floor)


def monitor(
    scored: pd.DataFrame,
    models: dict[int, dict[str, Any]],
    newest_train_until: dt.date,
    threshold: float,
    floor: float,
    window_months: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The monitoring table and the drift of every feature.

    `scored` holds predictions with their features, `label_date` and `month`, `models` the
    metadata by generation. `n_new_labels` counts the labels that matured after
    `newest_train_until`: what the newest model could not know. One row a month, generation and
    sample; `window_…` measures the newest `window_months` months of that generation and sample
    up to the month together.
    """
    import pandas as pd

    rows, drifts = [], []
    fresh = unknown_to_models(scored)
    new_label = fresh["actual_label"].notna() & (fresh["label_date"] > newest_train_until)
    for generation, own in fresh.groupby("generation"):
        drift = Drift(own, models[int(str(generation))], floor)
        for sample, group in own.groupby("sample"):
            months = sorted(group["month"].unique())
            for position, month in enumerate(months):
                batch = group[group["month"] == month]
                window = group[group["month"].isin(months[: position + 1][-window_months:])]
                measured = {**measure(window, threshold), "psi": drift.psi(window.index)}
                csi = drift.csi(batch.index)
                worst = max(csi, key=lambda name: csi[name]["csi"])
                key = {"month": month, "generation": generation, "sample": sample}
                rows.append(
                    {
                        **key,
                        "vintage": batch["vintage"].max(),
                        **measure(batch, threshold),
                        "n_new_labels": int(new_label[batch.index].sum()),
                        "psi": drift.psi(batch.index),
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
        import pyarrow as pa
        import pyarrow.parquet as pq

        predictions, gold = (pq.read_table(target.path).to_pandas() for target in self.input()[:2])
        extra = [c for c in gold.columns if c == "loan_id" or c not in predictions.columns]
        scored = predictions.merge(gold[extra], on="loan_id", validate="one_to_one")
        scored["month"] = months_of(scored["prediction_date"])
        models = {g: read_metadata(g) for g in range(1, self.generation + 1)}
        newest = dt.date.fromisoformat(models[self.generation]["window"]["train_until"])
        tables = monitor(scored, models, newest, *(self.params[name] for name in self.reads))
        for table, path in zip(tables, built, strict=True):
            path.mkdir()
            arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
            pq.write_table(arrow, path / "part-00000.parquet", compression="zstd")
