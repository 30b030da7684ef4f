"""Opening an extract: what is no file, cannot be read or is still being written is refused."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from luigi_tasks.core.errors import PipelineError

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Around all that reads an extract: what the system refuses is raised as a PipelineError.

    So is what is no regular file, before it is opened: a pipe that nobody writes to would hang.
    """
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
        if kind != stat.S_IFREG:
            what = _KINDS.get(kind, "something else")
            raise PipelineError(f"{path}: is {what}; a CSV file was expected")
        yield
    except FileNotFoundError:
        raise PipelineError(f"{path}: no such file; `make sample-data` makes samples") from None
    except OSError as error:
        raise PipelineError(f"{path}: cannot be read: {error.strerror or error}") from error


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """An extract, open for reading bytes.

    Raises PipelineError for what cannot be read, and at the end for a file that has changed
    meanwhile: half of it may be of one delivery and half of another.
    """
    with readable(path), path.open("rb") as file:
        before = _state(file)
        yield file
        if _state(file) != before:
            raise PipelineError(
                f"{path}: changed while it was read; deliver it under another name and rename it"
            )


def _state(file: BinaryIO) -> tuple[int, int]:
    now = os.fstat(file.fileno())
    return now.st_size, now.st_mtime_ns
