"""The marker, `datamart/governance/retrain_marker.json`: which generation is current, and why.

It always exists and says in short what the audit trail says: it is what DVC watches.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import msgspec

from luigi_tasks.core import signing
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.records import Record, from_json, to_text
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.generations.audit_trail import Decision, read_trail, trail_path


class Marker(Record, frozen=True):
    """The current generation, the day up to which it knows labels (null: params.yaml), and why.

    `closed_incidents` are those that people have closed: extract and day.
    """

    generation: Annotated[int, msgspec.Meta(ge=1)]
    train_until: dt.date | None
    reason: str
    closed_incidents: list[str] = []


FIRST_MARKER = Marker(
    generation=1,
    train_until=None,
    reason="the first model: its train_until is training.train_until of params.yaml",
)


def marker_path() -> Path:
    """datamart/governance/retrain_marker.json"""
    return in_datamart("governance", "retrain_marker.json")


def marker_for(trail: list[Decision]) -> Marker:
    """The marker that belongs to a trail."""
    closed = [f"{d.extract} {d.as_of}" for d in trail if d.action == "close_incident"]
    for decision in reversed(trail):
        if decision.next_generation is not None:
            return Marker(
                generation=decision.next_generation,
                train_until=decision.as_of,
                reason=decision.reason,
                closed_incidents=closed,
            )
    return msgspec.structs.replace(FIRST_MARKER, closed_incidents=closed)


def generations_of(trail: list[Decision]) -> list[int]:
    """The generations that a trail has raised, and the first, which needs no decision."""
    return [1, *(d.next_generation for d in trail if d.next_generation is not None)]


def read_marker() -> Marker:
    """The marker, made from the trail when there is none.

    Raises PipelineError when it is unreadable, when it is not signed although there is a key, or
    when it names a generation that nobody decided on.
    """
    path = marker_path()
    try:
        text = signing.read(path)
    except FileNotFoundError:
        write_marker(marker_for(read_trail()))
        return read_marker()
    try:
        marker = from_json(text, Marker, path)
    except PipelineError as error:
        raise PipelineError(
            f"{path}: the marker is not JSON with a whole `generation` from 1 on, `train_until` "
            f"and `reason` ({str(error).removeprefix(f'{path}: ')})"
        ) from None
    if marker.generation > max(generations_of(read_trail())):
        raise PipelineError(
            f"{path}: names generation {marker.generation}, but {trail_path()} holds no decision "
            "for it"
        )
    return marker


def write_marker(marker: Marker) -> None:
    """Replace the marker in one step, and sign it when there is a key."""
    signing.write(marker_path(), to_text(marker).encode())
