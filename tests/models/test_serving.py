"""The model outside the pipeline: any frame of gold has the scores that were published."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
from running import ROOT, Project

from luigi_tasks.core.errors import PipelineError

GOLD = "datamart/gold/features.parquet"
MODEL = "model_store/best_model_1.pkl"


@pytest.fixture(scope="module")
def loans(finished: Project) -> pd.DataFrame:
    return pd.read_parquet(finished.path / GOLD)


@pytest.fixture(scope="module")
def published(finished: Project, loans: pd.DataFrame) -> pd.Series:
    """The scores of the pipeline, in the order of the loans."""
    path = finished.path / "datamart/gold/model_predictions.parquet"
    scores = pd.read_parquet(path).set_index("loan_id")["prediction_proba"]
    return scores[loans["loan_id"]].reset_index(drop=True)


def texts(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame if frame[name].map(lambda value: isinstance(value, str)).any()]


def polars(frame: pd.DataFrame) -> pl.DataFrame:
    return pl.from_pandas(frame)


FRAMES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "as pandas reads it": lambda frame: frame,
    "NaN for None": lambda frame: frame.where(frame.notna(), np.nan),
    "None for NaN": lambda frame: frame.astype(object).where(frame.notna(), None),
    "NA": lambda frame: frame.astype(object).where(frame.notna(), pd.NA),
    "nullable types": lambda frame: frame.convert_dtypes(),
    "Arrow types": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "the text type of pandas 3": lambda frame: frame.astype(
        dict.fromkeys(texts(frame), pd.StringDtype("pyarrow", na_value=np.nan))
    ),
    "categories": lambda frame: frame.astype(dict.fromkeys(texts(frame), "category")),
    "Polars": lambda frame: polars(frame).to_pandas(),
    "Polars, Arrow types": lambda frame: polars(frame).to_pandas(use_pyarrow_extension_array=True),
    "columns reversed": lambda frame: frame[frame.columns[::-1]],
    "more columns": lambda frame: frame.assign(colour="red", height=1.0),
}


@pytest.mark.parametrize("name", FRAMES)
def test_any_frame_of_gold_has_the_published_scores_to_the_last_bit(
    name: str, finished: Project, loans: pd.DataFrame, published: pd.Series
) -> None:
    model = joblib.load(finished.path / MODEL)
    scores = model.predict_proba(FRAMES[name](loans))[:, 1]
    assert np.abs(scores - published).max() == 0


def test_neither_order_nor_number_of_loans_matters(
    finished: Project, loans: pd.DataFrame, published: pd.Series
) -> None:
    model = joblib.load(finished.path / MODEL)
    mixed = loans.sample(frac=1, random_state=1)
    assert (model.predict_proba(mixed)[:, 1] == published[mixed.index]).all()
    for row in range(0, len(loans), 97):
        assert model.predict_proba(loans.iloc[[row]])[0, 1] == published[row]


def test_a_column_that_is_missing_or_no_number_is_named(
    finished: Project, loans: pd.DataFrame
) -> None:
    model = joblib.load(finished.path / MODEL)
    with pytest.raises(PipelineError, match="columns that the model reads are missing: Age, DTI"):
        model.predict_proba(loans.drop(columns=["DTI", "Age"]))
    with pytest.raises(PipelineError, match="column Annual_Income: holds what is no number"):
        model.predict_proba(loans.assign(Annual_Income="much"))


def test_the_command_gives_the_published_scores_and_reasons(
    project: Project, published: pd.Series, loans: pd.DataFrame
) -> None:
    before = project.digests()
    done = project.command("score", "--input", GOLD, "--output", "scored.parquet", "--reasons")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"scored.parquet: {len(loans)} loans scored by generation 1\n"
    assert done.stderr.startswith("note: columns that are not read: customer_id, ")
    found = pd.read_parquet(project.path / "scored.parquet")
    assert found["loan_id"].tolist() == loans["loan_id"].tolist()
    assert np.abs(found["prediction_proba"] - published).max() == 0
    told = pd.read_parquet(project.path / "datamart/gold/reasons.parquet").set_index("loan_id")
    own = found.set_index("loan_id").loc[told.index]
    assert len(own) > 100
    for rank in range(1, 5):
        assert own[f"reason_{rank}"].fillna("").equals(told[f"reason_{rank}"].fillna(""))
    assert own["words_1"].notna().equals(told["reason_1"].notna())
    assert project.digests() == before
    assert project.stale() == {}


def test_what_the_command_cannot_read_or_write_is_named(project: Project) -> None:
    def told(source: str, output: str = "scored.parquet") -> str:
        done = project.command("score", "--input", source, "--output", output)
        assert done.returncode == 1
        return done.stderr

    frame = pd.read_parquet(project.path / GOLD)
    frame.drop(columns=["Age"]).to_parquet(project.path / "short.parquet")
    assert told("short.parquet") == (
        "error: short.parquet: columns that generation 1 reads are missing: Age\n"
    )
    assert told("params.yaml") == "error: params.yaml: cannot be read: it is no parquet file\n"
    assert told("gone.parquet") == "error: gone.parquet: no such file or dataset\n"
    assert told(GOLD, "datamart") == (
        "error: datamart: is no file; --output names the file to write\n"
    )
    assert not list(project.path.glob("*.tmp"))
    assert not (project.path / "scored.parquet").exists()


def test_an_altered_model_scores_nothing(project: Project) -> None:
    path = project.path / MODEL
    path.write_bytes(path.read_bytes() + b".")
    done = project.command("score", "--input", GOLD, "--output", "scored.parquet")
    assert done.returncode == 1
    assert "refused, its SHA-256" in done.stderr


def test_the_lines_of_the_page_run_in_a_finished_project(project: Project) -> None:
    page = (ROOT / "docs" / "serving.md").read_text()
    (lines,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    done = project.run("python", "-c", lines)
    assert done.returncode == 0, done.stderr
    last = pq.read_table(project.path / GOLD, columns=["loan_id"])["loan_id"][-1].as_py()
    assert last in done.stdout


def test_the_page_names_every_column_that_the_command_writes(project: Project) -> None:
    output = Path("scored.parquet")
    project.command("score", "--input", GOLD, "--output", str(output), "--reasons")
    page = (ROOT / "docs" / "serving.md").read_text()
    for name in pq.read_schema(project.path / output).names:
        assert f"`{name}`" in page or re.sub(r"_[23]$", "_1", name) in page, name
