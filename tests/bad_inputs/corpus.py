"""The tables of bad inputs beside this file: what is broken, and what must happen."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

Case = dict[str, Any]
HERE = Path(__file__).parent


@cache
def table(name: str) -> Any:
    """A table by its name; every value is a text, so that 4_ is not the number 4."""
    return yaml.load((HERE / f"{name}.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def cases(name: str) -> list[Case]:
    """The cases of a table, whatever they are grouped by."""
    return list(_cases(table(name)))


def _cases(rows: Any) -> Iterator[Case]:
    for row in rows.values() if isinstance(rows, dict) else rows:
        if isinstance(row, list):
            yield from row
        else:
            yield row


def by_name(name: str) -> dict[str, Case]:
    """The same by the sentence that names them, for `pytest.mark.parametrize`."""
    return {case["case"]: case for case in cases(name)}


def tables() -> list[str]:
    """The names of all tables."""
    return sorted(path.stem for path in HERE.glob("*.yaml"))
