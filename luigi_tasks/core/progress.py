"""How far a long stage is: on a terminal, and on the scheduler's page."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import Any

from luigi.rpc import RPCError

# A stage that is done sooner than this says nothing; afterwards it speaks as often.
_EVERY_S = 1.0
_CLEAR = "\x1b[K"


class Progress:
    """What a task is doing, how much of it is done, and for how long it has been at it.

    Shown on stderr when that is a terminal, and passed to Luigi when a worker runs the task;
    silent otherwise. A context: a thread speaks within it, also while an engine computes and
    nothing is counted yet; the line on the terminal goes away with it. Without a total no
    percentage is given.
    """

    def __init__(self, task: Any, doing: str, total: int | None = None, unit: str = "") -> None:
        self._task, self._doing, self._total, self._unit = task, doing, total, unit
        self._done = 0
        self._started = time.monotonic()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Progress:
        # Outside a worker there is nobody to tell.
        if self._task.set_status_message or sys.stderr.isatty():
            self._thread = threading.Thread(target=self._speak, name="progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread:
            self._thread.join()

    def add(self, amount: int) -> None:
        """Count what was done since the last call, in the unit of the total."""
        self._done += amount

    def _speak(self) -> None:
        while not self._over.wait(_EVERY_S):
            message, percent = self._message()
            _show(f"{self._task} {message}")
            # A scheduler that does not answer is no reason to stop a stage.
            with contextlib.suppress(RPCError):
                if self._task.set_status_message:
                    self._task.set_status_message(message)
                if self._task.set_progress_percentage and percent is not None:
                    self._task.set_progress_percentage(percent)
        _show("")

    def _message(self) -> tuple[str, int | None]:
        done, percent = self._done, None
        message = self._doing
        if done and self._total:
            done = min(done, self._total)
            percent = 100 * done // self._total
            message += f": {done:,} of {self._total:,} {self._unit} ({percent} %)"
        elif done:
            message += f": {done:,} {self._unit}"
        return f"{message}, {time.monotonic() - self._started:.0f} s", percent


def _show(line: str) -> None:
    """Replace the line on the terminal; the cursor stays at its start, where a log line begins.

    It is cut to the width: of a line that wraps, only the end could be taken away again.
    """
    if sys.stderr.isatty():
        width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
        sys.stderr.write(f"\r{_CLEAR}{line[: width - 1]}\r")
        sys.stderr.flush()


def make_way() -> None:
    """Take the line away before something else is written, by whatever process."""
    if sys.stderr.isatty():
        sys.stderr.write(_CLEAR)
