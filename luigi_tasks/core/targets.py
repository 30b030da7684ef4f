"""Targets that carry their provenance and are published in one step.

A directory keeps its provenance in `_SUCCESS`, a JSON document under the key "provenance", a
picture in a PNG text chunk. Everything is built beside its place, flushed to disk and swapped in;
a killed run leaves the old output or the new one.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import struct
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import msgspec
from luigi.target import FileSystemTarget

from luigi_tasks.core import digests, locks, signing, temporary
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import (
    MARKER,
    LocalFiles,
    SharedFiles,
    file_system,
    flush,
    is_shared,
)
from luigi_tasks.core.records import Record, as_json


class Provenance(Record, frozen=True, forbid_unknown_fields=True):
    """What is recorded with an output.

    `recipe` is what made it: task, arguments, params, code and inputs, each by value or digest.
    `content` is a SHA-256 over what it holds. `files` are the SHA-256 of the files that it
    consists of, by name. `parts` are the recipes of the parts of a dataset, by name; the file of a
    part bears its name. `checksum` is that of the JSON file that all this stands in, taken while
    a blank stood in its place; pictures have none, nor has what version 0.1.0 published.
    """

    recipe: dict[str, Any]
    content: str
    files: dict[str, str] = {}
    parts: dict[str, dict[str, Any]] = {}
    checksum: str = ""


class StageTarget(FileSystemTarget):
    """An output of a task. Subclasses say where the provenance is kept and how to publish."""

    path: Path  # type: ignore[assignment]

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def fs(self) -> LocalFiles | SharedFiles:
        """The file system that it lies on."""
        return file_system(self.path)

    def open(self, mode: str = "r") -> Any:
        """The file that it is; a directory cannot be opened."""
        return self.path.open(mode)

    def exists(self) -> bool:
        return self.provenance() is not None

    def staging(self) -> Path:
        """A path beside the final one, on the same file system, with nothing at it.

        It belongs to this process. What a killed one left there is removed.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            file = next(folder for folder in self.path.parents if folder.is_file())
            raise PipelineError(f"{file} is a file; it should be a folder") from None
        for leftover in self.path.parent.glob(f".{self.path.name}.*.tmp"):
            if temporary.is_abandoned(leftover.name):
                self.fs.discard(leftover)
        return temporary.beside(self.path)

    def moved_to(self, path: Path) -> Self:
        """The same kind of target at another path."""
        moved = copy.copy(self)
        moved.path = path
        return moved

    def provenance(self) -> Provenance | None:
        """The provenance as published; None when there is no complete output."""
        raise NotImplementedError

    def reason_without_provenance(self) -> str:
        """Why there is no provenance, when there is none."""
        there = self.fs.exists(self.path)  # type: ignore[arg-type]
        return "has no provenance that can be relied on" if there else "does not exist"

    def damage(self, provenance: Provenance) -> str | None:
        """Why the files are not what the provenance says; None when they are."""
        raise NotImplementedError

    def withdraw(self) -> None:
        """Remove what holds the provenance, so that the output is made again."""
        self.fs.discard(self.path)

    def publish(self, staging: Path, recipe: dict[str, Any]) -> None:
        """Put what was built at `staging` in place, with its provenance."""
        raise NotImplementedError


