"""How the errors that users can mend are shown: by their sentence, without the traceback.

These are PipelineError, what Luigi raises for a wrong word on its command line, and what the
system says of a named file that cannot be written: Luigi writes some itself.
"""

from __future__ import annotations

import errno
import io
import logging
import re
import sys
from types import TracebackType

from luigi.parameter import MissingParameterException
from luigi.task_register import TaskClassNotFoundException

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.refusals import refusal

# What the system says of a file that it does not let anybody write, or not this user.
_REFUSALS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
)
# How the error begins in the last line of a traceback that Luigi has already formatted.
_NAME = f"{PipelineError.__module__}.{PipelineError.__qualname__}: "
# How Luigi begins its errors about the parameters of a task, or of a section of luigi.cfg.
_TASK = re.compile(r"(\w+)\[args=")
_MISSING = re.compile(r"requires the '(\w+)' parameter to be set")

_before = sys.excepthook


def in_one_sentence() -> None:
    """Show errors that users are meant to read as one sentence each.

    Most of them go to Luigi's log. What it raises before it logs goes to Python's hook.
    """
    logging.getLogger("luigi-interface").addFilter(_shorten)
    sys.excepthook = _show


def sentence(error: BaseException) -> str | None:
    """What users read of an error; None when only its traceback helps."""
    if isinstance(error, PipelineError):
        return str(error)
    if isinstance(error, OSError) and error.errno in _REFUSALS and (file := _file_of(error)):
        return f"{file}: {error.strerror}"
    if isinstance(error, TaskClassNotFoundException):
        first, *near = str(error).splitlines()
        return f"{first} {', '.join(near)}?" if near else first
    task = _TASK.match(str(error))
    missing = _MISSING.search(str(error))
    if isinstance(error, MissingParameterException) and task and missing:
        return f"{task[1]} needs {_option(missing[1])}"
    refused = refusal(error)
    if refused is None:
        return None
    given = f"[{task[1]}] {refused.name} =" if task else _option(refused.name)
    return f"{given} {refused.text} is not allowed: {refused.allowed}"


def _file_of(error: OSError) -> str | None:
    """The file that an error names, or the innermost that was open where it was raised.

    The system names the file that cannot be opened, not the one that cannot be written to.
    """
    found = str(error.filename) if error.filename else None
    place = None if found else error.__traceback__
    while place is not None:
        for value in place.tb_frame.f_locals.values():
            if isinstance(value, io.IOBase) and isinstance(getattr(value, "name", None), str):
                found = value.name  # type: ignore[attr-defined]
        place = place.tb_next
    return found


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _shorten(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    text = sentence(error) if error else None
    if text:
        failed = (
            f"{record.args[-1]} failed: " if isinstance(record.args, tuple) and record.args else ""
        )
        record.msg, record.args, record.exc_info = f"{failed}{text}", (), None
    elif _NAME in (message := record.getMessage()):
        first_line = message.partition("\n")[0].removesuffix(":")
        record.msg, record.args = f"{first_line}: {message.rpartition(_NAME)[2].strip()}", ()
    return True


def _show(kind: type[BaseException], error: BaseException, place: TracebackType | None) -> None:
    text = sentence(error)
    if text:
        print(f"error: {text}", file=sys.stderr)
    else:
        _before(kind, error, place)
