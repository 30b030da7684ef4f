"""Signatures: HMAC-SHA256 with a key that the files' storage does not hold.

Beside FILE lies FILE.sig, and nothing in FILE depends on it. Without a key nothing is signed and
nothing is checked.
"""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

from luigi_tasks.core import keys
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import file_system

KEY = "LOAN_PIPELINE_SIGNING_KEY"
KEY_FILE = f"{KEY}_FILE"


def key() -> bytes | None:
    """The key to sign with, None without one; raises PipelineError as `keys.read`."""
    return keys.read(KEY, "signing key")


def sign(name: str, data: bytes) -> str | None:
    """The signature of a file's name and bytes, in hex; None without a key.

    The name is part of it: one generation's file cannot stand for another's.
    """
    secret = key()
    if secret is None:
        return None
    return hmac.new(secret, name.encode() + b"\0" + data, hashlib.sha256).hexdigest()


def signature_path(path: Path) -> Path:
    """FILE.sig beside FILE."""
    return path.with_name(f"{path.name}.sig")


def check(path: Path, data: bytes) -> None:
    """Raise PipelineError when there is a key and these bytes of a file are not signed with it."""
    wanted = sign(path.name, data)
    if wanted is None:
        return
    place = signature_path(path)
    try:
        found = file_system(place).read(place).strip()
    except FileNotFoundError:
        raise PipelineError(
            f"{path}: refused, it is not signed: {place.name} is missing (docs/security.md)"
        ) from None
    if not hmac.compare_digest(found, wanted.encode()):
        raise PipelineError(
            f"{path}: refused, {place.name} is not its signature with the key in use "
            "(docs/security.md)"
        )


def read(path: Path) -> bytes:
    """A small file as a whole, checked.

    Raises FileNotFoundError, and PipelineError as `check` or when it cannot be read.
    """
    try:
        data = file_system(path).read(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise PipelineError(f"{path}: cannot be read: {error.strerror or error}") from error
    check(path, data)
    return data


def write(path: Path, data: bytes) -> None:
    """Replace a small file, and sign it when there is a key."""
    file_system(path).write(path, data)
    _write_signature(path, data)


def sign_file(path: Path) -> None:
    """Sign a file as it lies there, when there is a key."""
    if key() is not None:
        _write_signature(path, file_system(path).read(path))


def _write_signature(path: Path, data: bytes) -> None:
    signature = sign(path.name, data)
    if signature is not None:
        place = signature_path(path)
        file_system(place).write(place, f"{signature}\n".encode())
