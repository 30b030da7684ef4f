"""The model of the store gives the scores of the pipeline, whoever reads it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from loan_book import FEATURES, fitted, pickle_of, training_frame
from running import Project

from luigi_tasks.models import unpickling
from luigi_tasks.models.calibration import fit_calibrator
from luigi_tasks.models.loan_model import LoanModel


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_members_of_a_vote_count_alike() -> None:
    frame = training_frame()
    tree = {"class": "sklearn.tree.DecisionTreeClassifier", "max_depth": 2}
    one, other = LoanModel([fitted(frame)]), LoanModel([fitted(frame, tree)])
    both = LoanModel([*one.members, *other.members])
    mean = (one.predict_proba(frame[FEATURES]) + other.predict_proba(frame[FEATURES])) / 2
    assert both.predict_proba(frame[FEATURES]) == pytest.approx(mean)


def test_none_and_nan_are_the_same_missing_value() -> None:
    frame = training_frame()
    model = LoanModel([fitted(frame)])
    with_nan = frame[FEATURES].where(frame[FEATURES].notna(), np.nan)
    assert frame["Occupation"].isna().any()
    assert (model.predict_proba(frame[FEATURES]) == model.predict_proba(with_nan)).all()


@pytest.mark.parametrize("method", ["none", "sigmoid", "isotonic"])
def test_it_comes_back_from_the_store_as_it_was(method: str, tmp_path: Path) -> None:
    frame = training_frame()
    scores = LoanModel([fitted(frame)]).predict_proba(frame[FEATURES])[:, 1]
    model = LoanModel([fitted(frame)], fit_calibrator(method, scores, frame["label"]))
    data = pickle_of(model)
    assert pickle_of(model) == data
    (tmp_path / "stored.pkl").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    back = unpickling.load(tmp_path / "stored.pkl", digest)
    assert (back.predict_proba(frame[FEATURES]) == model.predict_proba(frame[FEATURES])).all()


def test_the_champion_of_a_run_is_fitted_on_all_that_it_may_know_and_judged_on_what_it_did_not(
    finished: Project,
) -> None:
    store = finished.path / "model_store"
    metadata = json.loads((store / "model_metadata_1.json").read_text())
    gold = pd.read_parquet(finished.path / "datamart/gold/features.parquet")
    said = pd.read_parquet(finished.path / "datamart/gold/model_predictions.parquet")
    model = joblib.load(store / "best_model_1.pkl")
    scores = pd.Series(model.predict_proba(gold[metadata["features"]])[:, 1], index=gold["loan_id"])
    assert said["prediction_proba"].to_numpy() == pytest.approx(
        scores[said["loan_id"]].to_numpy(), rel=1e-12
    )
    window = metadata["window"]
    assert set(said["sample"]) == {"train", "unseen", "live"}
    assert window["train"]["loans"] == (said["sample"] == "train").sum()
    assert window["train"]["last_vintage"] == window["test"]["last_vintage"]
    assert [origin["loans"]["loans"] for origin in metadata["origins"]] == [
        int(((gold["vintage"].astype(str) == vintage) & (gold["label"].notna())).sum())
        for vintage in ("2023-10-01", "2023-11-01", "2023-12-01")
    ]
    assert metadata["score_bins"]["n"] == window["test"]["loans"]
    assert metadata["performing_score_bins"]["n"] < metadata["score_bins"]["n"]
