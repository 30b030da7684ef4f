"""The audit trail of model decisions, `datamart/governance/decisions.jsonl`.

It is append-only; each line carries the SHA-256 of the line before it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Literal

import msgspec

from luigi_tasks.core import locks, signing
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.records import Record, from_json, to_line
from luigi_tasks.core.storage import in_datamart

_START = "0" * 64

State = Literal["ok", "watch", "incident", "waiting", "retrain"]


class Decision(Record, frozen=True):
    """One line of the trail.

    `as_of` is the day it was taken for and `generation` the model that it is about. `state` says
    in a word how the model does, `evidence` is the digest of all that was looked at. A retraining
    raises `next_generation`; who closes an incident names its `extract`. `previous` is the SHA-256
    of the line before.
    """

    as_of: dt.date
    generation: int
    action: Literal["keep", "retrain", "close_incident"]
    reason: str
    newly_matured_labels: int
    limits: dict[str, int | float | str]
    evidence: str
    state: State | None = None
    extract: str | None = None
    next_generation: int | None = None
    previous: str = ""


def trail_path() -> Path:
    """datamart/governance/decisions.jsonl"""
    return in_datamart("governance", "decisions.jsonl")


def read_trail() -> list[Decision]:
    """All decisions, oldest first.

    Raises PipelineError when a line was altered or removed, or when the trail is not signed
    although there is a key: the chain alone can be forged from its first line on.
    """
    path = trail_path()
    try:
        lines = signing.read(path).splitlines()
    except FileNotFoundError:
        return []
    trail: list[Decision] = []
    before = _START
    for number, line in enumerate(lines, start=1):
        try:
            decision = from_json(line, Decision, path)
        except PipelineError:
            decision = None
        if decision is None or decision.previous != before:
            raise PipelineError(
                f"{path}: line {number} does not follow from the line before it; "
                "the audit trail was altered"
            )
        before = hashlib.sha256(line).hexdigest()
        trail.append(decision)
    return trail


def append(decision: Decision) -> None:
    """Add a decision to the trail, chained to its last line, and flush it to disk.

    Who takes a decision on what the trail says holds `locks.publishing` around both.

    The file is replaced, not written into: it may be a link into DVC's cache.
    """
    path = trail_path()
    with locks.publishing():
        before = signing.read(path) if read_trail() else b""
        previous = hashlib.sha256(before.splitlines()[-1]).hexdigest() if before else _START
        line = to_line(msgspec.structs.replace(decision, previous=previous)) + "\n"
        signing.write(path, before + line.encode())
