"""A model knows nothing from after its train_until, and the same data give the same bytes."""

from __future__ import annotations

import datetime as dt
import hashlib
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import day, months_later
from running import ROOT
from sklearn.linear_model import LogisticRegression

from luigi_tasks.core import tables
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.models import artefacts
from luigi_tasks.models.training import (
    TrainingData,
    estimator,
    features_of,
    first_train_until,
    fit,
    leave_out,
    make_pipeline,
    read_splits,
    read_training_data,
    score,
    select_features,
    split_out_of_time,
    split_random,
    training_frame,
    window_of,
)

FIRST = day("2023-01-01")
FEATURES = ["Age", "Occupation", "hist_total_paid", "hist_total_due"]
FEW = "features: [" + ", ".join(FEATURES) + "]"
FOREST = {
    "class": "sklearn.ensemble.RandomForestClassifier",
    "n_estimators": 5,
    "max_depth": 4,
}


def gold(vintages: int = 15, loans: int = 20) -> pd.DataFrame:
    """Vintages from January 2023 on; a label is known six months after the start."""
    random = np.random.default_rng(5)
    rows = []
    for number in range(vintages):
        start = months_later(FIRST, number)
        for loan in range(loans):
            age = int(random.integers(18, 80))
            rows.append(
                {
                    "loan_id": f"LOAN_{number:02}_{loan:02}",
                    "customer_id": f"CUS_{number:02}_{loan:02}",
                    "vintage": start,
                    "loan_start_date": start,
                    "prediction_date": months_later(start, 3),
                    "Age": age,
                    "Occupation": ["Lawyer", "Writer", None][loan % 3],
                    "hist_total_paid": float(random.integers(0, 2_000)),
                    "hist_total_due": 2_000.0 if loan % 4 else None,
                    "label": float(random.random() < age / 100),
                    "label_date": months_later(start, 6),
                }
            )
    return pd.DataFrame(rows)


def split_frame(until: str = "2024-03-01") -> pd.DataFrame:
    """A training frame, split out of time."""
    frame = training_frame(gold(), day(until), FEATURES)
    frame.insert(3, "split", split_out_of_time(frame, 3))
    return frame


# --- the first train_until --------------------------------------------------------------------


def test_auto_is_the_first_day_on_which_twelve_vintages_have_matured() -> None:
    # the twelfth vintage is of December 2023, and known six months later
    assert first_train_until(gold(vintages=15)) == day("2024-06-01")


def test_auto_stays_the_same_when_later_vintages_arrive() -> None:
    assert first_train_until(gold(vintages=12)) == first_train_until(gold(vintages=20))


def test_auto_does_not_look_at_what_the_labels_are() -> None:
    book = gold()
    assert first_train_until(book.assign(label=1 - book["label"])) == first_train_until(book)


def test_auto_counts_matured_vintages_only() -> None:
    book = gold(vintages=12)
    book.loc[book["vintage"] == FIRST, "label_date"] = None
    with pytest.raises(PipelineError, match=r"train_until = auto needs 12 matured .* have 11"):
        first_train_until(book)


# --- the training frame -----------------------------------------------------------------------


def test_a_training_frame_holds_the_labels_known_on_its_day_and_no_other() -> None:
    frame = training_frame(gold(), day("2023-09-01"), FEATURES)
    assert sorted(set(frame["vintage"])) == [
        day("2023-01-01"),
        day("2023-02-01"),
        day("2023-03-01"),
    ]
    before = training_frame(gold(), day("2023-08-31"), FEATURES)
    assert before["vintage"].max() == day("2023-02-01")


def test_perturbing_all_that_became_known_after_train_until_changes_nothing() -> None:
    until = day("2024-01-01")
    book = gold()
    later = book["label_date"] > until
    changed = book.copy()
    changed.loc[later, "label"] = 1 - changed.loc[later, "label"]
    changed.loc[later, ["Age", "hist_total_paid"]] = 99
    changed.loc[later, "Occupation"] = "Astronaut"
    assert later.any()
    pd.testing.assert_frame_equal(
        training_frame(changed, until, FEATURES), training_frame(book, until, FEATURES)
    )
    pd.testing.assert_frame_equal(
        training_frame(book[~later], until, FEATURES), training_frame(book, until, FEATURES)
    )


def test_the_order_of_gold_does_not_matter() -> None:
    shuffled = gold().sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(
        training_frame(shuffled, day("2024-01-01"), FEATURES),
        training_frame(gold(), day("2024-01-01"), FEATURES),
    )


def test_a_loan_whose_label_has_not_matured_is_no_training_row() -> None:
    book = gold()
    book.loc[0, ["label", "label_date"]] = None
    frame = training_frame(book, day("2024-01-01"), FEATURES)
    assert "LOAN_00_00" not in set(frame["loan_id"])
    assert frame["label"].notna().all()


