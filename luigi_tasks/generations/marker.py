"""The marker, `datamart/governance/retrain_marker.json`: which generation is current, and why.

It always exists and says in short what the audit trail says: it is what DVC watches and what git
holds. `entries` and `head` are the end of the trail, so that a trail that was cut off is found.
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

START = "0" * 64
"""What stands for the hash of a line before the first."""


class Marker(Record, frozen=True, omit_defaults=False, forbid_unknown_fields=True):
    """What the audit trail comes to.

    `generation` is the newest that was asked for, with the day up to which it knows labels (null:
    params.yaml) and why. `champion` is the one that scores, `champions` are the days on which
    another became champion, `closed_incidents` what people have closed: extract and day.
    `restated` are the days on which a generation was to be restated. The trail has `entries` lines
    and ends with one whose SHA-256 is `head`; while a line is being added `coming` is its hash.
    """

    generation: Annotated[int, msgspec.Meta(ge=1)]
    train_until: dt.date | None
    reason: str
    champion: int = 1
    champions: list[str] = []
    closed_incidents: list[str] = []
    restated: list[str] = []
    entries: int = 0
    head: str = START
    coming: str | None = None


def marker_path() -> Path:
    """datamart/governance/retrain_marker.json"""
    return in_datamart("governance", "retrain_marker.json")


def read_marker() -> Marker | None:
    """The marker; None when there is none.

    Raises PipelineError when it is unreadable, or not signed although there is a key.
    """
    path = marker_path()
    try:
        text = signing.read(path)
    except FileNotFoundError:
        return None
    try:
        return from_json(text, Marker, path)
    except PipelineError as error:
        raise PipelineError(
            f"{path}: the marker is not JSON with a whole `generation` from 1 on, `train_until` "
            f"and `reason` ({str(error).removeprefix(f'{path}: ')})"
        ) from None


def write_marker(marker: Marker) -> None:
    """Replace the marker in one step, and sign it when there is a key."""
    signing.write(marker_path(), to_text(marker).encode())
