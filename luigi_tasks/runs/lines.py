"""The words of a run's lines: tasks and reasons in short, seconds, and columns that line up."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable

import luigi

_TASK = re.compile(r"\b([A-Z]\w+)\(([^()]*)\)")
_ABSENT = re.compile(r"^output: \S+ does not exist$")
_PACKAGE = __name__.partition(".")[0] + "."


def label(task: luigi.Task | str) -> str:
    """A task as people name it: without the day of the run, and a generation from 2 on.

    With a day it is the champion's, which the run is about.
    """
    return _TASK.sub(_plain, str(task))


def _plain(found: re.Match[str]) -> str:
    values = dict(part.split("=", 1) for part in found[2].split(", ") if "=" in part)
    if "as_of" in values or values.get("generation") == "1":
        values.pop("generation", None)
    values.pop("as_of", None)
    generation = values.pop("generation", None)
    named = [*values.values(), *([f"generation {generation}"] if generation else [])]
    return " ".join([found[1], *named])


def in_short(reason: str) -> str:
    """A reason of `status` in fewer words."""
    # Another day or generation is why its inputs are others.
    first, *more = sorted(reason.split("; "), key=lambda part: not part.startswith("task: "))
    text = label(_ABSENT.sub("no output yet", first)).replace(_PACKAGE, "")
    return f"{text} (and {len(more)} more)" if more else text


def in_seconds(seconds: float) -> str:
    """0.42 s, 12.3 s, 1,234 s"""
    digits = 2 if seconds < 10 else 1 if seconds < 100 else 0
    return f"{seconds:,.{digits}f} s"


def terminal_width() -> int | None:
    """The columns of the terminal that a run writes to; None when it is no terminal."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return None


class Columns:
    """Lines of clock time, name, seconds, what was made, and why."""

    def __init__(self, labels: Iterable[str], width: int | None) -> None:
        is_narrow = width is not None and width < 110
        longest = max(map(len, labels), default=0)
        self._name = min(longest, 26) if is_narrow else longest
        self._told = 19 if is_narrow else 38

    def line(self, clock: str, name: str, seconds: float, told: str, reason: str) -> str:
        """One line, as long as it gets."""
        columns = f"{clock}  {cut(name, self._name):{self._name}}  {in_seconds(seconds):>7}"
        return f"{columns}  {told:{self._told}}  {reason}".rstrip()

    def failed(self, clock: str, name: str, seconds: float, sentence: str) -> str:
        """One line of a task that failed; its sentence is never cut."""
        return f"{self.line(clock, name, seconds, '', '')}  FAILED: {sentence}"


def cut(text: str, width: int | None) -> str:
    """A text no wider than so many columns; … stands for the rest."""
    return text if width is None or len(text) <= width else f"{text[: width - 1]}…"
