"""Digests of files and of JSON values, and a memory for what takes long to find out.

A file's digest is SHA-256 of its bytes, remembered by path, size, modification time and inode
under `.cache/digests`, so that a file is read again only after it was written again.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from luigi_tasks.core.files import file_system, is_shared

CACHE = Path(".cache") / "digests"
# A file modified this recently could change again within one tick of the file system's clock.
_SETTLED_NS = 2_000_000_000
_BLOCK = 1 << 20


def of_json(value: Any) -> str:
    """SHA-256 of a JSON value, written with sorted keys and no spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def of_file(path: Path) -> str:
    """SHA-256 of a file's bytes; raises FileNotFoundError when there is none."""
    path = path.absolute()
    return _of_file(path, file_system(path).signature(path))


@lru_cache(maxsize=4096)
def _of_file(path: Path, state: tuple[Any, ...]) -> str:
    note = CACHE / hashlib.sha256(os.fsencode(str(path))).hexdigest()[:32]
    try:
        known = json.loads(note.read_bytes())
        if known["signature"] == list(state):
            return str(known["sha256"])
    except (FileNotFoundError, ValueError, KeyError):
        pass
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    settled = is_shared(path) or time.time_ns() - state[1] > _SETTLED_NS
    if settled and file_system(path).signature(path) == state:
        entry = {"path": str(path), "signature": list(state), "sha256": digest.hexdigest()}
        file_system(note).write(note, json.dumps(entry).encode())
    return digest.hexdigest()


def remembered(name: str, work: Callable[[], Any]) -> Any:
    """The JSON result of `work`, kept in the cache under a name that says all it depends on."""
    if name not in _memory:
        note = CACHE / f"{name}.json"
        try:
            _memory[name] = json.loads(note.read_bytes())
        except (FileNotFoundError, ValueError):
            _memory[name] = json.loads(json.dumps(work()))
            file_system(note).write(note, json.dumps(_memory[name]).encode())
    return _memory[name]


_memory: dict[str, Any] = {}
