"""A rule says in words, as a test and as a schema the same about a value."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.rules import Ascending, DateOr, Number, OneOf, Rule, Rules, Texts, Whole

WHOLE = Whole(1, 60, about="…")
NUMBER = Number(0, 1, about="…")
ONE_OF = OneOf("cat", "dog", about="…")
DATE = DateOr("auto", about="…")
TEXTS = Texts("names", about="…")
ASCENDING = Ascending(0, 1, about="…")


def refusal(rules: Rules, tree: Any) -> str:
    with pytest.raises(PipelineError) as error:
        rules.check(tree)
    return str(error.value)


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        (WHOLE, [1, 60]),
        (NUMBER, [0, 1, 0.5]),
        (ONE_OF, ["cat", "dog"]),
        (DATE, ["auto", "2024-09-01", "2024-02-29"]),
        (TEXTS, [["a"], ["a", "b*"]]),
        (ASCENDING, [[0.5], [0.02, 0.05, 0.5]]),
    ],
)
def test_what_is_allowed_holds_and_fits_the_schema(rule: Rule, values: list[Any]) -> None:
    schema = Draft202012Validator(rule.schema)
    for value in values:
        assert rule.holds(value), value
        assert schema.is_valid(value), value


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        (WHOLE, [0, 61, 3.5, True, "3", None, [3]]),
        (NUMBER, [-0.1, 1.1, True, "0.5", None, float("inf")]),
        (ONE_OF, ["cow", "", None, 1, ["cat"]]),
        (DATE, ["2024-13-01", "2024-09-32", "1/9/2024", "20240901", "2024-W01-1", "", 20240901]),
        (TEXTS, [[], "a", [""], [1], None, {"a": "b"}]),
        (ASCENDING, [[], 0.5, [0], [0.5, 1], [0.1, 0.1], [True], ["0.5"], [None], None, {}]),
    ],
)
def test_what_is_not_allowed_neither_holds_nor_fits_the_schema(
    rule: Rule, values: list[Any]
) -> None:
    schema = Draft202012Validator(rule.schema)
    for value in values:
        assert not rule.holds(value), value
        assert not schema.is_valid(value), value


def test_what_json_cannot_say_is_refused_all_the_same() -> None:
    assert not NUMBER.holds(float("nan"))
    assert not DATE.holds(dt.datetime(2024, 9, 1, 12))
    assert not DATE.holds("2023-02-29")
    assert not ASCENDING.holds([0.1, float("nan")])
    assert not ASCENDING.holds([0.2, 0.1])


def test_a_date_is_seen_as_text_however_it_is_written() -> None:
    rules = Rules({"a.day": DATE})
    assert rules.check({"a": {"day": dt.date(2024, 9, 1)}}) == {"a.day": "2024-09-01"}
    assert rules.check({"a": {"day": "2024-09-01"}}) == {"a.day": "2024-09-01"}


def test_the_sections_are_named_when_there_are_none() -> None:
    rules = Rules({"a.x": WHOLE, "a.y": WHOLE, "b.z": WHOLE})
    assert refusal(rules, None) == "params.yaml: expected sections: a, b"


def test_a_setting_may_be_missing_unknown_or_impossible_at_any_depth() -> None:
    rules = Rules({"a.b.size": WHOLE})
    assert rules.check({"a": {"b": {"size": 3}}}) == {"a.b.size": 3}
    assert refusal(rules, {"a": {"b": {}}}) == (
        "params.yaml: setting a.b.size is missing: a whole number from 1 to 60"
    )
    assert refusal(rules, {"a": {"b": {"sise": 3}}}) == (
        "params.yaml: unknown setting a.b.sise = 3; did you mean a.b.size?"
    )
    assert refusal(rules, {"a": {"b": {"size": 0}}}) == (
        "params.yaml: a.b.size = 0 is not allowed: a whole number from 1 to 60"
    )
    schema = Draft202012Validator(rules.schema())
    assert schema.is_valid({"a": {"b": {"size": 3}}})
    for tree in ({}, {"a": {"b": {}}}, {"a": {"b": {"sise": 3}}}, {"a": {"b": {"size": 0}}}):
        assert not schema.is_valid(tree), tree


def test_of_two_ordered_settings_the_first_is_at_most_the_second() -> None:
    rules = Rules({"a.low": WHOLE, "a.high": WHOLE}, ordered=(("a.low", "a.high"),))
    assert rules.check({"a": {"low": 2, "high": 2}}) == {"a.low": 2, "a.high": 2}
    assert refusal(rules, {"a": {"low": 3, "high": 2}}) == (
        "params.yaml: a.low = 3 is not allowed: at most a.high = 2"
    )


def test_the_schema_describes_every_setting() -> None:
    schema = Rules({"a.size": Whole(1, 60, about="how large it is")}).schema()
    Draft202012Validator.check_schema(schema)
    assert schema["properties"]["a"]["properties"]["size"] == {
        "description": "how large it is",
        "type": "integer",
        "minimum": 1,
        "maximum": 60,
    }