@pytest.mark.parametrize(
    ("book", "until"),
    [(gold(), "2023-06-30"), (gold().assign(label=0.0), "2024-06-01")],
    ids=["nothing matured", "one class"],
)
def test_without_loans_of_both_classes_there_is_no_training(book: pd.DataFrame, until: str) -> None:
    with pytest.raises(PipelineError, match=f"until {until} .* labels have matured"):
        training_frame(book, day(until), FEATURES)


# --- the split --------------------------------------------------------------------------------


def test_out_of_time_tests_on_the_newest_vintages_and_fits_on_all_earlier_ones() -> None:
    frame = split_frame("2023-12-01")  # six vintages have matured
    by_split = frame.groupby("split")["vintage"].agg(["min", "max"])
    assert tuple(by_split.loc["train"]) == (day("2023-01-01"), day("2023-03-01"))
    assert tuple(by_split.loc["test"]) == (day("2023-04-01"), day("2023-06-01"))


def test_out_of_time_without_a_vintage_to_fit_on_names_the_setting() -> None:
    frame = training_frame(gold(), day("2023-09-01"), FEATURES)
    with pytest.raises(PipelineError, match=r"training\.test_vintages = 3 leaves no vintage"):
        split_out_of_time(frame, 3)


def test_a_random_split_has_the_share_and_keeps_the_default_rate() -> None:
    frame = training_frame(gold(), day("2024-03-01"), FEATURES)
    split = split_random(frame, 0.2, 42)
    rates = frame.groupby(split)["label"].mean()
    assert (split == "test").mean() == pytest.approx(0.2, abs=0.01)
    assert rates["test"] == pytest.approx(rates["train"], abs=0.02)
    assert split.tolist() == split_random(frame, 0.2, 42).tolist()
    assert split.tolist() != split_random(frame, 0.2, 43).tolist()


# --- more loans than are trained on ------------------------------------------------------------


def test_beyond_max_rows_every_vintage_and_label_keeps_its_share() -> None:
    frame = pd.DataFrame(
        {
            "vintage": ["a"] * 800 + ["b"] * 200,
            "label": ([1] + [0] * 3) * 250,
            "split": ["train"] * 800 + ["test"] * 200,
        }
    )
    split = leave_out(frame, 500, random_state=1)
    assert split.value_counts().to_dict() == {"left_out": 500, "train": 400, "test": 100}
    kept = frame[split != "left_out"]
    assert kept.groupby(["vintage", "label"]).size().to_list() == [300, 100, 75, 25]
    assert split.equals(leave_out(frame, 500, random_state=1))


def test_what_max_rows_leaves_out_is_neither_trained_nor_tested_on_and_stays_known(
    tmp_path: Path,
) -> None:
    text = (ROOT / "params.yaml").read_text().replace("max_rows: 500000", "max_rows: 1000")
    (tmp_path / "params.yaml").write_text(re.sub(r"features: .*(\n    - .*)+", FEW, text))
    book = gold(loans=150)
    path = GoldFeatures().targets()[0].path
    path.parent.mkdir(parents=True)
    tables.write_frame(path, book)
    task = TrainingData(generation=1)
    folder = task.targets()[0].path
    folder.parent.mkdir(parents=True)
    task.build(folder)
    frame, splits = read_training_data(1), read_splits(1)
    known = book[book["label_date"] <= frame["train_until"].iloc[0]]
    assert set(splits.index) == set(known["loan_id"])
    assert 950 <= len(frame) <= 1000
    assert len(known) == 1800
    assert (splits == "left_out").sum() == len(known) - len(frame)
    values = book.set_index("loan_id").loc[frame["loan_id"], FEATURES]
    pd.testing.assert_frame_equal(frame.set_index("loan_id")[FEATURES], values)
    assert window_of(frame, len(known) - len(frame))["sampled_from"] == len(known)


# --- features ---------------------------------------------------------------------------------


def test_patterns_select_columns_in_the_order_of_gold() -> None:
    columns = list(gold().columns)
    assert select_features(columns, ["hist_*", "Age"]) == [
        "Age",
        "hist_total_paid",
        "hist_total_due",
    ]
    assert select_features(columns, ["hist_total_d?e"]) == ["hist_total_due"]


@pytest.mark.parametrize("pattern", ["Agee", "fe_*_mean", "age"])
def test_a_pattern_that_matches_nothing_is_refused_and_told_what_there_is(pattern: str) -> None:
    with pytest.raises(PipelineError, match=r"training\.features: ") as error:
        select_features(list(gold().columns), ["Age", pattern])
    assert repr(pattern) in str(error.value)
    assert "Age, Occupation, hist_total_paid" in str(error.value)


@pytest.mark.parametrize("name", ["label", "label_date", "loan_id", "customer_id", "vintage"])
def test_keys_and_labels_are_never_features_not_even_by_a_wildcard(name: str) -> None:
    columns = list(gold().columns)
    assert name not in select_features(columns, ["*"])
    with pytest.raises(PipelineError):
        select_features(columns, [name])


