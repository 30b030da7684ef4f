"""The task history, logs/task_history.jsonl: when each task ran, for how long, and what came out.

One line a task that did something or failed: `task`, `started` (UTC), `seconds`, `outcome` (built:
it published its outputs; done: it has none of its own; failed), `reason` why it ran, and what it
said of itself (`told`) or in what sentence it failed (`error`). These are facts of the clock: they
are in no output.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HISTORY = Path("logs") / "task_history.jsonl"


def append(task: str, started: float, seconds: float, outcome: str, **more: str | None) -> None:
    """Add a line; raises OSError when it cannot be written."""
    line = {
        "task": task,
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="milliseconds"),
        "seconds": round(seconds, 3),
        "outcome": outcome,
        **{name: value for name, value in more.items() if value},
    }
    HISTORY.parent.mkdir(exist_ok=True)
    with HISTORY.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def read() -> Iterator[dict[str, Any]]:
    """The lines, oldest first; one that a crash cut off is passed over."""
    try:
        lines = HISTORY.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and isinstance(found.get("task"), str):
            yield {"outcome": "built", **found}


def last_failures() -> dict[str, dict[str, Any]]:
    """{task: line} of the tasks that failed when they last ran, in the order of their failures."""
    found: dict[str, dict[str, Any]] = {}
    for line in read():
        found.pop(line["task"], None)
        if line["outcome"] == "failed":
            found[line["task"]] = line
    return found


def usual_seconds(name: Callable[[str], str]) -> dict[str, float]:
    """The median seconds by the name of a task, of the times when it did not fail."""
    seconds: dict[str, list[float]] = {}
    for line in read():
        if line["outcome"] != "failed":
            seconds.setdefault(name(line["task"]), []).append(float(line["seconds"]))
    return {found: statistics.median(values) for found, values in seconds.items()}
