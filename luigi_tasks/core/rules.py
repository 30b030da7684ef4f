"""Rules: what the settings of params.yaml may be, in words, as a test and as JSON Schema.

A project states its rules once (`Rules`) and declares them (`settings.declare`). No task imports
this module: an edited rule makes nothing stale.
"""

from __future__ import annotations

import datetime as dt
import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeGuard

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.settings import PARAMS_FILE


class Rule(ABC):
    """What one setting may be, in words, as a test and as JSON Schema.

    `about` says in one line what the setting means.
    """

    def __init__(self, *, about: str) -> None:
        self.about = about

    @property
    @abstractmethod
    def allowed(self) -> str:
        """What is allowed, in words; the end of the sentence that refuses a value."""

    @abstractmethod
    def holds(self, value: Any) -> bool:
        """Whether a value is allowed."""

    @property
    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema, as far as that can say it."""

    def fault(self, name: str, value: Any) -> str:
        """The sentence that refuses a value; a rule of many values can name the one at fault."""
        return f"{name} = {shown(value)} is not allowed: {self.allowed}"

    def normal(self, value: Any) -> Any:
        """An allowed value in the one form in which tasks see it."""
        return value


class Whole(Rule):
    """A whole number, both limits included."""

    def __init__(self, low: int, high: int, *, about: str) -> None:
        super().__init__(about=about)
        self.low, self.high = low, high

    @property
    def allowed(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def holds(self, value: Any) -> bool:
        return _is_int(value) and self.low <= value <= self.high

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


class Number(Rule):
    """A number, both limits included."""

    def __init__(self, low: float, high: float, *, about: str) -> None:
        super().__init__(about=about)
        self.low, self.high = low, high

    @property
    def allowed(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"

    def holds(self, value: Any) -> bool:
        return _is_number(value) and self.low <= value <= self.high

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self.low, "maximum": self.high}


class OneOf(Rule):
    """One of a few words."""

    def __init__(self, *choices: str, about: str) -> None:
        super().__init__(about=about)
        self.choices = choices

    @property
    def allowed(self) -> str:
        return " or ".join(self.choices)

    def holds(self, value: Any) -> bool:
        return value in self.choices

    @property
    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.choices)}


class DateOr(Rule):
    """A date, or a word that stands for one; tasks see it as text."""

    def __init__(self, word: str, *, about: str) -> None:
        super().__init__(about=about)
        self.word = word

    @property
    def allowed(self) -> str:
        return f"{self.word} or a date (yyyy-mm-dd)"

    def holds(self, value: Any) -> bool:
        # YAML makes a date of 2024-09-01 and a text of "2024-09-01".
        if not isinstance(value, str):
            return isinstance(value, dt.date) and not isinstance(value, dt.datetime)
        try:
            return value == self.word or str(dt.date.fromisoformat(value)) == value
        except ValueError:
            return False

    @property
    def schema(self) -> dict[str, Any]:
        date = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
        return {"type": "string", "pattern": f"^({self.word}|{date})$"}

    def normal(self, value: Any) -> str:
        return str(value)


class Texts(Rule):
    """A list of at least so many texts; `what` are they?"""

    def __init__(self, what: str, *, least: int = 1, about: str) -> None:
        super().__init__(about=about)
        self.what, self.least = what, least

    @property
    def allowed(self) -> str:
        return f"a list of {self.what}"

    def holds(self, value: Any) -> bool:
        return (
            isinstance(value, list)
            and len(value) >= self.least
            and all(isinstance(text, str) and text for text in value)
        )

    @property
    def schema(self) -> dict[str, Any]:
        return {
            "type": "array",
            "minItems": self.least,
            "items": {"type": "string", "minLength": 1},
        }


class Ascending(Rule):
    """A list of numbers, at least one, each above the one before; both limits left out."""

    def __init__(self, low: float, high: float, *, about: str) -> None:
        super().__init__(about=about)
        self.low, self.high = low, high

    @property
    def allowed(self) -> str:
        return (
            f"a list of numbers above {self.low:g} and below {self.high:g}, "
            "each above the one before"
        )

    def holds(self, value: Any) -> bool:
        return (
            isinstance(value, list)
            and value != []
            and all(_is_number(each) and self.low < each < self.high for each in value)
            and all(before < after for before, after in pairwise(value))
        )

    @property
    def schema(self) -> dict[str, Any]:
        number = {"type": "number", "exclusiveMinimum": self.low, "exclusiveMaximum": self.high}
        return {"type": "array", "minItems": 1, "uniqueItems": True, "items": number}


def shown(value: Any) -> str:
    """A value in a sentence; of a long one its beginning."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than 4300 digits
        text = "a very long number"
    return text if len(text) <= 300 else f"{text[:80]}…"


def _is_int(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> TypeGuard[float]:
    return _is_int(value) or isinstance(value, float)


class Rules:
    """The rules of a project's settings, by dotted name (section.setting).

    `ordered` are pairs of settings of which the first may be at most the second.
    """

    def __init__(
        self, by_name: Mapping[str, Rule], *, ordered: Sequence[tuple[str, str]] = ()
    ) -> None:
        self.by_name, self.ordered = by_name, ordered

    def check(self, tree: Any) -> dict[str, Any]:
        """The settings of a params.yaml as {dotted name: value}.

        Raises PipelineError at the first one that is unknown, impossible or missing.
        """
        source = PARAMS_FILE
        if not isinstance(tree, dict):
            sections = dict.fromkeys(name.partition(".")[0] for name in self.by_name)
            raise PipelineError(f"{source}: expected sections: {', '.join(sections)}")
        values = dict(self._flat(tree))
        for name, value in values.items():
            rule = self.by_name.get(name)
            if rule is None:
                near = difflib.get_close_matches(name, self.by_name, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise PipelineError(f"{source}: unknown setting {name} = {shown(value)}{hint}")
            if not rule.holds(value):
                raise PipelineError(f"{source}: {rule.fault(name, value)}")
        for name, rule in self.by_name.items():
            if name not in values:
                raise PipelineError(f"{source}: setting {name} is missing: {rule.allowed}")
        for low, high in self.ordered:
            if values[low] > values[high]:
                raise PipelineError(
                    f"{source}: {low} = {values[low]} is not allowed: "
                    f"at most {high} = {values[high]}"
                )
        return {name: self.by_name[name].normal(value) for name, value in values.items()}

    def schema(self) -> dict[str, Any]:
        """A JSON Schema of params.yaml; what it cannot say, only `check` knows."""
        root: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        for name, rule in self.by_name.items():
            *sections, last = name.split(".")
            place = _closed(root)
            for section in sections:
                place = _closed(_member(place, section))
            _member(place, last).update({"description": rule.about, **rule.schema})
        return root

    def _flat(self, tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
        for key, value in tree.items():
            name = f"{prefix}{key}"
            if "." in str(key):
                raise PipelineError(f"{PARAMS_FILE}: unknown setting {prefix}'{key}': a dot in it")
            if isinstance(value, dict) and name not in self.by_name:
                yield from self._flat(value, f"{name}.")
            else:
                yield name, value


def _closed(place: dict[str, Any]) -> dict[str, Any]:
    """The schema of an object that has exactly the members that are given to it."""
    if "properties" not in place:
        place.update(type="object", additionalProperties=False, required=[], properties={})
    return place


def _member(place: dict[str, Any], name: str) -> dict[str, Any]:
    if name not in place["properties"]:
        place["required"].append(name)
    member: dict[str, Any] = place["properties"].setdefault(name, {})
    return member
