"""Which generation exists, and which is champion, on which day: read from the audit trail.

Generation 1 needs no decision and is champion from the beginning; every later one was raised by a
decision to retrain, as a challenger, and becomes champion by a promotion.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.generations.audit_trail import CHANGES, Entry, read_trail, trail_path


class Reign(NamedTuple):
    """From the month after `since` on a generation scores; the first since ever."""

    since: dt.date
    generation: int


FIRST = Reign(dt.date.min, 1)
# training.train_until = auto: the first model waits for a full year of matured vintages.
FIRST_VINTAGES = 12


def champion_of(month: dt.date, reigns: Sequence[Reign]) -> int:
    """The generation that scores a month: the champion on the day before it begins.

    A month that begins on the very day of a change was scored by the model before on that day,
    and stays with it.
    """
    return next(reign.generation for reign in reversed(reigns) if reign.since < month)


def generations(as_of: dt.date | None = None) -> list[int]:
    """The generations raised on or before a day (default: ever), from 1 on."""
    trail = [e for e in read_trail() if as_of is None or e.as_of <= as_of]
    return [1, *(e.next_generation for e in trail if e.next_generation is not None)]


def reigns(as_of: dt.date, generation: int | None = None) -> list[Reign]:
    """Who was champion when, as of a day; with a generation, up to when it last became champion.

    A change takes effect after the day on which it was decided. Within one run the trail grows:
    what is asked for with a generation does not change with it.
    """
    found = [FIRST]
    found += [
        Reign(e.as_of, e.generation)
        for e in read_trail()
        if e.action in CHANGES and e.as_of < as_of
    ]
    if generation is None:
        return found
    last = max(i for i, reign in enumerate(found) if reign.generation == generation)
    return found[: last + 1]


def challenger(as_of: dt.date) -> int | None:
    """The generation that was raised by a day and neither promoted nor rejected by then."""
    found = None
    for entry in read_trail():
        if entry.as_of <= as_of:
            if entry.next_generation is not None:
                found = entry.next_generation
            elif entry.action in ("promote", "reject") and entry.generation == found:
                found = None
    return found


def closures(as_of: dt.date) -> list[Entry]:
    """What people have closed on or before a day: the incidents of an extract, oldest first."""
    return [e for e in read_trail() if e.action == "close_incident" and e.as_of <= as_of]


def raised_by(generation: int) -> Entry | None:
    """The entry that has asked for a generation; None for the first.

    Its day is the one up to which the generation knows labels. Raises PipelineError when nobody
    has asked for it.
    """
    if generation == 1:
        return None
    for entry in read_trail():
        if entry.next_generation == generation:
            return entry
    raise PipelineError(f"{trail_path()}: no decision has raised generation {generation}")


def months_after(day: dt.date, months: int) -> dt.date:
    """The first of the month so many months after that of a day; the day itself for none."""
    if not months:
        return day
    number = day.year * 12 + day.month - 1 + months
    return dt.date(number // 12, number % 12 + 1, 1)


def decision_days(after: dt.date, until: dt.date) -> list[dt.date]:
    """The first day of every month after a day, up to another: on it the month before has ended.

    Governance decides on these days alone, so that its decisions do not depend on when it is run.
    """
    days = []
    month = after.year * 12 + after.month  # of the month after, counted from 0
    while (day := dt.date(month // 12, month % 12 + 1, 1)) <= until:
        days.append(day)
        month += 1
    return days
