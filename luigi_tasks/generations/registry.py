"""Which generation exists on which day: read from decisions taken on that day or before.

Generation 1 needs no decision; every later one was raised by a decision to retrain.
"""

from __future__ import annotations

import datetime as dt

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.generations.audit_trail import Decision, read_trail, trail_path
from luigi_tasks.generations.marker import generations_of, read_marker


def current_generation(as_of: dt.date | None = None) -> int:
    """The newest generation raised on or before a day (default: ever)."""
    trail = [d for d in read_trail() if as_of is None or d.as_of <= as_of]
    return min(max(generations_of(trail)), read_marker().generation)


def scoring_generation(as_of: dt.date, generation: int) -> int:
    """The newest generation up to `generation` that was raised before a day.

    One raised on the day itself has nothing to score yet: its months begin after it.
    """
    earlier = [d for d in read_trail() if d.as_of < as_of]
    return max(number for number in generations_of(earlier) if number <= generation)


def closures(as_of: dt.date) -> list[Decision]:
    """What people have closed on or before a day: the incidents of an extract, oldest first."""
    return [d for d in read_trail() if d.action == "close_incident" and d.as_of <= as_of]


def train_until(generation: int) -> dt.date | None:
    """The day up to which a generation knows labels; None for the first (params.yaml says)."""
    if generation == 1:
        return None
    for decision in read_trail():
        if decision.next_generation == generation:
            return decision.as_of
    raise PipelineError(f"{trail_path()}: no decision has raised generation {generation}")