class Directory(StageTarget):
    """A directory of files, such as a parquet dataset, with `_SUCCESS` written last."""

    def provenance(self) -> Provenance | None:
        return _recorded(self.path / MARKER)

    def damage(self, provenance: Provenance) -> str | None:
        damage = damage_of(self.path, provenance.files)
        own = {*provenance.files, MARKER, signing.signature_path(Path(MARKER)).name}
        strangers = set(self.fs.names(self.path)) - own
        if damage is None and strangers:
            return f"{min(strangers)} does not belong to it"
        return damage

    def withdraw(self) -> None:
        place = self.path if self.path.is_file() else self.path / MARKER
        self.fs.discard(place)

    def publish(
        self,
        staging: Path,
        recipe: dict[str, Any],
        parts: Mapping[str, dict[str, Any]] | None = None,
        kept: Mapping[str, str] | None = None,
    ) -> None:
        """As all targets do. `kept` are the digests of files that are those published before."""
        kept = kept or {}
        names = self.fs.names(staging)
        new = [name for name in names if name not in kept]
        read = {} if is_shared(staging) else {n: self.fs.signature(staging / n) for n in new}
        found = dict(zip(new, digests.of_files(staging / name for name in new), strict=True))
        files = {name: kept.get(name) or found[name] for name in names}
        provenance = Provenance(
            recipe=recipe, content=digests.of_json(files), files=files, parts=dict(parts or {})
        )
        self.fs.write(staging / MARKER, _sealed(provenance))
        self.fs.replace(staging, self.path)
        for name in (*kept, *read):
            digests.note(self.path / name, files[name], read.get(name))


class Document(StageTarget):
    """A JSON object in one file. `beside` are files that it vouches for by their SHA-256.

    A model is such a document: its metadata, with the pickles beside it. The task builds a
    directory that holds the document and those files under their final names.
    """

    def __init__(self, path: Path, beside: tuple[str, ...] = ()) -> None:
        super().__init__(path)
        self.beside = beside

    def provenance(self) -> Provenance | None:
        self.settle()
        return _recorded(self.path, "provenance")

    def settle(self) -> None:
        """End what a killed publisher began: its files move in if the document vouches for them.

        Otherwise they are removed. One that is still publishing is waited for.
        """
        if any(self._waiting(name).exists() for name in self.beside):
            with locks.publishing():
                recorded = _recorded(self.path, "provenance")
                self._move_in(recorded.files if recorded else {})
                for name in self.beside:
                    self.fs.discard(self._waiting(name))

    def damage(self, provenance: Provenance) -> str | None:
        _, document = _read_json(self.path)
        document.pop("provenance", None)
        if digests.of_json([document, provenance.files]) != provenance.content:
            return f"{self.path.name} was changed after it was published"
        return damage_of(self.path.parent, provenance.files)

    def publish(self, staging: Path, recipe: dict[str, Any]) -> None:
        self.settle()
        document = json.loads((staging / self.path.name).read_bytes())
        files = {name: digests.of_file(staging / name) for name in self.beside}
        content = digests.of_json([document, files])
        provenance = Provenance(recipe=recipe, content=content, files=files)
        for name in self.beside:
            flush(staging / name)
            _LOCAL.put(staging / name, self._waiting(name))
        # From here on the new document holds; a killed run leaves its files waiting.
        self.fs.write(self.path, _sealed(provenance, document))
        self._move_in(files)
        flush(self.path.parent)
        self.fs.discard(staging)

    def _waiting(self, name: str) -> Path:
        return self.path.parent / f".{name}.new"

    def _move_in(self, files: dict[str, str]) -> None:
        """Put the waiting files that the document vouches for in place."""
        for name, digest in files.items():
            waiting = self._waiting(name)
            if waiting.exists() and digests.of_file(waiting) == digest:
                _LOCAL.put(waiting, self.path.parent / name)


class Picture(StageTarget):
    """A PNG picture with its provenance in a text chunk."""

    _KEY = b"provenance\0"

    def provenance(self) -> Provenance | None:
        try:
            data = self.path.read_bytes()
        except _NOT_A_FILE:
            return None
        for chunk in _png_chunks(data):
            if self._is_ours(chunk):
                with contextlib.suppress(ValueError, RecursionError):
                    return _provenance(json.loads(chunk[1][len(self._KEY) :]))
        return None

    def damage(self, provenance: Provenance) -> str | None:
        data = self.path.read_bytes()
        chunks = list(_png_chunks(data))
        plain = _png(chunk for chunk in chunks if not self._is_ours(chunk))
        # The chunks alone do not tell: their checksums and the signature count as well.
        if data != _png(chunks) or _sha256(plain) != provenance.content:
            return f"{self.path.name} was changed after it was published"
        return None

    def publish(self, staging: Path, recipe: dict[str, Any]) -> None:
        chunks = list(_png_chunks(staging.read_bytes()))
        provenance = Provenance(recipe=recipe, content=_sha256(_png(chunks)))
        text = json.dumps(as_json(provenance), sort_keys=True).encode()
        chunks.insert(1, (b"tEXt", self._KEY + text))
        self.fs.write(self.path, _png(chunks))
        self.fs.discard(staging)

    def _is_ours(self, chunk: tuple[bytes, bytes]) -> bool:
        return chunk[0] == b"tEXt" and chunk[1].startswith(self._KEY)


