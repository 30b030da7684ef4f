"""Slow imports of a run, done beside the first query instead of after it.

A stage declares the modules that its work needs (`Stage.slow_imports`).
"""

from __future__ import annotations

from collections.abc import Iterable


def expect(modules: Iterable[str]) -> None:
    """Say that this run is going to import these modules."""
    _expected.update(dict.fromkeys(modules))


_expected: dict[str, None] = {}