# --- the model --------------------------------------------------------------------------------


def test_imputation_encoding_and_scaling_learn_from_training_rows_only() -> None:
    frame = split_frame()
    held_out = frame["split"] == "test"
    changed = frame.copy()
    changed.loc[held_out, ["Age", "hist_total_paid"]] = 1_000_000
    changed.loc[held_out, "Occupation"] = "Astronaut"
    changed.loc[held_out, "label"] = 1 - changed.loc[held_out, "label"]
    assert pickle_of(fit("forest", FOREST, changed, 42)) == pickle_of(
        fit("forest", FOREST, frame, 42)
    )
    prepare = fit("forest", FOREST, frame, 42).named_steps["prepare"]
    medians = prepare.named_transformers_["numbers"].named_steps["impute"].statistics_
    assert medians[0] == frame.loc[~held_out, "Age"].median()


def test_missing_numbers_unknown_and_missing_categories_can_be_scored() -> None:
    model = fit("forest", FOREST, split_frame(), 42)
    strange = pd.DataFrame(
        {
            "Age": [30.0, None],
            "Occupation": ["Astronaut", None],
            "hist_total_paid": [1.0, None],
            "hist_total_due": [None, None],
        }
    )
    found = score(model, strange)
    assert ((found >= 0) & (found <= 1)).all()


def test_a_feature_without_a_single_value_in_training_does_not_stop_it() -> None:
    frame = split_frame().assign(Age=np.nan, Occupation=None)
    found = score(fit("forest", FOREST, frame, 42), frame[FEATURES])
    assert len(found) == len(frame)


def test_features_are_numbers_or_texts_and_missing_is_nan() -> None:
    found = features_of(pd.DataFrame({"n": [1, 2], "flag": [True, False], "text": ["a", None]}))
    assert [str(kind) for kind in found.dtypes] == ["float64", "float64", "object"]
    assert np.isnan(found.loc[1, "text"])


def test_a_score_is_the_probability_of_default() -> None:
    frame = split_frame().assign(Age=lambda f: f["label"] * 50)
    found = score(fit("forest", FOREST, frame, 42), frame[FEATURES])
    assert found[frame["label"] == 1].mean() > 0.9 > 0.1 > found[frame["label"] == 0].mean()


def test_any_scikit_learn_class_can_be_named_with_its_arguments() -> None:
    found = estimator("tree", {"class": "sklearn.tree.DecisionTreeClassifier", "max_depth": 2}, 7)
    assert (found.max_depth, found.random_state) == (2, 7)
    own = {"class": "sklearn.tree.DecisionTreeClassifier", "random_state": 1}
    assert estimator("tree", own, 7).random_state == 1


@pytest.mark.parametrize(
    "path", ["sklearn.ensemble.RandomForrest", "no_such_package.Model", "sklearn.nothing.Model"]
)
def test_a_class_that_cannot_be_found_names_the_setting(path: str) -> None:
    with pytest.raises(PipelineError) as error:
        estimator("forest", {"class": path}, 42)
    assert str(error.value) == (
        f"params.yaml: training.candidates.forest.class = {path} cannot be found"
    )


def test_an_argument_that_the_class_does_not_take_names_the_setting() -> None:
    with pytest.raises(PipelineError, match=r"training\.candidates\.forest = .*max_dept"):
        estimator("forest", {**FOREST, "max_dept": 3}, 42)


def test_an_argument_of_an_impossible_value_names_the_setting() -> None:
    with pytest.raises(PipelineError, match=r"training\.candidates\.forest.*: .*max_depth"):
        fit("forest", {**FOREST, "max_depth": -1}, split_frame(), 42)


def test_a_class_that_is_no_classifier_names_the_setting() -> None:
    for path in ("sklearn.preprocessing.StandardScaler", "sklearn.linear_model.LinearRegression"):
        with pytest.raises(PipelineError, match=rf"forest\.class = {path} is no classifier"):
            estimator("forest", {"class": path}, 42)


# --- artefacts --------------------------------------------------------------------------------


def pickle_of(model: Any) -> bytes:
    """The bytes that are stored for a model."""
    path = Path("model.pkl")
    artefacts.dump(model, path)
    return path.read_bytes()


@pytest.fixture(autouse=True)
def _in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    assert pickle_of(fit("one", spec, frame, 42)) == pickle_of(fit("one", spec, frame, 42))


def test_a_model_comes_back_as_it_was_stored() -> None:
    frame = split_frame()
    model = fit("forest", FOREST, frame, 42)
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


def test_a_pipeline_keeps_numbers_and_categories_apart() -> None:
    x = features_of(split_frame()[FEATURES])
    prepare = make_pipeline(x, LogisticRegression()).named_steps["prepare"]
    assert {name: columns for name, _, columns in prepare.transformers} == {
        "numbers": ["Age", "hist_total_paid", "hist_total_due"],
        "categories": ["Occupation"],
    }
