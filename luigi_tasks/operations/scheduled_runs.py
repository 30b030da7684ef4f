"""How the commands that deploy/run has started ended: logs/schedule/NAME.json and NAME.log."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from datetime import datetime
from itertools import zip_longest
from pathlib import Path

from luigi_tasks.core.records import Record, from_json

FOLDER = Path("logs") / "schedule"
LOCK = Path(".cache") / "schedule.lock"
"""A scheduled command holds flock(2) on it, with all that it has started."""

HEALTH = "health"
"""The scheduled command that looks at the others."""
ANOTHER_FAILED = 55
"""Its code when it has found nothing but that another one has failed."""

# The codes of [retcode] in luigi.cfg.
_CODES = {
    10: "another one was running",
    20: "an input is missing",
    25: "not run",
    30: "a task failed",
    35: "an error while scheduling",
    40: "it could not begin",
}
# How a fault begins a line: of a command, of `health`, and of a stage.
_FAULT = re.compile(
    r"(?:error: |FAIL +|\d\d:\d\d:\d\d +(?P<task>[A-Z]\w+).*? FAILED: )(?P<words>.*)"
)
# What is no sentence of the pipeline: the name of an exception, or a traceback behind it.
_DEFECT = re.compile(r"[\w.]*(?:Error|Exception|Exit|Interrupt)\b")
_TRACEBACK = ("Traceback", "Runtime error:")
# As many faults of one run are told.
_MOST = 3


class Run(Record, frozen=True):
    """A scheduled command: when it began and ended, and its return code.

    `ended` and `code` are null while it runs, and for ever when it was killed.
    """

    started: datetime
    ended: datetime | None = None
    code: int | None = None

    def words(self) -> str:
        """How it ended."""
        if self.code is None:
            return f"was killed, begun at {self.started:%Y-%m-%d %H:%M} UTC"
        if self.code == 0:
            return "ended well"
        if self.code > 128:
            return f"was killed by signal {self.code - 128}"
        return f"failed with code {self.code}" + (
            f", {_CODES[self.code]}" if self.code in _CODES else ""
        )


def read() -> dict[str, Run]:
    """{name: its last run}, oldest first.

    Raises PipelineError when a file cannot be read as one.
    """
    found = {path.stem: from_json(path.read_bytes(), Run, path) for path in FOLDER.glob("*.json")}
    return dict(sorted(found.items(), key=lambda item: (item[1].started, item[0])))


def running(runs: dict[str, Run]) -> str | None:
    """The name of the one that runs now: the last without an end, while somebody runs."""
    begun = [name for name, run in runs.items() if run.code is None and name != HEALTH]
    return begun[-1] if begun and _is_held() else None


def _is_held() -> bool:
    try:
        handle = os.open(LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def faults(name: str) -> list[str]:
    """What went wrong in a command's last run, by its log, each thing once.

    Of a defect only the task: what stands in a traceback may be a value of the data.
    """
    try:
        text = (FOLDER / f"{name}.log").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    found = list(dict.fromkeys(_faults(text.splitlines())))
    more = [f"and {len(found) - _MOST} more"] if len(found) > _MOST else []
    return [*found[:_MOST], *more]


def _faults(lines: list[str]) -> Iterator[str]:
    for line, after in zip_longest(lines, lines[1:], fillvalue=""):
        fault = _FAULT.fullmatch(line)
        if fault and (_DEFECT.match(fault["words"]) or after.startswith(_TRACEBACK)):
            yield f"{fault['task'] or 'the command'}: a defect"
        elif fault:
            task = f"{fault['task']}: " if fault["task"] else ""
            yield task + " ".join(fault["words"].split())
