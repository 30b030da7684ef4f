"""A model serves itself: whoever reads it, and however, gets the scores that were published."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.dataset as ds
import pytest
from conftest import ROOT
from loan_book import FEATURES, FOREST, fitted, training_frame
from running import BIN, Project

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.models.loan_model import LoanModel

GOLD = "datamart/gold/features.parquet"


def texts_of(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame if frame[name].map(type).eq(str).any()]


def as_texts(frame: pd.DataFrame, dtype: Any) -> pd.DataFrame:
    return frame.astype(dict.fromkeys(texts_of(frame), dtype))


def with_missing(frame: pd.DataFrame, missing: Any) -> pd.DataFrame:
    """The frame with all its values as objects, and this one for what is missing."""
    return frame.astype(object).where(frame.notna(), missing)


# How the same loans come out of a file, by who reads it.
FORMS = {
    "pandas": pd.read_parquet,
    "pandas, nullable": lambda path: pd.read_parquet(path, dtype_backend="numpy_nullable"),
    "pandas, Arrow": lambda path: pd.read_parquet(path, dtype_backend="pyarrow"),
    "Polars": lambda path: pl.from_arrow(ds.dataset(path).to_table()).to_pandas(),
    "Polars, Arrow": lambda path: pl.from_arrow(ds.dataset(path).to_table()).to_pandas(
        use_pyarrow_extension_array=True
    ),
    "strings": lambda path: as_texts(pd.read_parquet(path), "string"),
    "strings of pandas 3": lambda path: as_texts(
        pd.read_parquet(path), pd.StringDtype("pyarrow", na_value=np.nan)
    ),
    "strings of pandas 3 without Arrow": lambda path: as_texts(
        pd.read_parquet(path), pd.StringDtype("python", na_value=np.nan)
    ),
    "categories": lambda path: as_texts(pd.read_parquet(path), "category"),
    "objects with None": lambda path: with_missing(pd.read_parquet(path), None),
    "objects with NaN": lambda path: with_missing(pd.read_parquet(path), np.nan),
    "objects with NA": lambda path: with_missing(pd.read_parquet(path), pd.NA),
    "columns the other way round": lambda path: pd.read_parquet(path).iloc[:, ::-1],
    "more columns": lambda path: pd.read_parquet(path).assign(note="new", Agee=1j, _=None),
    "an index that says nothing": lambda path: pd.read_parquet(path).set_axis(
        [0] * len(pd.read_parquet(path))
    ),
}


def published(project: Project) -> pd.Series:
    said = pd.read_parquet(project.path / "datamart/gold/model_predictions.parquet")
    return said.set_index("loan_id")["prediction_proba"]


@pytest.mark.parametrize("form", FORMS)
def test_a_frame_of_any_form_has_the_published_scores_to_the_last_bit(
    form: str, finished: Project
) -> None:
    model = joblib.load(finished.path / "model_store/best_model_1.pkl")
    loans = FORMS[form](finished.path / GOLD)
    assert loans[list(model.feature_names_in_)].isna().any(axis=None)
    scores = model.predict_proba(loans)[:, 1]
    assert (scores == published(finished)[loans["loan_id"]].to_numpy()).all()


def test_what_is_missing_is_the_same_in_texts_however_it_is_written() -> None:
    frame = training_frame()
    model = LoanModel([fitted(frame)])
    assert frame["Occupation"].isna().any()
    scores = model.predict_proba(frame[FEATURES])
    for missing in (None, np.nan, pd.NA, pd.NaT):
        assert (model.predict_proba(with_missing(frame[FEATURES], missing)) == scores).all()


KINDS: list[dict[str, Any]] = [
    FOREST,
    {"class": "sklearn.linear_model.LogisticRegression"},
    {"class": "sklearn.ensemble.HistGradientBoostingClassifier", "min_samples_leaf": 5},
    {"class": "sklearn.neural_network.MLPClassifier", "max_iter": 30},
    {"class": "lightgbm.LGBMClassifier", "n_estimators": 20},
    {"class": "xgboost.XGBClassifier", "n_estimators": 20},
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec["class"].rpartition(".")[2])
def test_a_loan_has_the_same_score_alone_as_among_others_and_in_any_order(
    spec: dict[str, Any],
) -> None:
    pytest.importorskip(spec["class"].partition(".")[0])
    frame = training_frame()
    model = LoanModel([fitted(frame, spec)])
    scores = model.predict_proba(frame)[:, 1]
    order = np.random.default_rng(1).permutation(len(frame))
    assert (model.predict_proba(frame.iloc[order])[:, 1] == scores[order]).all()
    alone = [model.predict_proba(frame.iloc[[i]])[0, 1] for i in range(len(frame))]
    assert (np.array(alone) == scores).all()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda f: f.drop(columns=["Age", "Occupation"]), "that are missing: Age, Occupation"),
        (lambda f: pd.concat([f, f[["Age"]]], axis=1), "column Age is there twice"),
        (lambda f: f.assign(Age="old"), "column Age: could not convert string to float: 'old'"),
        (
            lambda f: f.assign(Age=pd.Timestamp(2024, 1, 1)),
            "column Age: datetime64.* no number",
        ),
        (lambda f: f.assign(Age=np.inf), "column Age holds an infinite number"),
        (lambda f: f.assign(Occupation=5), "column Occupation holds something else than texts"),
        (lambda f: f.assign(Occupation=b"Lawyer"), "column Occupation holds something else"),
        (lambda f: f.to_numpy(), "scores a pandas DataFrame, not ndarray"),
    ],
)
def test_what_cannot_be_scored_is_named_by_its_column(wrong: Any, sentence: str) -> None:
    frame = training_frame()[FEATURES]
    with pytest.raises(PipelineError, match=sentence):
        LoanModel([fitted(training_frame())]).predict_proba(wrong(frame))


def test_the_lines_for_a_notebook_give_the_published_scores_and_reasons(
    finished: Project, tmp_path: Path
) -> None:
    project = finished.copy(tmp_path / "project")
    first, second = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "docs/serving.md").read_text(), re.M | re.S
    )
    assert len([line for line in second.splitlines() if line]) <= 5
    end = (
        "\ntold.assign(by_joblib=probability).to_parquet('told.parquet')"
        "\nassert (told['prediction_proba'] == probability).all()\n"
    )
    done = project.run(str(BIN / "python"), "-c", first + second + end)
    assert done.returncode == 0, done.stderr
    told = pd.read_parquet(project.path / "told.parquet")
    scores = published(finished)[told["loan_id"]].to_numpy()
    assert (told["prediction_proba"] == scores).all()
    assert (told["by_joblib"] == scores).all()
    reasons = pd.read_parquet(project.path / "datamart/gold/reasons.parquet")
    both = told.merge(reasons, on="loan_id", suffixes=("", "_published"))
    assert len(both) == len(reasons)
    for rank in range(1, 5):
        own, said = both[f"reason_{rank}"], both[f"reason_{rank}_published"]
        assert own.fillna("").equals(said.fillna(""))
        assert (told[f"words_{rank}"].isna() == told[f"reason_{rank}"].isna()).all()
    added = told.filter(like="contribution_").fillna(0).sum(axis=1)
    assert (told["baseline"] + added + told["rest"]).to_numpy() == pytest.approx(scores, abs=1e-12)
