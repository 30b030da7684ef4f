"""What has happened since people were told last: from what was to what is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from luigi_tasks.core.records import Record
from luigi_tasks.generations.audit_trail import Entry
from luigi_tasks.operations.scheduled_runs import ANOTHER_FAILED, HEALTH, Run

SCHEDULED = "scheduled"
"""The reason that deploy/run gives for a retraining."""


class Event(NamedTuple):
    """One of `config.EVENTS`, and what is said of it."""

    kind: str
    words: str


class Told(Record, frozen=True, omit_defaults=False):
    """What people know.

    The lines of the audit trail; the open incidents, in words by their key; how the champion does
    in a word; and what was wrong with every scheduled command that has failed, without the figures
    in it: a feed that is a day older is no news.
    """

    entries: int = 0
    incidents: dict[str, str] = {}
    level: str = "ok"
    runs: dict[str, str] = {}


class Champion(NamedTuple):
    """How the champion does, in a word (`reports.state.LEVELS`) and in words.

    `incidents` are the open ones, in words by their key.
    """

    level: str
    words: str
    incidents: Mapping[str, str]


class Now(NamedTuple):
    """What there is to know: scheduled commands that have ended or were killed, the faults that
    their logs name, the whole audit trail, and the champion; the last two None when unreadable.
    """

    runs: Mapping[str, Run] = {}
    faults: Mapping[str, Sequence[str]] = {}
    trail: Sequence[Entry] | None = None
    champion: Champion | None = None

    def failed(self) -> dict[str, str]:
        """{command: how it failed and why}; of `health` what no other command says itself."""
        return {
            name: "; ".join([run.words(), *self.faults.get(name, ())])
            for name, run in self.runs.items()
            if run.code != 0 and not (name == HEALTH and run.code == ANOTHER_FAILED)
        }


def known_after(told: Told | None, now: Now) -> Told:
    """What people know once they have been told of all events."""
    before = told or Told()
    champion = now.champion or Champion(before.level, "", before.incidents)
    return Told(
        entries=before.entries if now.trail is None else len(now.trail),
        incidents=dict(champion.incidents),
        level=champion.level,
        runs={
            # One that runs just now is still what it was.
            **{name: words for name, words in before.runs.items() if name not in now.runs},
            **{name: _without_figures(words) for name, words in now.failed().items()},
        },
    )


def events(told: Told | None, now: Now) -> list[Event]:
    """What is new, the worst first; for who was never told anything, what is wrong now."""
    before = told or Told(entries=len(now.trail or ()))
    entries = (now.trail or ())[before.entries :]
    return [
        *_of_runs(before, now),
        *(_of_incidents(before, now.champion) if now.champion else ()),
        *_of_trail(entries),
        *(_of_level(before, now.champion, entries) if now.champion else ()),
    ]


def _of_runs(before: Told, now: Now) -> Iterator[Event]:
    failed = now.failed()
    for name, words in failed.items():
        if before.runs.get(name) != _without_figures(words):
            yield Event("run_failed", f"{name} {words}")
    for name in before.runs:
        if name in now.runs and name not in failed:
            yield Event("ok", f"{name} is back to ok")


def _of_incidents(before: Told, champion: Champion) -> Iterator[Event]:
    for key, words in champion.incidents.items():
        if key not in before.incidents:
            yield Event("incident_opened", words)
    for key, words in before.incidents.items():
        if key not in champion.incidents:
            yield Event("incident_closed", f"closed: {words}")


def _of_trail(entries: Sequence[Entry]) -> Iterator[Event]:
    for entry in entries:
        # The reason of a person is in that person's words, which may name anybody.
        is_own = entry.who and entry.reason != SCHEDULED
        why = f"on {entry.as_of}" + (" by a person" if is_own else f": {entry.reason}")
        if entry.next_generation is not None:
            words = f"a retrain is asked for, generation {entry.next_generation}, {why}"
            yield Event("retrain", words)
        elif entry.action in ("promote", "rollback"):
            yield Event("promotion", f"generation {entry.generation} is champion, {why}")
        elif entry.action == "reject":
            yield Event("rejection", f"generation {entry.generation} is rejected, {why}")


def _of_level(before: Told, champion: Champion, entries: Sequence[Entry]) -> Iterator[Event]:
    """Of an incident, and of a retrain that is asked for, enough has been said."""
    if champion.level == before.level:
        return
    if champion.level == "ok":
        yield Event("ok", f"the champion is back to ok: {champion.words}")
    elif champion.level == "watch":
        yield Event("watch", f"the champion is to be watched: {champion.words}")
    elif champion.level == "retrain" and not any(e.next_generation for e in entries):
        yield Event("retrain", f"the champion is to be replaced: {champion.words}")


def _without_figures(words: str) -> str:
    return re.sub(r"(?<!code )\d+", "#", words)
