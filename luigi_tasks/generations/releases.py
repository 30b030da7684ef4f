"""What was published: released models by their SHA-256, scores of live loans by their digest.

A generation is released once scores of live months by it stand in the audit trail. From then on
its model and those scores stay as they are, whatever becomes of data, parameters or code, until a
restatement is asked for.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from luigi_tasks.generations.audit_trail import Entry, read_trail


class Batch(NamedTuple):
    """The scores published on a decision day: of the loans since the one before.

    `version` counts the restatements: 0 is what was published first.
    """

    day: dt.date
    generation: int
    version: int
    digest: str


def published() -> dict[dt.date, Batch]:
    """The batches as they stand, by day."""
    return {batch.day: batch for batch in all_published()}


def all_published() -> list[Batch]:
    """The batches in the order of the trail, those too that were restated."""
    found: list[Batch] = []
    versions: dict[dt.date, int] = {}
    for entry in read_trail():
        if "scores" in entry.facts:
            for day, digest in _scores(entry).items():
                versions[day] = versions.get(day, -1) + 1
                found.append(Batch(day, entry.generation, versions[day], digest))
    return found


def _scores(entry: Entry) -> dict[dt.date, str]:
    return {dt.date.fromisoformat(day): digest for day, digest in entry.facts["scores"].items()}


def released_model(generation: int) -> str | None:
    """The SHA-256 of a generation's released model; None when it has published nothing."""
    found = None
    for entry in read_trail():
        if entry.generation == generation and "model" in entry.facts:
            found = entry.facts["model"]
    return found


def asked_restatement(generation: int) -> Entry | None:
    """The request to restate a generation that has not been done yet."""
    found = None
    for entry in read_trail():
        if entry.generation == generation and entry.action in ("restate", "restated"):
            found = entry if entry.action == "restate" else None
    return found


def restatements(generation: int) -> int:
    """How often it was asked to restate a generation."""
    return sum(e.action == "restate" and e.generation == generation for e in read_trail())
