"""The lock of a project: whoever publishes holds it, one process at a time.

Building goes on beside it. A lock is flock(2) on a file in .cache, and ends with the process that
holds it, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from luigi_tasks.core.errors import PipelineError

log = logging.getLogger("luigi-interface")

LOCK = Path(".cache") / "publishing.lock"
# Who waits longer than this says so.
_PATIENCE_S = 1.0

_one_thread = threading.RLock()
_held = 0


@contextlib.contextmanager
def publishing() -> Iterator[None]:
    """Hold the lock within the block; who holds it already may take it again.

    Where nothing can be written nobody publishes: nothing is held, and who only looks goes on.
    """
    global _held
    with _one_thread:
        handle = None
        if not _held and not _is_read_only(LOCK.parent):
            handle = _acquired(LOCK, "another run of this project to publish")
        _held += 1
        try:
            yield
        finally:
            _held -= 1
            if handle is not None:
                os.close(handle)


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[int]:
    """Hold a lock of one's own within the block; others wait for as long as that takes.

    A process that is handed the descriptor which is yielded holds it too, as long as it lives.
    """
    handle = _acquired(lock, "another run of the same task")
    try:
        yield handle
    finally:
        os.close(handle)


def _is_read_only(folder: Path) -> bool:
    """Whether a folder, or the one that it would be made in, is on a read-only file system."""
    there = folder if folder.is_dir() else Path()
    return bool(os.statvfs(there).f_flag & os.ST_RDONLY)


def _acquired(lock: Path, awaited: str) -> int:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise PipelineError(f"{lock} cannot be locked: {error.strerror}") from error
    begun, said = time.monotonic(), False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if not said and time.monotonic() - begun > _PATIENCE_S:
                log.info("waiting for %s (%s)", awaited, lock, extra={"shown": True})
                said = True
            time.sleep(0.02)
        except BaseException:
            os.close(handle)
            raise
