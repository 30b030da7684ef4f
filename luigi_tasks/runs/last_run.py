"""logs/last_run.json: what the last run that had something to do was, and how it ended.

It is there from the first stage of a run on, so that a run that was killed can be told.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from luigi_tasks.core import temporary
from luigi_tasks.core.files import LocalFiles

FILE = Path("logs") / "last_run.json"

Outcome = Literal["running", "finished", "failed", "interrupted", "killed"]


def now() -> str:
    """The time of day, UTC, to the second."""
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds")


@dataclass
class LastRun:
    """A run: the task that was asked for, when, and by whom.

    `process` is a temporary name of it (`core.temporary`), by which one that is gone is known.
    `running` are the tasks that have begun and not ended, `failed` the sentences of those that
    failed, `not_run` the tasks that waited for them.
    """

    task: str
    started: str = field(default_factory=now)
    process: str = field(default_factory=lambda: temporary.beside(FILE).name)
    ended: str | None = None
    outcome: Outcome = "running"
    running: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    not_run: list[str] = field(default_factory=list)

    def write(self) -> None:
        """Put it into the file; a full disk is no reason to stop a run."""
        beside = temporary.beside(FILE)
        with contextlib.suppress(OSError):
            FILE.parent.mkdir(exist_ok=True)
            beside.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")
            beside.replace(FILE)


def read() -> LastRun | None:
    """The last run; None before the first, or when the file cannot be read as one."""
    try:
        found = LastRun(**json.loads(LocalFiles().read(FILE)))
    except (OSError, ValueError, TypeError):
        return None
    if found.outcome == "running" and temporary.is_abandoned(found.process):
        found.outcome = "killed"
    return found


def in_words(run: LastRun) -> str | None:
    """What there is to say of it beside its failures; None when it came to its end."""
    during = f" during {', '.join(run.running)}" if run.running else ""
    if run.outcome == "running":
        return f"{run.task} is running since {_clock(run.started)}{during}"
    if run.outcome == "killed":
        return f"{run.task}, begun at {_clock(run.started)}, was killed{during}; run it again"
    if run.outcome == "failed" and not run.failed:
        return f"{run.task} failed at {_clock(run.ended)} before a stage ran; see logs/luigi.log"
    if run.outcome == "interrupted":
        return f"{run.task} was interrupted at {_clock(run.ended)}{during}; run it again"
    return None


def _clock(time_of_day: str | None) -> str:
    """A time as people read it, in the zone of this machine."""
    return in_local_time(time_of_day) if time_of_day else "?"


def in_local_time(time_of_day: str) -> str:
    """2026-11-25 12:22:21"""
    return datetime.fromisoformat(time_of_day).astimezone().strftime("%Y-%m-%d %H:%M:%S")
