"""Luigi, killed with its process group just before its N-th change to the project's files.

    python killed_at.py N MOMENTS luigi's words…

With N = 0 it lives, and every such moment becomes a line of the file MOMENTS. A change is what
Python tells its audit hooks: a file opened for writing, renamed or removed, a folder made or
removed, two folders exchanged. Runs in the project's folder; the package has no hook for this.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

_CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def changed(event: str, arguments: tuple[Any, ...]) -> str | None:
    """The path that an audited event is about to change; None when it changes none of ours."""
    if event == "ctypes.dlsym":
        return "two folders" if arguments[1] == "renameat2" else None
    if event == "open":
        path, _, flags = arguments
        if not isinstance(flags, int) or not flags & _WRITING:
            return None
    elif event in _CHANGES:
        path = arguments[0]
    else:
        return None
    text = str(path)
    if isinstance(path, int) or (os.path.isabs(text) and not text.startswith(os.getcwd() + "/")):  # noqa: PTH109,PTH117
        return None
    return text


def main() -> None:
    last, moments = int(sys.argv[1]), os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    seen = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        path = changed(event, arguments)
        if path is None:
            return
        seen += 1
        if last in (0, seen):
            os.write(moments, f"{event} {path}\n".encode())
        if seen == last:
            os.killpg(os.getpgrp(), signal.SIGKILL)

    from luigi.cmdline import luigi_run

    sys.addaudithook(watch)
    luigi_run(sys.argv[3:])


if __name__ == "__main__":
    main()
