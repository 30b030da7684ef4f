"""A wrong setting is refused with its name, its value and what would be allowed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.settings import Slice, check, params

SHIPPED: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())


def with_setting(name: str, value: Any) -> dict[str, Any]:
    """The shipped settings with one changed; a value of ... takes it away."""
    tree = copy.deepcopy(SHIPPED)
    section, _, last = name.partition(".")
    if value is ...:
        del tree[section][last]
    else:
        tree[section][last] = value
    return tree


def refusal(tree: Any) -> str:
    with pytest.raises(PipelineError) as error:
        check(tree)
    return str(error.value)


def test_the_shipped_settings_are_allowed() -> None:
    found = check(SHIPPED)
    assert found["labels.prediction_mob"] == 3
    assert set(found["training.candidates"]) == {
        "logistic_regression",
        "random_forest",
        "gradient_boosting",
    }


def test_a_misspelt_setting_is_refused_with_a_suggestion() -> None:
    assert refusal(with_setting("labels.prediction_mobb", 3)) == (
        "params.yaml: unknown setting labels.prediction_mobb = 3; "
        "did you mean labels.prediction_mob?"
    )


def test_a_misspelt_section_is_refused() -> None:
    tree = {("trainning" if name == "training" else name): part for name, part in SHIPPED.items()}
    assert "unknown setting trainning.train_until" in refusal(tree)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("labels.prediction_mob", 0, "a whole number from 1 to 60"),
        ("labels.prediction_mob", 3.5, "a whole number from 1 to 60"),
        ("labels.prediction_mob", True, "a whole number from 1 to 60"),
        ("labels.prediction_mob", "3", "a whole number from 1 to 60"),
        ("labels.prediction_mob", None, "a whole number from 1 to 60"),
        ("labels.overdue_threshold", -1, "a number from 0 to 1e+09"),
        ("quality.max_flagged_share", 30, "a number from 0 to 1"),
        ("quality.max_flagged_share", float("nan"), "a number from 0 to 1"),
        ("training.split", "time", "out_of_time or random"),
        ("training.train_until", "2024-13-01", "auto or a date (yyyy-mm-dd)"),
        ("training.train_until", "1/9/2024", "auto or a date (yyyy-mm-dd)"),
        ("training.train_until", yaml.safe_load("2024-09-01 12:00:00"), "auto or a date"),
        ("training.features", [], "a list of gold column names"),
        ("training.features", "Age", "a list of gold column names"),
        ("monitoring.bins", 1, "a whole number from 2 to 100"),
        ("monitoring.floor", 0, "a number from 1e-09 to 0.01"),
        ("governance.min_auc", 1.5, "a number from 0 to 1"),
        ("governance.min_matured", 0, "a whole number from 1 to 1000000000"),
    ],
)
def test_an_impossible_value_is_refused_with_what_is_allowed(
    name: str, value: Any, allowed: str
) -> None:
    sentence = refusal(with_setting(name, value))
    assert f"{name} = {value!r} is not allowed: {allowed}" in sentence


@pytest.mark.parametrize("name", ["labels.observation_mob", "governance.min_auc"])
def test_a_missing_setting_is_named(name: str) -> None:
    assert f"setting {name} is missing" in refusal(with_setting(name, ...))


@pytest.mark.parametrize(
    ("low", "value", "high"),
    [
        ("labels.prediction_mob", 7, "labels.observation_mob = 6"),
        ("quality.min_age", 101, "quality.max_age = 100"),
    ],
)
def test_a_lower_limit_above_its_upper_limit_is_refused(low: str, value: int, high: str) -> None:
    assert refusal(with_setting(low, value)).endswith(
        f"{low} = {value} is not allowed: at most {high}"
    )


@pytest.mark.parametrize(
    "candidates",
    [
        {},
        None,
        ["random_forest"],
        {"random forest": {"class": "sklearn.ensemble.RandomForestClassifier"}},
        {"forest": "sklearn.ensemble.RandomForestClassifier"},
        {"forest": {"max_depth": 5}},
        {"forest": {"class": "RandomForestClassifier"}},
        {"forest": {"class": "sklearn.ensemble.RandomForestClassifier", 5: 5}},
    ],
)
def test_a_candidate_needs_a_name_a_class_and_named_arguments(candidates: Any) -> None:
    assert "training.candidates = " in refusal(with_setting("training.candidates", candidates))


def test_a_train_until_is_taken_as_text_or_as_a_date() -> None:
    for value in ("2024-09-01", yaml.safe_load("2024-09-01")):
        found = check(with_setting("training.train_until", value))
        assert found["training.train_until"] == "2024-09-01"


@pytest.mark.parametrize("tree", [None, [], "labels"])
def test_a_file_without_sections_is_refused(tree: Any) -> None:
    assert "expected sections" in refusal(tree)


def test_a_section_without_settings_is_refused() -> None:
    assert "labels" in refusal({**SHIPPED, "labels": None})


# --- the file ---------------------------------------------------------------------------------


def test_the_file_is_read_anew_when_it_has_changed(empty_project: Path) -> None:
    assert params()["monitoring.bins"] == 10
    path = empty_project / "params.yaml"
    path.write_text(path.read_text().replace("bins: 10 ", "bins: 200 "))
    with pytest.raises(PipelineError, match=r"params\.yaml: monitoring\.bins = 200"):
        params()
    path.write_text(path.read_text().replace("bins: 200 ", "bins: 20 "))
    assert params()["monitoring.bins"] == 20


def test_a_file_that_is_not_yaml_is_told_in_one_line(empty_project: Path) -> None:
    (empty_project / "params.yaml").write_text("labels: [1, 2\ntraining: {")
    with pytest.raises(PipelineError, match=r"params\.yaml: not valid YAML: ") as error:
        params()
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(empty_project: Path) -> None:
    (empty_project / "params.yaml").unlink()
    with pytest.raises(PipelineError, match=r"params\.yaml is missing"):
        params()


def test_a_task_sees_only_the_settings_that_it_declares(empty_project: Path) -> None:
    seen = Slice(["monitoring.bins", "training.candidates.random_forest"])
    assert seen["training.candidates.random_forest"]["max_depth"] == 10
    assert dict(seen).keys() == {"monitoring.bins", "training.candidates.random_forest"}
    with pytest.raises(KeyError):
        seen["monitoring.floor"]
