"""Temporary names: what a process is still writing, beside the place where it will lie.

A name holds the host and the number of the process. So what a killed process left can be told from
what another one is writing; of a process on another host nobody here can know.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

# .name.host-number.tmp; earlier versions left the host out.
_NAME = re.compile(r"\..+\.(?:([0-9a-f]{8})-)?(\d+)\.tmp")


def beside(path: Path, role: str = "") -> Path:
    """A temporary path of this process for a file or folder; another one for another role."""
    name = f"{path.name}.{role}" if role else path.name
    return path.with_name(f".{name}.{_host()}-{os.getpid()}.tmp")


def is_abandoned(name: str) -> bool:
    """Whether a name is a temporary one whose process is gone.

    One with the number of this process counts too: a container gives each of its runs the same.
    Ask before this process has begun to write.
    """
    found = _NAME.fullmatch(name)
    if found is None or found[1] not in (None, _host()):
        return False
    return int(found[2]) == os.getpid() or not _is_alive(int(found[2]))


def _host() -> str:
    return hashlib.sha256(os.uname().nodename.encode()).hexdigest()[:8]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except PermissionError:  # it is somebody else's
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True
