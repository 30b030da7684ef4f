"""Typed records and their JSON: one way to read them, one way to write them.

A record is a frozen `msgspec.Struct`. A field at its default is left out of the JSON.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from luigi_tasks.core.errors import PipelineError

R = TypeVar("R", bound=msgspec.Struct)


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base of all records: immutable, built by field name, read strictly."""


def as_json(record: msgspec.Struct) -> dict[str, Any]:
    """A record as JSON values: dates as yyyy-mm-dd, records within it as objects."""
    values: dict[str, Any] = msgspec.to_builtins(record)
    return values


def to_line(record: msgspec.Struct) -> str:
    """A record as one line of JSON with sorted keys."""
    return json.dumps(as_json(record), sort_keys=True)


def to_text(record: msgspec.Struct) -> str:
    """A record as indented JSON in the order of its fields, for people to read."""
    return json.dumps(as_json(record), indent=1, ensure_ascii=False) + "\n"


def from_json(text: bytes | str, kind: type[R], source: Path | str) -> R:
    """The record in a JSON text.

    Raises PipelineError naming `source` and the field when the text is no JSON, a field is
    missing or a value is of another type.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PipelineError(f"{source}: {error}") from None
