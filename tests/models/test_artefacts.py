"""The same model gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from loan_book import FOREST, fitted, pickle_of, training_frame


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


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
    frame = training_frame()
    assert pickle_of(fitted(frame, spec)) == pickle_of(fitted(frame, spec))


def test_it_does_not_matter_whether_two_equal_texts_are_one_object() -> None:
    text = "categories"
    other = "".join(["cate", "gories"])
    assert text is not other
    assert pickle_of([text, {text: 1}]) == pickle_of([other, {text: 1}])
