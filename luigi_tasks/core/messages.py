"""How Luigi's log shows a PipelineError: by its sentence, without the traceback."""

from __future__ import annotations

import logging

from luigi_tasks.core.errors import PipelineError

# How the error begins in the last line of a traceback that Luigi has already formatted.
_NAME = f"{PipelineError.__module__}.{PipelineError.__qualname__}: "


def in_one_sentence() -> None:
    """Have Luigi log errors that users are meant to read as one sentence each."""
    logging.getLogger("luigi-interface").addFilter(_shorten)


def _shorten(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, PipelineError):
        failed = (
            f"{record.args[-1]} failed: " if isinstance(record.args, tuple) and record.args else ""
        )
        record.msg, record.args, record.exc_info = f"{failed}{error}", (), None
    elif _NAME in (message := record.getMessage()):
        first_line = message.partition("\n")[0].removesuffix(":")
        record.msg, record.args = f"{first_line}: {message.rpartition(_NAME)[2].strip()}", ()
    return True
