"""How far a long stage is: on a terminal, and on the scheduler's page."""

from __future__ import annotations

import sys
import time
from typing import Any

# A stage that is done sooner than this says nothing; afterwards it speaks as often.
_EVERY_S = 1.0


class Progress:
    """What a task is doing and how much of it is done.

    Shown on stderr when that is a terminal, and told to Luigi when a worker runs the task;
    silent otherwise. A context: the line on the terminal goes away with it.
    """

    def __init__(self, task: Any, doing: str, total: int, unit: str) -> None:
        self._task, self._doing, self._total, self._unit = task, doing, total, unit
        self._done = 0
        self._spoke = time.monotonic()
        self._shown = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")

    def add(self, amount: int) -> None:
        """Count what was done since the last call, in the unit of the total."""
        self._done += amount
        now = time.monotonic()
        if now - self._spoke < _EVERY_S:
            return
        self._spoke = now
        percent = min(100, 100 * self._done // max(self._total, 1))
        message = f"{self._doing}: {self._done:,} of {self._total:,} {self._unit}"
        # Both are None outside a worker.
        if self._task.set_status_message:
            self._task.set_status_message(message)
        if self._task.set_progress_percentage:
            self._task.set_progress_percentage(percent)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{self._task} {message} ({percent} %)")
            sys.stderr.flush()
            self._shown = True
