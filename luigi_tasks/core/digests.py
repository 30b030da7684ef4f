"""Digests of files and of JSON values, and a memory for what takes long to find out.

A file's digest is SHA-256 of its bytes. It is noted under `.cache/digests` with the path, size,
modification time, change time and inode of the file, so that a file is read again only after it
was written again. On shared storage its ETag or time stands for these.

That shows every edit through the file system, also one that keeps the size and sets the
modification time back. It does not show a byte that the disk lost by itself, or an edit by somebody
who sets the clock back or forges notes. Whoever can do that can write the outputs as well; `verify`
forgets all notes and reads every file. A note that is cut off, edited or renamed fails its own
checksum and is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from luigi_tasks.core import temporary
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import LocalFiles, changing, file_system, is_shared

CACHE = Path(".cache") / "digests"
# A file modified this recently could change again within one tick of the file system's clock.
_SETTLED_NS = 2_000_000_000
_BLOCK = 1 << 20
# For fewer files it is not worth to start threads.
_FEW = 4


def of_json(value: Any) -> str:
    """SHA-256 of a JSON value, written with sorted keys and no spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def of_file(path: Path) -> str:
    """SHA-256 of a file's bytes; raises FileNotFoundError when there is none."""
    path = path.absolute()
    return _of_file(path, file_system(path).signature(path))


def of_files(paths: Iterable[Path]) -> list[str]:
    """The same of several files, read on all cores."""
    from concurrent.futures import ThreadPoolExecutor

    every = list(paths)
    if len(every) < _FEW:
        return list(map(of_file, every))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(threads.map(of_file, every))


@lru_cache(maxsize=4096)
def _of_file(path: Path, state: tuple[Any, ...]) -> str:
    name = _name_of(path)
    for known in _noted(name):
        if known["signature"] == list(state):
            return str(known["sha256"])
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    settled = is_shared(path) or time.time_ns() - state[1] > _SETTLED_NS
    if settled and file_system(path).signature(path) == state:
        _note(name, {"path": str(path), "signature": list(state), "sha256": digest.hexdigest()})
    return digest.hexdigest()


def note(path: Path, digest: str, read: tuple[Any, ...] | None = None) -> None:
    """Remember the digest of a file that is known: it was linked here, or moved, not written.

    `read` is the signature that it had when it was read, if that was at another place. A file that
    was written just now is remembered as soon as another is noted after it has settled.
    """
    path = path.absolute()
    _unsettled[path] = (read or file_system(path).signature(path), digest)
    for each, (state, known) in list(_unsettled.items()):
        if is_shared(each) or time.time_ns() - state[1] > _SETTLED_NS:
            del _unsettled[each]
            with contextlib.suppress(FileNotFoundError):
                if file_system(each).signature(each) == state:
                    signature = {"path": str(each), "signature": list(state), "sha256": known}
                    _note(_name_of(each), signature)


_unsettled: dict[Path, tuple[tuple[Any, ...], str]] = {}


def _name_of(path: Path) -> str:
    return hashlib.sha256(os.fsencode(str(path))).hexdigest()[:32]


def remembered(name: str, work: Callable[[], Any]) -> Any:
    """The JSON result of `work`, kept in the cache under a name that says all it depends on."""
    if name not in _memory:
        for known in _noted(f"{name}.json"):
            _memory[name] = known
            break
        else:
            _memory[name] = json.loads(json.dumps(work()))
            _note(f"{name}.json", _memory[name])
    return _memory[name]


_memory: dict[str, Any] = {}


def forget() -> None:
    """Forget all that was ever noted: what is asked for from now on is found out again.

    The notes are moved away first: another process may be adding some.
    """
    clear_memory()
    away = temporary.beside(CACHE)
    file_system(CACHE).discard(away)
    with changing(CACHE), contextlib.suppress(FileNotFoundError):
        CACHE.rename(away)
    file_system(CACHE).discard(away)


def clear_memory() -> None:
    """Forget what this process knows; the notes in the cache stay."""
    _of_file.cache_clear()
    _memory.clear()
    _unsettled.clear()


def _noted(name: str) -> list[Any]:
    """The value under a name in the cache, alone in a list; empty when it cannot be relied on."""
    try:
        checksum, _, text = (CACHE / name).read_bytes().partition(b"\n")
        if checksum == _checksum(name, text):
            return [json.loads(text)]
    except (OSError, ValueError, RecursionError):
        pass
    return []


def _note(name: str, value: Any) -> None:
    text = json.dumps(value).encode()
    beside = temporary.beside(CACHE / name, "new")
    # Without a cache everything takes longer, and that is all. So the disk is not waited for: the
    # checksum tells of a note that a crash cut off.
    with contextlib.suppress(OSError, PipelineError):
        CACHE.mkdir(parents=True, exist_ok=True)
        try:
            beside.write_bytes(b"\n".join([_checksum(name, text), text]))
            LocalFiles().put(beside, CACHE / name)
        finally:
            beside.unlink(missing_ok=True)


def _checksum(name: str, text: bytes) -> bytes:
    return hashlib.sha256(b"\n".join([name.encode(), text])).hexdigest().encode()
