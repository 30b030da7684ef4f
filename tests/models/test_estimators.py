"""A candidate is any classifier by its dotted path, and learns from training rows only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from loan_book import FEATURES, FOREST, fitted, pickle_of, training_frame
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.models.estimators import estimator, make_pipeline
from luigi_tasks.models.feature_columns import model_input
from luigi_tasks.models.scoring import score


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Boosted(ClassifierMixin, BaseEstimator):
    """As LightGBM's and XGBoost's: scikit-learn's check is inherited, its constraints are not."""

    def fit(self, x: pd.DataFrame, y: pd.Series) -> Boosted:
        return self

    def predict_proba(self, x: pd.DataFrame) -> pd.DataFrame:
        return x


def test_imputation_encoding_and_scaling_learn_from_training_rows_only() -> None:
    frame = training_frame()
    held_out = frame["origin"] > 0
    changed = frame.copy()
    changed.loc[held_out, ["Age", "hist_total_paid"]] = 1_000_000
    changed.loc[held_out, "Occupation"] = "Astronaut"
    changed.loc[held_out, "label"] = 1 - changed.loc[held_out, "label"]
    assert pickle_of(fitted(changed)) == pickle_of(fitted(frame))
    prepare = fitted(frame).named_steps["prepare"]
    medians = prepare.named_transformers_["numbers"].named_steps["impute"].statistics_
    assert medians[-1] == frame.loc[~held_out, "Age"].median()


def test_missing_numbers_unknown_and_missing_categories_can_be_scored() -> None:
    model = fitted(training_frame())
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
    frame = training_frame().assign(Age=np.nan, Occupation=None)
    found = score(fitted(frame), frame[FEATURES])
    assert len(found) == len(frame)


def test_a_score_is_the_probability_of_default() -> None:
    frame = training_frame().assign(Age=lambda f: f["label"] * 50)
    found = score(fitted(frame), frame[FEATURES])
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
        fitted(training_frame(), {**FOREST, "max_depth": -1})


def test_a_class_that_is_no_classifier_names_the_setting() -> None:
    for path in ("sklearn.preprocessing.StandardScaler", "sklearn.linear_model.LinearRegression"):
        with pytest.raises(PipelineError, match=rf"forest\.class = {path} is no classifier"):
            estimator("forest", {"class": path}, 42)


@pytest.mark.parametrize(
    "path", ["sys.exit", "os._exit", "os.abort", "builtins.exec", "sklearn.base.clone"]
)
def test_a_function_in_place_of_a_class_is_never_called(path: str) -> None:
    with pytest.raises(PipelineError) as error:
        estimator("forest", {"class": path}, 42)
    assert str(error.value) == f"params.yaml: training.candidates.forest.class = {path} is no class"


@pytest.mark.parametrize("path", ["builtins.SystemExit", "subprocess.Popen", "pathlib.Path"])
def test_a_class_that_cannot_be_fitted_is_never_called(path: str) -> None:
    with pytest.raises(PipelineError, match=rf"class = {path} is no classifier"):
        estimator("forest", {"class": path, "args": ["touch", "intruded"]}, 42)
    assert not Path("intruded").exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [("sys.exit(0)", "making it ends the program"), ("1 / 0", "division by zero")],
)
def test_a_class_whose_constructor_gives_up_names_the_setting(
    wrong: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"quitter_{len(wrong)}"
    (tmp_path / f"{name}.py").write_text(
        "import sys\nclass Quitter:\n"
        f"    def __init__(self): {wrong}\n"
        "    def fit(self): ...\n    def predict_proba(self): ...\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(PipelineError) as error:
        estimator("forest", {"class": f"{name}.Quitter"}, 42)
    assert str(error.value) == f"params.yaml: training.candidates.forest = {{}}: {sentence}"


def test_a_module_that_gives_up_when_it_is_imported_names_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "quitting_script.py").write_text("import sys\nsys.exit(0)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(PipelineError, match=r"quitting_script\.Model cannot be imported \(SystemE"):
        estimator("forest", {"class": "quitting_script.Model"}, 42)


def test_a_class_that_inherits_a_check_without_constraints_is_taken() -> None:
    assert isinstance(estimator("boosted", {"class": f"{__name__}.Boosted"}, 42), Boosted)


def test_a_pipeline_keeps_numbers_and_categories_apart() -> None:
    x = model_input(training_frame()[FEATURES])
    prepare = make_pipeline(x, LogisticRegression()).named_steps["prepare"]
    assert {name: columns for name, _, columns in prepare.transformers} == {
        "numbers": ["hist_total_paid", "hist_total_due", "Age"],
        "categories": ["Occupation"],
    }


@pytest.mark.parametrize("kind", ["RandomForestClassifier", "ExtraTreesClassifier"])
def test_a_forest_has_the_same_bytes_on_one_core_and_on_all(kind: str) -> None:
    spec = {"class": f"sklearn.ensemble.{kind}", "n_estimators": 20}
    on_all = pickle_of(fitted(training_frame(), spec))
    alone = fitted(training_frame(), {**spec, "n_jobs": 1})
    alone.named_steps["classify"].application.n_jobs = None
    assert on_all == pickle_of(alone)
