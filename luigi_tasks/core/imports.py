"""Slow imports, made before they are needed: beside the first queries, or once before a fork."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Iterable

# In the order in which the stages need them; a dict is the ordered set that Python has.
_expected: dict[str, None] = {}


def expect(modules: Iterable[str]) -> None:
    """Say that the stages of this run will import these modules."""
    _expected.update(dict.fromkeys(modules))


def start() -> None:
    """Import what is expected in a thread of its own."""
    if _expected:
        threading.Thread(target=all_now, name="imports").start()


def all_now(first: Iterable[str] = ()) -> None:
    """Import these modules and all that is expected.

    One that fails is left to the stage that needs it, which can say what for. A process that ends
    sooner than its imports refuses some of them.
    """
    for module in [*first, *_expected]:
        with contextlib.suppress(Exception):
            importlib.import_module(module)
