"""CSV files that appear under their names only when all of them are complete."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def open_together(out: Path, names: Sequence[str]) -> Iterator[dict[str, TextIO]]:
    """Files to write in the directory `out`, by name, open as long as the block lasts.

    They appear under their names when the block ends, and replace what was there; when it ends
    with an error, they are dropped.
    """
    out.mkdir(parents=True, exist_ok=True)
    parts = {name: out / f".{name}.part" for name in names}
    try:
        with ExitStack() as stack:
            yield {
                name: stack.enter_context(part.open("w", encoding="utf-8", newline="\n"))
                for name, part in parts.items()
            }
        for name, part in parts.items():
            part.replace(out / name)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def write_header(file: TextIO, columns: Mapping[str, Sequence[str]]) -> None:
    """Write the names of the columns."""
    file.write(",".join(columns) + "\n")


def write_rows(file: TextIO, columns: Mapping[str, Sequence[str]]) -> int:
    """Write the rows of columns of finished CSV fields; return how many."""
    lines = list(map(",".join, zip(*columns.values(), strict=True)))
    file.writelines(f"{line}\n" for line in lines)
    return len(lines)
