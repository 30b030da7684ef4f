"""LightGBM and XGBoost as candidates: by params.yaml alone, silent, the same on every machine."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loan_book import FEATURES, fitted, pickle_of, training_frame
from running import BIN, ROOT, Project

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.models.estimators import estimator
from luigi_tasks.models.explanations import Explainer, _trees
from luigi_tasks.models.feature_columns import model_input
from luigi_tasks.models.loan_model import LoanModel
from luigi_tasks.models.scoring import score

LIGHTGBM: dict[str, Any] = {"class": "lightgbm.LGBMClassifier", "n_estimators": 20}
XGBOOST: dict[str, Any] = {"class": "xgboost.XGBClassifier", "n_estimators": 20}
HAS_XGBOOST = pytest.mark.skipif(
    importlib.util.find_spec("xgboost") is None, reason="xgboost is not installed: an extra"
)
ALIKE = pytest.mark.parametrize(
    "spec", [LIGHTGBM, pytest.param(XGBOOST, marks=HAS_XGBOOST)], ids=["lightgbm", "xgboost"]
)
FRAME = training_frame()
LOANS = model_input(FRAME[FEATURES])


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@ALIKE
def test_a_random_state_is_given_unless_params_yaml_has_one(spec: dict[str, Any]) -> None:
    assert estimator("it", spec, 7).random_state == 7
    assert estimator("it", {**spec, "random_state": 1}, 7).random_state == 1


def test_a_random_state_may_have_lightgbms_other_name() -> None:
    found = estimator("it", {**LIGHTGBM, "seed": 1}, 7)
    assert found.get_params()["seed"] == 1
    assert found.random_state is None


@ALIKE
def test_a_misspelt_argument_names_candidate_class_and_argument(spec: dict[str, Any]) -> None:
    name = spec["class"].rpartition(".")[2]
    with pytest.raises(PipelineError) as error:
        estimator("boosted", {**spec, "max_dept": 3}, 42)
    assert str(error.value) == (
        "params.yaml: training.candidates.boosted = {'n_estimators': 20, 'max_dept': 3}: "
        f"{name} has no argument max_dept; is max_depth meant?"
    )


@pytest.mark.parametrize("argument", ["num_leaves", "lambda_l1", "bagging_fraction", "extra_trees"])
def test_lightgbms_own_names_of_arguments_are_taken(argument: str) -> None:
    assert estimator("it", {**LIGHTGBM, argument: 1}, 42).get_params()[argument] == 1


@ALIKE
@pytest.mark.parametrize(
    ("argument", "value"),
    [("learning_rate", "fast"), ("max_depth", "deep"), ("objective", "no_such"), ("subsample", 7)],
)
def test_an_impossible_value_names_candidate_class_and_argument(
    spec: dict[str, Any], argument: str, value: Any
) -> None:
    with pytest.raises(PipelineError) as error:
        fitted(FRAME, {**spec, argument: value})
    told = str(error.value)
    assert told.startswith("params.yaml: training.candidates.forest = {")
    assert spec["class"] in told
    assert f"'{argument}': {value!r}" in told
    assert "\n" not in told
    assert ".cpp" not in told
    assert ".cc:" not in told


def test_a_library_that_is_not_installed_names_its_extra() -> None:
    if importlib.util.find_spec("catboost"):
        pytest.skip("catboost is installed")
    with pytest.raises(PipelineError) as error:
        estimator("boosted", {"class": "catboost.CatBoostClassifier"}, 42)
    assert str(error.value) == (
        "params.yaml: training.candidates.boosted.class = catboost.CatBoostClassifier needs "
        "catboost, which is not installed: pip install -e .[catboost]"
    )


@ALIKE
def test_the_number_of_threads_changes_no_byte_of_the_model(spec: dict[str, Any]) -> None:
    book = FRAME.loc[np.tile(FRAME.index, 30)].reset_index(drop=True)
    once = pickle_of(fitted(book, spec))
    assert pickle_of(fitted(book, {**spec, "n_jobs": 3})) == once
    code = (
        "import sys; from test_boosting import *; from loan_book import *; import hashlib\n"
        "book = FRAME.loc[np.tile(FRAME.index, 30)].reset_index(drop=True)\n"
        f"sys.stdout.buffer.write(pickle_of(fitted(book, {spec})))"
    )
    places = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "models")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places), "OMP_NUM_THREADS": "4"}
    done = subprocess.run(
        [str(BIN / "python"), "-c", code], env=environment, capture_output=True, check=True
    )
    assert done.stdout == once


@ALIKE
def test_nothing_is_printed_or_warned_of(
    spec: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fitted(FRAME, {**spec, "min_child_weight": 1e6})  # no split helps
        score(model, FRAME[FEATURES])
        pickle_of(model)
    assert capfd.readouterr() == ("", "")


@ALIKE
def test_reasons_are_the_exact_values_that_the_library_itself_finds(spec: dict[str, Any]) -> None:
    model = fitted(FRAME, spec)
    classifier = model.named_steps["classify"].application
    prepared = model[:-1].transform(LOANS)[:, 2:]
    found = _trees(classifier, prepared)
    assert found is not None
    if spec is LIGHTGBM:
        own = classifier.predict(prepared, pred_contrib=True)
    else:
        matrix = sys.modules["xgboost"].DMatrix(prepared)
        own = classifier.get_booster().predict(matrix, pred_contribs=True)
    assert found[1] == pytest.approx(own[:, :-1], abs=1e-5)
    assert found[0] == pytest.approx(own[0, -1], abs=1e-5)
    told = Explainer(LoanModel([model]), LOANS).explain(LOANS)
    total = told.baseline + told.values.sum(axis=1).to_numpy()
    assert total == pytest.approx(score(model, LOANS), abs=1e-9)


SECOND = "xgboost.XGBClassifier" if importlib.util.find_spec("xgboost") else LIGHTGBM["class"]
CANDIDATES = f"""
    lgbm: {{class: lightgbm.LGBMClassifier, n_estimators: 40, max_depth: 3}}
    xgb: {{class: {SECOND}, n_estimators: 40, max_depth: 2}}
    both: {{members: [lgbm, xgb]}}
