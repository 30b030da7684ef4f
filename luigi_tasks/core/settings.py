"""Settings: what to compute is in params.yaml (DVC sees it), on which machine in luigi.cfg.

Every value of params.yaml is checked when it is first read. A misspelt or impossible setting
raises `PipelineError` with its dotted name, its value and what is allowed.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from luigi_tasks.core.errors import PipelineError

PARAMS_FILE = Path("params.yaml")


@dataclass(frozen=True)
class Rule:
    """What one setting may be: a test and the same in words."""

    allowed: str
    holds: Callable[[Any], bool]


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_int(value) or isinstance(value, float)


def _whole(low: int, high: int) -> Rule:
    return Rule(f"a whole number from {low} to {high}", lambda v: _is_int(v) and low <= v <= high)


def _number(low: float, high: float) -> Rule:
    return Rule(f"a number from {low:g} to {high:g}", lambda v: _is_number(v) and low <= v <= high)


def _one_of(*choices: str) -> Rule:
    return Rule(" or ".join(choices), lambda v: v in choices)


def _is_date(value: Any) -> bool:
    if isinstance(value, dt.date):
        return not isinstance(value, dt.datetime)
    try:
        dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_candidates(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(
            isinstance(name, str)
            and name.isidentifier()
            and not name.startswith("generation_")
            and isinstance(spec, dict)
            and isinstance(spec.get("class"), str)
            and "." in spec["class"]
            and all(isinstance(key, str) for key in spec)
            for name, spec in value.items()
        )
    )


RULES: dict[str, Rule] = {
    "labels.prediction_mob": _whole(1, 60),
    "labels.observation_mob": _whole(1, 120),
    "labels.overdue_threshold": _number(0, 1e9),
    "quality.min_age": _whole(0, 150),
    "quality.max_age": _whole(0, 150),
    "quality.max_flagged_share": _number(0, 1),
    "quality.max_quarantined_share": _number(0, 1),
    "training.train_until": Rule(
        "auto or a date (yyyy-mm-dd)", lambda v: v == "auto" or _is_date(v)
    ),
    "training.split": _one_of("out_of_time", "random"),
    "training.test_vintages": _whole(1, 120),
    "training.test_share": _number(0.01, 0.9),
    "training.max_rows": _whole(1_000, 10**9),
    "training.random_state": _whole(0, 2**32 - 1),
    "training.features": Rule(
        "a list of gold column names, * and ? as wildcards",
        lambda v: isinstance(v, list) and bool(v) and all(isinstance(x, str) and x for x in v),
    ),
    "training.candidates": Rule(
        "a name (letters, digits, _; not generation_…) for each candidate, with its `class` by "
        "dotted path and its arguments",
        _is_candidates,
    ),
    "predictions.threshold": _number(0, 1),
    "monitoring.bins": _whole(2, 100),
    "monitoring.floor": _number(1e-9, 0.01),
    "monitoring.window_months": _whole(1, 60),
    "governance.min_auc": _number(0, 1),
    "governance.max_psi": _number(0, 100),
    "governance.min_matured": _whole(1, 10**9),
    "governance.min_scored": _whole(1, 10**9),
}


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and name not in RULES:
            yield from _flatten(value, f"{name}.")
        else:
            yield name, value


def check(tree: Any) -> dict[str, Any]:
    """Return the settings as {dotted name: value}; raise PipelineError at the first wrong one."""
    source = PARAMS_FILE
    if not isinstance(tree, dict):
        raise PipelineError(f"{source}: expected sections such as `labels:` and `training:`")
    values = dict(_flatten(tree))
    for name, value in values.items():
        rule = RULES.get(name)
        if rule is None:
            near = difflib.get_close_matches(name, RULES, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise PipelineError(f"{source}: unknown setting {name} = {value!r}{hint}")
        if not rule.holds(value):
            raise PipelineError(f"{source}: {name} = {value!r} is not allowed: {rule.allowed}")
    for name, rule in RULES.items():
        if name not in values:
            raise PipelineError(f"{source}: setting {name} is missing: {rule.allowed}")
    for low, high in (
        ("labels.prediction_mob", "labels.observation_mob"),
        ("quality.min_age", "quality.max_age"),
    ):
        if values[low] > values[high]:
            raise PipelineError(
                f"{source}: {low} = {values[low]} is not allowed: at most {high} = {values[high]}"
            )
    values["training.train_until"] = str(values["training.train_until"])
    return values


@lru_cache(maxsize=4)
def _load(folder: Path, mtime_ns: int, size: int) -> dict[str, Any]:
    path = folder / PARAMS_FILE
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        tree = yaml.load(path.read_bytes(), Loader=loader)
    except yaml.YAMLError as error:
        raise PipelineError(
            f"{PARAMS_FILE}: not valid YAML: {' '.join(str(error).split())}"
        ) from error
    return check(tree)


def params() -> dict[str, Any]:
    """All pipeline parameters by dotted name, read anew when params.yaml has changed."""
    try:
        state = PARAMS_FILE.stat()
    except FileNotFoundError:
        raise PipelineError(f"{PARAMS_FILE} is missing in {Path.cwd()}") from None
    return _load(Path.cwd(), state.st_mtime_ns, state.st_size)


class Slice(Mapping[str, Any]):
    """The parameters that one task declares; asking for any other is a programming error."""

    def __init__(self, names: Iterable[str]) -> None:
        everything = params()
        self._values = {name: _lookup(everything, name) for name in names}

    def named(self) -> dict[str, Any]:
        """The same as keyword arguments: each setting by the last part of its dotted name."""
        return {name.rpartition(".")[2]: value for name, value in self._values.items()}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _lookup(values: Mapping[str, Any], name: str) -> Any:
    """A setting by dotted name, or one candidate's entry (training.candidates.<name>)."""
    if name in values:
        return values[name]
    parent, _, last = name.rpartition(".")
    return values[parent][last]
