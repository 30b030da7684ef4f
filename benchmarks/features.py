"""Forms of the clickstream features, compared; prints the table of docs/features.md.

    python benchmarks/features.py [--customers N ...] [--seeds S ...] [FOLDER ...]

For every number of customers and seed, data without drift are generated in a temporary folder; a
FOLDER is a project with extracts of its own (data/, params.yaml, luigi.cfg). Gold is built in each.

Only training-period vintages are judged (training.train_until, `auto` being the twelfth vintage):
logistic regression and gradient boosting of params.yaml, and the mean of their scores, by rolling
origin over the newest ORIGINS vintages, each scored by models fitted on the vintages before it.
CSI compares every month after them with the newest three of them, as monitoring does; of real
data the months after may drift, so that their CSI says nothing of the form.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from sklearn.metrics import roc_auc_score

from luigi_tasks.extracts.contract import CLICKSTREAM_FEATURES
from luigi_tasks.models.bins import count, freeze_bins
from luigi_tasks.models.estimators import fit
from luigi_tasks.models.feature_columns import model_input, select_features
from luigi_tasks.models.scoring import score
from luigi_tasks.models.splits import first_train_until
from luigi_tasks.monitoring.drift import stability_index

ROOT = Path(__file__).parents[1]
FEATURES = list(CLICKSTREAM_FEATURES)
ORIGINS, REFERENCE, BINS, FLOOR, LIMIT = 4, 3, 10, 1e-4, 0.2
CANDIDATES = ("logistic_regression", "gradient_boosting")
ALL = 60
# What stands for the clickstream, and how many months of it.
FORMS = [
    ("mean std", ALL),
    ("mean coverage", 12),
    ("z snapshots", 12),
    ("z coverage std", 12),
    *(("z coverage", months) for months in (ALL, 12, 9, 6, 3)),
]


def month_number(days: pd.Series) -> pd.Series:
    """Months since the year 0."""
    return days.map(lambda day: 12 * day.year + day.month)


def statistics(gold: pd.DataFrame, clicks: pd.DataFrame, months: int) -> dict[str, pd.DataFrame]:
    """mean, std, z, snapshots and coverage of each loan of gold over its newest months."""
    clicks = clicks.assign(month=month_number(clicks["snapshot_date"]))
    start = month_number(gold["loan_start_date"])
    loans = pd.DataFrame(
        {"loan_id": gold["loan_id"], "Customer_ID": gold["customer_id"], "start": start}
    )

    def inside(rows: pd.DataFrame, start: Any) -> pd.DataFrame:
        return rows[(rows["month"] < start) & (rows["month"] >= start - months)]

    joined = loans.merge(clicks, on="Customer_ID")
    own = inside(joined, joined["start"]).groupby("loan_id")[FEATURES]
    n, mean = own.count(), own.mean()
    windows = {start: inside(clicks, start) for start in loans["start"].unique()}
    centre = pd.DataFrame({start: rows[FEATURES].mean() for start, rows in windows.items()}).T
    spread = pd.DataFrame({start: rows[FEATURES].std() for start, rows in windows.items()}).T
    begun = loans.set_index("loan_id")["start"].loc[mean.index]
    z = (mean - centre.loc[begun].to_numpy()) / spread.loc[begun].to_numpy() * np.sqrt(n)
    snapshots = n.max(axis=1).reindex(gold["loan_id"]).fillna(0).to_frame("fe_snapshots")
    feed = start.map({start: rows["month"].nunique() for start, rows in windows.items()})
    coverage = snapshots["fe_snapshots"] / feed.where(feed > 0).to_numpy()
    return {
        "mean": mean.add_suffix("_mean").reindex(gold["loan_id"]),
        "std": own.std().add_suffix("_std").reindex(gold["loan_id"]),
        "z": z.add_suffix("_z").reindex(gold["loan_id"]),
        "snapshots": snapshots,
        "coverage": coverage.to_frame("fe_coverage"),
    }


def out_of_time(
    features: pd.DataFrame, gold: pd.DataFrame, vintages: list[Any], candidates: dict[str, Any]
) -> dict[str, pd.Series]:
    """Scores by rolling origin of the candidates and of their mean."""
    held_out = vintages[-ORIGINS:]
    scores = {name: pd.Series(np.nan, gold.index) for name in CANDIDATES}
    for vintage in held_out:
        before, now = gold["vintage"] < vintage, gold["vintage"] == vintage
        before &= gold["label"].notna()
        now &= gold["label"].notna()
        for name in CANDIDATES:
            labels = gold["label"][before].astype(int)
            model = fit(name, candidates[name], features[before], labels, random_state=42)
            scores[name][now] = score(model, features[now])
    return {**scores, "mean": sum(scores.values()) / len(scores)}


def unstable(features: pd.DataFrame, gold: pd.DataFrame, vintages: list[Any]) -> list[int]:
    """How many features exceed LIMIT in each month after the training vintages."""
    values = model_input(features)
    reference = gold["vintage"].isin(vintages[-REFERENCE:])
    frozen = {name: freeze_bins(values[name][reference], BINS) for name in values}
    # Between the newest matured vintage and the first live month lies the performance window.
    live = sorted(v for v in gold["vintage"].unique() if v > vintages[-1])[REFERENCE:]
    return [
        sum(
            stability_index(bins, count(bins, values[name][gold["vintage"] == month]), FLOOR)
            > LIMIT
            for name, bins in frozen.items()
        )
        for month in live
    ]


def gold_of(folder: Path) -> pd.DataFrame:
    """The gold table of a project folder, which is built there."""
    luigi = [str(Path(sys.executable).with_name("luigi")), "--module", "luigi_tasks"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [*luigi, "GoldFeatures", "--local-scheduler"],
        cwd=folder, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    return pd.read_parquet(folder / "datamart" / "gold" / "features.parquet")


def training_vintages(gold: pd.DataFrame, params: dict[str, Any]) -> list[Any]:
    """The vintages whose labels are known at training.train_until, oldest first."""
    until = params["training"]["train_until"]
    day = first_train_until(gold) if until == "auto" else until
    known = gold["label_date"].notna() & (gold["label_date"] <= day)
    return sorted(gold["vintage"][known].unique())


def compare(folder: Path, params: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for each of FORMS on the extracts of a project folder."""
    gold = gold_of(folder)
    clicks = pd.read_parquet(folder / "datamart" / "silver" / "feature_clickstream.parquet")
    vintages = training_vintages(gold, params)
    patterns = [name for name in params["training"]["features"] if not name.startswith("fe_")]
    others = gold[select_features(list(gold.columns), patterns)].set_axis(gold["loan_id"])
    rows = []
    for form, months in FORMS:
        forms = statistics(gold, clicks, months)
        features = pd.concat([others, *(forms[part] for part in form.split())], axis=1)
        features = features.reset_index(drop=True)
        scores = out_of_time(features, gold, vintages, params["training"]["candidates"])
        judged = scores["mean"].notna()
        performing = judged & ~gold["delinquent"]
        over = unstable(features, gold, vintages)
        row = {"form": form, "months": "all" if months == ALL else months}
        for name, values in scores.items():
            row[f"{name} all"] = roc_auc_score(gold["label"][judged], values[judged])
            row[f"{name} performing"] = roc_auc_score(gold["label"][performing], values[performing])
        rows.append({**row, "features": features.shape[1], "over": float(np.mean(over))})
        print(folder.name, rows[-1], file=sys.stderr, flush=True)
    return rows


