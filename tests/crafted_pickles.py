"""Pickles that an attacker might write."""

from __future__ import annotations

import pickle
from typing import Any


def _text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def calling(module: str, name: str, *arguments: Any) -> bytes:
    """A pickle of protocol 4 that calls a name of a module with these arguments."""
    values = pickle.dumps(arguments, 2)[2:-1]
    return b"\x80\x04" + _text(module) + _text(name) + b"\x93" + values + b"R."