_NOT_A_FILE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
_UNREADABLE = (*_NOT_A_FILE, ValueError, RecursionError)
_LOCAL = LocalFiles()
_BLANK = "the checksum of this file, taken while these words stood here".ljust(64)


def _sealed(provenance: Provenance, document: dict[str, Any] | None = None) -> bytes:
    """The JSON of a provenance, or of a document that holds it, with the checksum of itself."""
    value = as_json(msgspec.structs.replace(provenance, checksum=_BLANK))
    whole = value if document is None else {**document, "provenance": value}
    text = (json.dumps(whole, indent=1, sort_keys=True) + "\n").encode()
    return text.replace(_BLANK.encode(), _sha256(text).encode(), 1)


def _provenance(value: Any, text: bytes = b"") -> Provenance | None:
    """The provenance in a JSON value that stands in a text; None when it is none, or altered."""
    try:
        provenance = msgspec.convert(value, Provenance)
    except msgspec.ValidationError:
        return None
    if provenance.checksum:
        blank = text.replace(provenance.checksum.encode(), _BLANK.encode(), 1)
        if _sha256(blank) != provenance.checksum:
            return None
    return provenance


def _recorded(path: Path, key: str | None = None) -> Provenance | None:
    """The provenance that a JSON file is, or has under a key."""
    try:
        return _provenance_in(path.absolute(), file_system(path).signature(path), key)
    except _UNREADABLE:
        return None


@lru_cache(maxsize=1024)
def _provenance_in(path: Path, signature: tuple[Any, ...], key: str | None) -> Provenance | None:
    text, value = _parse(path, signature)
    if key and isinstance(value, dict):
        value = value.get(key)
    return _provenance(value, text)


def _read_json(path: Path) -> tuple[bytes, dict[str, Any]]:
    """A JSON file and the object in it, empty when there is none."""
    try:
        text, value = _parse(path.absolute(), file_system(path).signature(path))
    except _UNREADABLE:
        return b"", {}
    return text, dict(value) if isinstance(value, dict) else {}


@lru_cache(maxsize=1024)
def _parse(path: Path, signature: tuple[Any, ...]) -> tuple[bytes, Any]:
    text = file_system(path).read(path)
    return text, json.loads(text)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def damage_of(folder: Path, files: Mapping[str, str]) -> str | None:
    """Why files in a folder do not have these digests; None when they do."""
    with contextlib.suppress(OSError):  # what is wrong is found below, by its name
        digests.of_files(folder / name for name in files)
    for name, digest in files.items():
        try:
            if digests.of_file(folder / name) != digest:
                return f"{name} was changed after it was published"
        except IsADirectoryError:
            return f"{name} is a folder"
        except (FileNotFoundError, NotADirectoryError):
            return f"{name} is missing"
    return None


_PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def _png_chunks(data: bytes) -> Any:
    """Yield (kind, body) for each chunk of a PNG file, up to where it is cut off."""
    position = len(_PNG_HEAD)
    with contextlib.suppress(struct.error):
        while position < len(data):
            length, kind = struct.unpack_from(">I4s", data, position)
            yield kind, data[position + 8 : position + 8 + length]
            position += length + 12


def _png(chunks: Any) -> bytes:
    """A PNG file of these chunks."""
    parts = [_PNG_HEAD]
    for kind, body in chunks:
        crc = zlib.crc32(kind + body)
        parts.append(struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", crc))
    return b"".join(parts)