@contextmanager
def project(customers: int, seed: int) -> Iterator[Path]:
    """A temporary project folder with generated data without drift."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("params.yaml", "luigi.cfg"):
            shutil.copy(ROOT / file, folder / file)
        subprocess.run(
            [sys.executable, "-m", "luigi_tasks", "sample-data", "--out", "data",
             "--customers", str(customers), "--seed", str(seed)],
            cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True,
            capture_output=True,
        )  # fmt: skip
        yield folder


def params_of(folder: Path) -> dict[str, Any]:
    """The params.yaml of a project folder."""
    params: dict[str, Any] = yaml.safe_load((folder / "params.yaml").read_text())
    return params


def generated(customers: int, seed: int) -> list[dict[str, Any]]:
    """The rows of `compare` on generated data without drift."""
    with project(customers, seed) as folder:
        return compare(folder, params_of(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, nargs="*", default=[3_000, 12_500])
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("folders", type=Path, nargs="*")
    arguments = parser.parse_args()
    tables = {
        f"{customers:,} customers, {len(arguments.seeds)} seeds": [
            row for seed in arguments.seeds for row in generated(customers, seed)
        ]
        for customers in arguments.customers
    }
    for folder in arguments.folders:
        tables[folder.name] = compare(folder, params_of(folder))
    for name, rows in tables.items():
        if rows:
            means = pd.DataFrame(rows).groupby(["form", "months"], sort=False).mean()
            print(f"\n{name}\n{means.round(4).to_string()}")


if __name__ == "__main__":
    main()
