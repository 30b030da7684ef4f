"""The audit trail of model decisions, `datamart/governance/decisions.jsonl`.

It is append-only; each line carries the SHA-256 of the line before it, and the marker that of the
last line.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from luigi_tasks.core import locks, signing
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.records import Record, from_json, to_line
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.generations.marker import START, Marker, marker_path, read_marker, write_marker

State = Literal["ok", "watch", "incident", "waiting", "retrain"]
Action = Literal[
    "keep",  # the champion stays as it is
    "retrain",  # a challenger is asked for: `next_generation`
    "promote",  # a generation becomes champion
    "reject",  # a challenger does not
    "release",  # scores of live months are published
    "restate",  # what was published is to be made again
    "restated",  # it was, and differs
    "request_retraining",
    "rollback",
    "close_incident",
    "prune",
]


class Entry(Record, frozen=True):
    """One line of the trail.

    `as_of` is the day it was taken for and `generation` the model that it is about. `who` has
    acted, empty when the pipeline itself did. `state` says in a word how the model does,
    `evidence` is the digest of all that was looked at, `facts` are the figures behind it. A
    retraining raises `next_generation`; who closes an incident names its `extract`. `previous` is
    the SHA-256 of the line before.
    """

    as_of: dt.date
    generation: int
    action: Action
    reason: str
    who: str | None = None
    state: State | None = None
    newly_matured_labels: int | None = None
    limits: dict[str, int | float | str] = {}
    facts: dict[str, Any] = {}
    evidence: str | None = None
    extract: str | None = None
    next_generation: int | None = None
    previous: str = ""


def trail_path() -> Path:
    """datamart/governance/decisions.jsonl"""
    return in_datamart("governance", "decisions.jsonl")


def read_lines() -> list[bytes]:
    """The lines of the trail, none when there is none.

    Raises PipelineError when it is not signed although there is a key.
    """
    try:
        return signing.read(trail_path()).splitlines()
    except FileNotFoundError:
        return []


def hash_of(line: bytes) -> str:
    """The SHA-256 of a line."""
    return hashlib.sha256(line).hexdigest()


def parsed(lines: Sequence[bytes]) -> tuple[list[Entry], list[str]]:
    """The entries up to the first line that is not one, and what is wrong with lines, by number."""
    entries: list[Entry] = []
    wrong = []
    before = START
    for number, line in enumerate(lines, start=1):
        try:
            entry = from_json(line, Entry, trail_path())
        except PipelineError:
            wrong.append(f"line {number} is no entry of an audit trail")
        else:
            if entry.previous != before:
                wrong.append(f"line {number} does not follow from the line before it")
            if not wrong:
                entries.append(entry)
        before = hash_of(line)
    return entries, wrong


def head_faults(lines: Sequence[bytes], marker: Marker | None) -> list[str]:
    """What is wrong with the end of the trail, by what the marker says of it."""
    if marker is None:
        lost = f"{marker_path().name}, which says where it ends, is missing (git checkout)"
        return [lost] if lines else []
    if len(lines) < marker.entries:
        return [
            f"line {len(lines) + 1} is missing: the trail ends with line {len(lines)}, by the "
            f"marker with line {marker.entries}"
        ]
    if marker.entries and hash_of(lines[marker.entries - 1]) != marker.head:
        return [f"line {marker.entries} is not the one that the marker names"]
    more = lines[marker.entries :]
    if more and (len(more) > 1 or hash_of(more[0]) != marker.coming):
        return [f"line {marker.entries + 1} was added by nobody who has told the marker"]
    return []


def read_trail() -> list[Entry]:
    """All entries, oldest first.

    Raises PipelineError when a line was altered, added or removed, or when the trail is not signed
    although there is a key: the chain alone can be forged from its first line on.

    Trail and marker are read one after the other. What does not fit may have been written in
    between, by another process: it is read once more while nobody writes.
    """
    try:
        return _read_once()
    except PipelineError:
        with locks.publishing():
            return _read_once()


def _read_once() -> list[Entry]:
    lines = read_lines()
    entries, wrong = parsed(lines)
    marker = read_marker()
    if marker and not wrong and marker.generation > marker_for(entries, lines).generation:
        raise PipelineError(
            f"{marker_path()}: names generation {marker.generation}, but {trail_path()} holds no "
            "decision for it"
        )
    wrong = wrong or head_faults(lines, marker)
    if wrong:
        raise PipelineError(f"{trail_path()}: {wrong[0]}; the audit trail was altered")
    return entries


def append(entry: Entry) -> None:
    """Add an entry to the trail, chained to its last line, and tell the marker.

    Who takes a decision on what the trail says holds `locks.publishing` around both.

    The marker names the coming line first: a run that is killed in between leaves a trail with or
    without it, and both are told from one that was altered. The file is replaced, not written
    into: it may be a link into DVC's cache.
    """
    with locks.publishing():
        entries, lines = read_trail(), read_lines()
        previous = hash_of(lines[-1]) if lines else START
        line = to_line(msgspec.structs.replace(entry, previous=previous)).encode()
        write_marker(msgspec.structs.replace(marker_for(entries, lines), coming=hash_of(line)))
        signing.write(trail_path(), b"".join(each + b"\n" for each in [*lines, line]))
        write_marker(marker_for(*_trail_with_lines()))


def settle_marker() -> None:
    """Let the marker say what the trail says."""
    with locks.publishing():
        wanted = marker_for(*_trail_with_lines())
        if read_marker() != wanted:
            write_marker(wanted)


def is_marker_settled() -> bool:
    """Whether the marker says what the trail says."""
    if read_marker() == marker_for(*_trail_with_lines()):
        return True
    with locks.publishing():
        return read_marker() == marker_for(*_trail_with_lines())


def _trail_with_lines() -> tuple[list[Entry], list[bytes]]:
    return read_trail(), read_lines()


def marker_for(trail: Sequence[Entry], lines: Sequence[bytes]) -> Marker:
    """The marker that belongs to a trail."""
    raised = next((e for e in reversed(trail) if e.next_generation is not None), None)
    return Marker(
        generation=raised.next_generation or 1 if raised else 1,
        train_until=raised.as_of if raised else None,
        reason=raised.reason
        if raised
        else "the first model: its train_until is training.train_until of params.yaml",
        champion=next((e.generation for e in reversed(trail) if e.action in CHANGES), 1),
        champions=[f"{e.as_of} {e.generation}" for e in trail if e.action in CHANGES],
        closed_incidents=[f"{e.extract} {e.as_of}" for e in trail if e.action == "close_incident"],
        restated=[f"{e.as_of} {e.generation}" for e in trail if e.action == "restate"],
        entries=len(lines),
        head=hash_of(lines[-1]) if lines else START,
    )


def entries_about(generation: int, trail: Sequence[Entry], as_of: dt.date) -> list[Entry]:
    """The entries up to a day that are about a generation, oldest first.

    Those that it stands in, that have asked for it, and the rulings on challengers that were asked
    for while it was champion, from the day on after them: then they have an effect. What was
    pruned says nothing of a model.
    """
    asked = {e.next_generation for e in trail if e.generation == generation and e.next_generation}
    return [
        entry
        for entry in trail
        if entry.as_of <= as_of
        and entry.action != "prune"
        and (
            entry.generation == generation
            or entry.next_generation == generation
            or (
                entry.action in ("promote", "reject")
                and entry.generation in asked
                and entry.as_of < as_of
            )
        )
    ]


CHANGES = ("promote", "rollback")
"""The actions that make a generation champion."""