"""


def with_candidates(project: Project, lines: str, calibration: str = "none") -> Project:
    """The project with these candidates alone, and a calibration."""
    path = project.path / "params.yaml"
    text = path.read_text()
    start, end = text.index("  candidates:\n"), text.index("\n  random_state:")
    text = text[:start] + "  candidates:" + lines + text[end:]
    path.write_text(text.replace("calibration: none ", f"calibration: {calibration} "))
    return project


@pytest.mark.slow
def test_the_whole_pipeline_runs_with_them_and_says_nothing_of_theirs(project: Project) -> None:
    with_candidates(project, CANDIDATES, "sigmoid")
    done = project.luigi("Pipeline")
    assert done.returncode == 0, done.stderr[-3000:]
    said = done.stdout + done.stderr
    assert "[LightGBM]" not in said
    assert "Warning" not in said
    metadata = (project.path / "model_store/model_metadata_1.json").read_text()
    assert '"calibration": "sigmoid"' in metadata.replace('":"', '": "')
    assert project.stale() == {}


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["lgbm", "xgb", "both"])
def test_each_may_be_champion_with_a_key_and_is_made_again_byte_for_byte(
    name: str, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOAN_PIPELINE_SIGNING_KEY", "0123456789abcdef" * 2)
    lines = CANDIDATES.strip("\n").split("\n")
    kept = [line for line in lines if line.strip().startswith(f"{name}:") or name == "both"]
    if name == "both":
        kept = [kept[2], *kept[:2]]
    with_candidates(project, "\n" + "\n".join(kept) + "\n", "isotonic")
    assert project.command("sign").returncode == 0
    twin = project.copy(tmp_path / "twin")
    assert project.luigi("Pipeline").returncode == 0
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert twin.luigi("Pipeline", "--workers", "2").returncode == 0
    once, again = (
        project.digests("model_store", "datamart"),
        twin.digests("model_store", "datamart"),
    )
    assert once == again
    assert (project.path / "model_store/best_model_1.pkl").exists()
