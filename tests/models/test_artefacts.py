"""The same model gives the same bytes, and a file is read only when it is what was stored."""

from __future__ import annotations

import datetime as dt
import hashlib
import pickle
from pathlib import Path
from typing import Any

import pytest
from conftest import day
from loan_book import FEATURES, FOREST, fitted, pickle_of, split_frame
from sklearn.linear_model import LogisticRegression

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.models import artefacts
from luigi_tasks.models.scoring import score


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "spec",
    [
        FOREST,
        {"class": "sklearn.linear_model.LogisticRegression", "max_iter": 1000},
        {"class": "sklearn.ensemble.HistGradientBoostingClassifier", "max_iter": 5},
        {"class": "sklearn.ensemble.GradientBoostingClassifier", "n_estimators": 5},
    ],
    ids=lambda spec: spec["class"].rpartition(".")[2],
)
def test_the_same_data_give_the_same_bytes_twice(spec: dict[str, Any]) -> None:
    frame = split_frame()
    assert pickle_of(fitted(frame, spec)) == pickle_of(fitted(frame, spec))


def test_a_model_comes_back_as_it_was_stored() -> None:
    frame = split_frame()
    model = fitted(frame)
    path = Path("model.pkl")
    artefacts.dump(model, path)
    found = artefacts.load(path, sha256(path))
    assert (score(found, frame[FEATURES]) == score(model, frame[FEATURES])).all()


def test_an_altered_model_file_is_refused_before_it_is_read() -> None:
    path = Path("model.pkl")
    artefacts.dump(LogisticRegression(), path)
    recorded = sha256(path)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(PipelineError, match=r"model\.pkl: refused, its SHA-256"):
        artefacts.load(path, recorded)


def test_a_missing_model_file_is_named() -> None:
    with pytest.raises(PipelineError, match=r"gone\.pkl: the model file is missing"):
        artefacts.load(Path("gone.pkl"), "0" * 64)


class Intruder:
    """Would make a file when it is unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("intruded"),)


class Evaluator:
    """Would run code by a builtin when it is unpickled."""

    def __reduce__(self) -> Any:
        return eval, ("open('intruded', 'w')",)


@pytest.mark.parametrize("intruder", [Intruder(), Evaluator(), dt.date(2024, 1, 1)])
def test_a_model_file_with_foreign_code_is_refused_even_with_the_right_digest(
    intruder: Any,
) -> None:
    path = Path("model.pkl")
    path.write_bytes(pickle.dumps(intruder))
    with pytest.raises(PipelineError, match=r"model\.pkl: refused, it asks for "):
        artefacts.load(path, sha256(path))
    assert not Path("intruded").exists()


def test_a_package_that_candidates_are_taken_from_is_trusted() -> None:
    path = Path("model.pkl")
    path.write_bytes(pickle.dumps(dt.date(2024, 1, 1)))
    assert artefacts.load(path, sha256(path), ["datetime"]) == day("2024-01-01")
