"""The same model gives the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from loan_book import FOREST, fitted, pickle_of, training_frame

LOGISTIC = {"class": "sklearn.linear_model.LogisticRegression", "max_iter": 1000}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "spec",
    [
        FOREST,
        LOGISTIC,
        {"class": "sklearn.ensemble.HistGradientBoostingClassifier", "max_iter": 5},
        {"class": "sklearn.ensemble.GradientBoostingClassifier", "n_estimators": 5},
    ],
    ids=lambda spec: spec["class"].rpartition(".")[2],
)
def test_the_same_data_give_the_same_bytes_twice(spec: dict[str, Any]) -> None:
    frame = training_frame()
    assert pickle_of(fitted(frame, spec)) == pickle_of(fitted(frame, spec))


def test_a_process_that_has_read_a_model_before_writes_the_same_bytes() -> None:
    before = pickle_of(fitted(training_frame(), LOGISTIC))
    Path("read.pkl").write_bytes(before)
    words = (
        "import pickle, pathlib; pickle.loads(pathlib.Path('read.pkl').read_bytes());"
        "import loan_book; loan_book.pickle_of(loan_book.fitted(loan_book.training_frame(), "
        f"{LOGISTIC}))"
    )
    paths = f"{ROOT}:{ROOT / 'tests'}"
    environment = {**os.environ, "PYTHONPATH": paths}
    subprocess.run([sys.executable, "-c", words], env=environment, check=True)
    assert Path("model.pkl").read_bytes() == before
