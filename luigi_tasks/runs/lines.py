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
    """Lines of clock time, name, seconds, what was made, and why.

    On a terminal of fewer than 110 columns long names and facts are cut, so that the reason is
    seen and the columns line up.
    """

    def __init__(self, labels: Iterable[str], width: int | None) -> None:
        self._width = width
        self._is_narrow = width is not None and width < 110
        longest = max(map(len, labels), default=0)
        # What the other columns leave, with room for a reason such as `no output yet`.
        self._name = min(longest, max(24, width - 56)) if width and self._is_narrow else longest
        self._told = 22 if self._is_narrow else 33

    def line(self, clock: str, name: str, seconds: float, told: str, reason: str) -> str:
        """One line, in full."""
        return self._joined("  ", clock, name, seconds, f"{told:{self._told}}", reason)

    def shown(self, clock: str, name: str, seconds: float, told: str, reason: str) -> str:
        """The same, as far as the terminal has room for it."""
        if self._width is None:
            return self.line(clock, name, seconds, told, reason)
        if self._is_narrow:
            told = f"{cut(told, self._told):{self._told}}"
            line = self._joined(" ", clock, cut(name, self._name), seconds, told, reason)
        else:
            line = self.line(clock, name, seconds, told, reason)
        return cut(line, self._width - 1)

    def failed(self, clock: str, name: str, seconds: float, sentence: str) -> str:
        """One line of a task that failed; its sentence is never cut."""
        gap = " " if self._is_narrow else "  "
        return f"{self._joined(gap, clock, cut(name, self._name), seconds)}  FAILED: {sentence}"

    def _joined(self, gap: str, clock: str, name: str, seconds: float, *more: str) -> str:
        columns = (clock, f"{name:{self._name}}", f"{in_seconds(seconds):>7}", *more)
        return gap.join(columns).rstrip()


def cut(text: str, width: int | None) -> str:
    """A text no wider than so many columns; … stands for the rest."""
    return text if width is None or len(text) <= width else f"{text[: width - 1]}…"
