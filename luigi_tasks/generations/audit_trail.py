"""The audit trail of model decisions and the marker that names the current generation.

`decisions.jsonl` is append-only; each line carries the SHA-256 of the line before it.
`retrain_marker.json` always exists and says the same in short: it is what DVC watches.
Generation 1 needs no decision; every later one was raised by a line with action "retrain".
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import file_system
from luigi_tasks.core.task import in_datamart

FIRST_MARKER = {
    "generation": 1,
    "train_until": None,
    "reason": "the first model: its train_until is training.train_until of params.yaml",
}
_START = "0" * 64

Decision = dict[str, Any]


def trail_path() -> Path:
    """datamart/governance/decisions.jsonl"""
    return in_datamart("governance", "decisions.jsonl")


def marker_path() -> Path:
    """datamart/governance/retrain_marker.json"""
    return in_datamart("governance", "retrain_marker.json")


def read_trail() -> list[Decision]:
    """All decisions, oldest first; raises PipelineError when a line was altered or removed."""
    path = trail_path()
    try:
        lines = file_system(path).read(path).splitlines()
    except FileNotFoundError:
        return []
    found, before = [], _START
    for number, line in enumerate(lines, start=1):
        try:
            decision = json.loads(line)
        except ValueError:
            decision = {}
        if not isinstance(decision, dict) or decision.get("previous") != before:
            raise PipelineError(
                f"{path}: line {number} does not follow from the line before it; "
                "the audit trail was altered"
            )
        before = hashlib.sha256(line).hexdigest()
        found.append(decision)
    return found


def append(decision: Decision) -> None:
    """Add a decision to the trail, chained to its last line, and flush it to disk.

    The file is replaced, not written into: it may be a link into DVC's cache.
    """
    path = trail_path()
    before = file_system(path).read(path) if read_trail() else b""
    previous = hashlib.sha256(before.splitlines()[-1]).hexdigest() if before else _START
    line = json.dumps({**decision, "previous": previous}, sort_keys=True) + "\n"
    file_system(path).write(path, before + line.encode())


def read_marker() -> dict[str, Any]:
    """The marker, made from the trail when there is none.

    Raises PipelineError when it is unreadable or names a generation that nobody decided on.
    """
    path = marker_path()
    try:
        text = file_system(path).read(path)
    except FileNotFoundError:
        write_marker(marker_for(read_trail()))
        return read_marker()
    try:
        marker: dict[str, Any] = json.loads(text)
        generation = marker["generation"]
    except (ValueError, KeyError, TypeError):
        generation = None
    if not isinstance(generation, int) or generation < 1:
        raise PipelineError(f"{path}: the marker is not JSON with a whole `generation` from 1 on")
    decided = max(_generations(read_trail()))
    if generation > decided:
        raise PipelineError(
            f"{path}: names generation {generation}, but {trail_path()} holds no decision for it"
        )
    return marker


def write_marker(marker: dict[str, Any]) -> None:
    """Replace the marker in one step."""
    text = json.dumps(marker, indent=1, ensure_ascii=False) + "\n"
    file_system(marker_path()).write(marker_path(), text.encode())


def marker_for(trail: list[Decision]) -> dict[str, Any]:
    """The marker that belongs to a trail."""
    retrains = [decision for decision in trail if decision["action"] == "retrain"]
    if not retrains:
        return FIRST_MARKER
    last = retrains[-1]
    return {
        "generation": last["next_generation"],
        "train_until": last["as_of"],
        "reason": last["reason"],
    }


def _generations(trail: list[Decision]) -> list[int]:
    return [1, *(d["next_generation"] for d in trail if d["action"] == "retrain")]


def current_generation(as_of: dt.date | None = None) -> int:
    """The newest generation raised on or before a day (default: ever)."""
    trail = read_trail()
    if as_of is not None:
        trail = [d for d in trail if d["as_of"] <= as_of.isoformat()]
    return min(max(_generations(trail)), int(read_marker()["generation"]))


def scoring_generation(as_of: dt.date, generation: int) -> int:
    """The newest generation up to `generation` that was raised before a day.

    One raised on the day itself has nothing to score yet: its months begin after it.
    """
    earlier = [d for d in read_trail() if d["as_of"] < as_of.isoformat()]
    return max(number for number in _generations(earlier) if number <= generation)


def train_until(generation: int) -> str | None:
    """The day up to which a generation knows labels; None for the first (params.yaml says)."""
    if generation == 1:
        return None
    for decision in read_trail():
        if decision["action"] == "retrain" and decision["next_generation"] == generation:
            return str(decision["as_of"])
    raise PipelineError(f"{trail_path()}: no decision has raised generation {generation}")
