"""Forms of the candidates, compared; prints the tables of docs/features.md.

    python benchmarks/candidates.py [--customers N ...] [--seeds S ...] [FOLDER ...]

Data as in benchmarks/features.py, and as there only training-period vintages are judged: by rolling
origin over the newest ORIGINS of them, each scored by models fitted on the vintages before it.
`together` is a classifier fitted on repayment history and all other features alike, `updated` the
application score that the history updates (luigi_tasks/models/behaviour.py).

auc, all: of all loans; auc, brier, slope (of the labels' log-odds over those of the scores; above 1
scores are too timid) and gap (mean score less default rate): of performing loans.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from features import gold_of, params_of, project, training_vintages
from sklearn.pipeline import Pipeline

from luigi_tasks.models.estimators import estimator, make_pipeline
from luigi_tasks.models.feature_columns import model_input, select_features
from luigi_tasks.models.metrics import evaluate
from luigi_tasks.models.scoring import score

ORIGINS = 8
LOGISTIC = {"class": "sklearn.linear_model.LogisticRegression", "max_iter": 1000}
FOREST = {
    "class": "sklearn.ensemble.RandomForestClassifier",
    "n_estimators": 100,
    "max_depth": 10,
    "n_jobs": 1,
}
BOOSTING = {
    "class": "sklearn.ensemble.HistGradientBoostingClassifier",
    "max_iter": 100,
    "max_depth": 5,
}
CLASSIFIERS: dict[str, dict[str, Any]] = {
    **{f"logistic, C = {c}": {**LOGISTIC, "C": c} for c in (0.1, 0.03, 0.02, 0.01)},
    "forest": FOREST,
    "boosting": BOOSTING,
    "boosting, rate 0.05": {**BOOSTING, "learning_rate": 0.05},
    "boosting, rate 0.05, l2 10": {**BOOSTING, "learning_rate": 0.05, "l2_regularization": 10},
    "boosting, rate 0.05, leaf 50": {**BOOSTING, "learning_rate": 0.05, "min_samples_leaf": 50},
}
VOTES = [
    ("logistic, C = 0.01", "boosting"),
    ("logistic, C = 0.03", "boosting"),
    ("logistic, C = 0.03", "boosting, rate 0.05"),
    ("logistic, C = 0.03", "forest"),
]
COLUMNS = ["all", "auc", "brier", "slope", "gap"]


def fitted(spec: dict[str, Any], form: str, features: pd.DataFrame, labels: pd.Series) -> Any:
    """A candidate of either form."""
    classifier = estimator("it", spec, 42)
    pipeline = make_pipeline(features, classifier)
    if form == "together":
        pipeline = Pipeline([pipeline.steps[0], ("classify", classifier)])
    return pipeline.fit(features, labels.to_numpy())


def out_of_time(gold: pd.DataFrame, features: pd.DataFrame, form: str) -> dict[str, pd.Series]:
    """Scores by rolling origin of CLASSIFIERS and VOTES, of the loans that are held out."""
    held_out = sorted(gold["vintage"].unique())[-ORIGINS:]
    scores = {}
    for name, spec in CLASSIFIERS.items():
        parts = []
        for vintage in held_out:
            before, now = gold["vintage"] < vintage, gold["vintage"] == vintage
            model = fitted(spec, form, features[before], gold["label"][before].astype(int))
            parts.append(pd.Series(score(model, features[now]), gold.index[now]))
        scores[name] = pd.concat(parts)
    votes = {" + ".join(names): sum(scores[name] for name in names) / 2 for names in VOTES}
    return {**scores, **votes}


def compare(folder: Path) -> pd.DataFrame:
    """COLUMNS by form and candidate, on the extracts of a project folder."""
    gold, params = gold_of(folder), params_of(folder)
    known = gold["vintage"].isin(training_vintages(gold, params)) & gold["label"].notna()
    gold = gold[known].reset_index(drop=True)
    patterns = params["training"]["features"]
    features = model_input(gold[select_features(list(gold.columns), patterns)])
    rows = {}
    for form in ("together", "updated"):
        for name, scores in out_of_time(gold, features, form).items():
            loans = gold.loc[scores.index]
            own = ~loans["delinquent"].to_numpy(dtype=bool)
            labels = loans["label"].to_numpy(dtype=float)
            found = evaluate(labels[own], scores.to_numpy()[own], 0.5)
            rows[form, name] = {
                "all": evaluate(labels, scores, 0.5)["auc"],
                "auc": found["auc"],
                "brier": found["brier"],
                "slope": found["calibration_slope"],
                "gap": found["calibration_gap"],
            }
    print(folder.name, file=sys.stderr, flush=True)
    return pd.DataFrame(rows, COLUMNS).T.astype(float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, nargs="*", default=[3_000])
    parser.add_argument("--seeds", type=int, nargs="*", default=[11, 12, 13, 14])
    parser.add_argument("folders", type=Path, nargs="*")
    arguments = parser.parse_args()
    for folder in arguments.folders:
        print(f"\n{folder.name}\n{compare(folder).round(4).to_string()}")
    for customers in arguments.customers:
        books = []
        for seed in arguments.seeds:
            with project(customers, seed) as folder:
                books.append(compare(folder))
        if books:
            means = pd.DataFrame(np.mean(books, axis=0), books[0].index, COLUMNS)
            print(f"\n{customers:,} customers, seeds {arguments.seeds}")
            print(means.round(4).to_string())


if __name__ == "__main__":
    main()
