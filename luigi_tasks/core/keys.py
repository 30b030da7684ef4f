"""Secret keys: from the environment or from a file that it names, never from the settings."""

from __future__ import annotations

import os
from pathlib import Path

from luigi_tasks.core.errors import PipelineError

SHORTEST = 32
"""Bytes that a key has at least: as many as SHA-256 gives."""


def read(variable: str, what: str) -> bytes | None:
    """The key of a variable, or of the file named in `variable`_FILE, without white space around.

    None when neither is set. Raises PipelineError, which calls the key `what`, when both are, when
    the file cannot be read or when the key is too short: a variable that is set but empty is a
    mistake. No message holds a value, not even the name of the file: the key may stand there.
    """
    in_file = f"{variable}_FILE"
    text, file = os.environ.get(variable), os.environ.get(in_file)
    if text is not None and file is not None:
        raise PipelineError(f"{variable} and {in_file} are both set; set one of them")
    if file is not None:
        source = in_file
        try:
            found = Path(file).read_bytes().strip()
        except OSError as error:
            raise PipelineError(f"{in_file}: its file cannot be read: {error.strerror}") from None
    elif text is not None:
        source, found = variable, os.fsencode(text).strip()
    else:
        return None
    if len(found) < SHORTEST:
        raise PipelineError(
            f"{source}: the {what} has {len(found)} bytes, it needs at least {SHORTEST}; "
            "`openssl rand -hex 32` makes one"
        )
    return found
