"""A wrong setting is refused with its name, its value and what would be allowed.

The JSON Schema that is made of the same rules refuses it in an editor.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from conftest import ROOT
from jsonschema import Draft202012Validator
from running import Project

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.settings import params
from luigi_tasks.parameters import RULES

SHIPPED: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
SCHEMA_FILE = "docs/params.schema.json"
SCHEMA = Draft202012Validator(RULES.schema())


TREES = {name: {"class": "sklearn.tree.DecisionTreeClassifier"} for name in ("a", "b")}


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
        RULES.check(tree)
    return str(error.value)


def is_json(value: Any) -> bool:
    """Whether JSON has this very value: NaN, a time and a key that is a number it has not."""
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError):
        return False


def test_the_package_declares_these_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert params() == RULES.check(SHIPPED)


def test_the_shipped_settings_are_allowed_and_fit_the_schema() -> None:
    found = RULES.check(SHIPPED)
    assert found["labels.prediction_mob"] == 3
    assert set(found["training.candidates"]) == {
        "logistic_regression",
        "random_forest",
        "gradient_boosting",
        "soft_voting",
    }
    SCHEMA.validate(SHIPPED)


def test_the_first_line_of_the_shipped_settings_names_the_schema_that_an_editor_uses() -> None:
    first = (ROOT / "params.yaml").read_text().partition("\n")[0]
    assert first == f"# yaml-language-server: $schema={SCHEMA_FILE}"
    shipped = json.loads((ROOT / SCHEMA_FILE).read_text())
    Draft202012Validator.check_schema(shipped)
    Draft202012Validator(shipped).validate(SHIPPED)


def test_every_setting_is_described() -> None:
    for name, rule in RULES.by_name.items():
        assert rule.about, name


def test_a_misspelt_setting_is_refused_with_a_suggestion() -> None:
    tree = with_setting("labels.prediction_mobb", 3)
    assert refusal(tree) == (
        "params.yaml: unknown setting labels.prediction_mobb = 3; "
        "did you mean labels.prediction_mob?"
    )
    assert not SCHEMA.is_valid(tree)


def test_a_misspelt_section_is_refused() -> None:
    tree = {("trainning" if name == "training" else name): part for name, part in SHIPPED.items()}
    assert "unknown setting trainning.train_until" in refusal(tree)
    assert not SCHEMA.is_valid(tree)


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
        ("training.calibration", "platt", "none or sigmoid or isotonic"),
        ("training.train_until", "2024-13-01", "auto or a date (yyyy-mm-dd)"),
        ("training.train_until", "1/9/2024", "auto or a date (yyyy-mm-dd)"),
        ("training.train_until", yaml.safe_load("2024-09-01 12:00:00"), "auto or a date"),
        ("training.features", [], "a list of gold column names"),
        ("training.features", "Age", "a list of gold column names"),
        ("monitoring.bins", 1, "a whole number from 2 to 100"),
        ("monitoring.grades", [], "a list of numbers above 0 and below 1, each above the one"),
        ("monitoring.grades", [0.02, 1], "a list of numbers above 0 and below 1"),
        ("monitoring.floor", 0, "a number from 1e-09 to 0.01"),
        ("governance.min_auc", 1.5, "a number from 0 to 1"),
        ("governance.min_matured", 0, "a whole number from 1 to 1000000000"),
    ],
)
def test_an_impossible_value_is_refused_with_what_is_allowed(
    name: str, value: Any, allowed: str
) -> None:
    tree = with_setting(name, value)
    assert f"{name} = {value!r} is not allowed: {allowed}" in refusal(tree)
    assert not is_json(value) or not SCHEMA.is_valid(tree)


@pytest.mark.parametrize("name", ["labels.observation_mob", "governance.min_auc"])
def test_a_missing_setting_is_named(name: str) -> None:
    tree = with_setting(name, ...)
    assert f"setting {name} is missing" in refusal(tree)
    assert not SCHEMA.is_valid(tree)


@pytest.mark.parametrize(
    ("low", "value", "high"),
    [
        ("labels.prediction_mob", 7, "labels.observation_mob = 6"),
        ("quality.min_age", 101, "quality.max_age = 100"),
    ],
)
def test_a_lower_limit_above_its_upper_limit_is_refused(low: str, value: int, high: str) -> None:
    """A schema cannot compare two values; it is silent here."""
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
        {"generation_2": {"class": "sklearn.ensemble.RandomForestClassifier"}},
        {"forêt": {"class": "sklearn.ensemble.RandomForestClassifier"}},
        {"forest": "sklearn.ensemble.RandomForestClassifier"},
        {"forest": {"max_depth": 5}},
        {"forest": {"class": "RandomForestClassifier"}},
        {"forest": {"class": ".RandomForestClassifier"}},
        {"forest": {"class": "sklearn.ensemble."}},
        {"forest": {"class": "sklearn.ensemble.RandomForestClassifier", 5: 5}},
        {**TREES, "vote": {"members": ["a"]}},
        {**TREES, "vote": {"members": ["a", "a"]}},
        {**TREES, "vote": {"members": "ab"}},
        {**TREES, "vote": {"members": ["a", "b"], "weights": [1, 2]}},
    ],
)
def test_a_candidate_needs_a_name_a_class_and_named_arguments_or_members(candidates: Any) -> None:
    tree = with_setting("training.candidates", candidates)
    assert "training.candidates = " in refusal(tree)
    assert not is_json(candidates) or not SCHEMA.is_valid(tree)


@pytest.mark.parametrize("members", [["a", "c"], ["a", "vote"], ["vote", "other"]])
def test_who_votes_is_another_candidate_with_a_class(members: list[str]) -> None:
    """A schema cannot look up a name; it is silent here."""
    candidates = {**TREES, "vote": {"members": members}, "other": {"members": ["a", "b"]}}
    assert "training.candidates = " in refusal(with_setting("training.candidates", candidates))


def test_candidates_can_vote() -> None:
    tree = with_setting("training.candidates", {**TREES, "vote": {"members": ["a", "b"]}})
    assert RULES.check(tree)["training.candidates"]["vote"] == {"members": ["a", "b"]}
    SCHEMA.validate(tree)


@pytest.mark.parametrize(
    "text",
    ["!!set {a, b}", "!!binary aGk=", "2024-01-01", ".nan", ".inf", "1" + 400 * "0", "{5: 5}"],
)
def test_an_argument_of_a_candidate_has_to_be_what_json_can_hold(text: str) -> None:
    spec = {"class": "sklearn.ensemble.RandomForestClassifier", "max_depth": yaml.safe_load(text)}
    told = refusal(with_setting("training.candidates", {"forest": spec}))
    assert told.startswith("params.yaml: training.candidates.forest.max_depth = ")
    assert " is not allowed: text, a finite number, " in told


def test_a_train_until_is_taken_as_text_or_as_a_date() -> None:
    for value in ("2024-09-01", yaml.safe_load("2024-09-01")):
        found = RULES.check(with_setting("training.train_until", value))
        assert found["training.train_until"] == "2024-09-01"


@pytest.mark.parametrize("tree", [None, [], "labels"])
def test_a_file_without_sections_is_refused(tree: Any) -> None:
    assert "expected sections" in refusal(tree)
    assert not SCHEMA.is_valid(tree)


def test_a_section_without_settings_is_refused() -> None:
    tree = {**SHIPPED, "labels": None}
    assert "labels" in refusal(tree)
    assert not SCHEMA.is_valid(tree)


def test_an_edited_rule_makes_nothing_stale(project: Project) -> None:
    project.edit("luigi_tasks/parameters.py", "Whole(2, 100, ", "Whole(2, 200, ")
    project.edit("luigi_tasks/core/rules.py", "a whole number from", "an integer from")
    assert project.stale() == {}
    project.edit("params.yaml", "bins: 10 ", "bins: 0 ")
    told = project.command("status").stderr
    assert "monitoring.bins = 0 is not allowed: an integer from 2 to 200" in told
