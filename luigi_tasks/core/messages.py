"""How the errors that users can mend are shown: by their sentence, without the traceback.

These are PipelineError, what Luigi raises for a wrong word on its command line, for a luigi.cfg
that it cannot read or for a damaged lock, and what the system says of a named file that cannot be
written: Luigi writes some itself.

Luigi reads luigi.cfg when it is imported. This module is there before, and imports nothing of it
at its top.
"""

from __future__ import annotations

import configparser
import copy
import errno
import io
import logging
import re
import sys
from collections.abc import Iterator
from types import FrameType, TracebackType

from luigi_tasks.core.errors import PipelineError

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
    found = _of_luigi_cfg(error) or _of_lock(error)
    return found or _of_command_line(error)


def _of_command_line(error: BaseException) -> str | None:
    """Which task, or which text for a parameter, Luigi did not take."""
    from luigi.parameter import MissingParameterException
    from luigi.task_register import TaskClassNotFoundException

    from luigi_tasks.core.refusals import refusal

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
    if error.filename:
        return str(error.filename)
    found = None
    for frame in _frames(error):
        for value in frame.f_locals.values():
            if isinstance(value, io.IOBase) and isinstance(getattr(value, "name", None), str):
                found = value.name  # type: ignore[attr-defined]
    return found


def _of_luigi_cfg(error: BaseException | None) -> str | None:
    """What the parser of luigi.cfg did not take: all of a file, or the value of a setting."""
    while isinstance(error, configparser.Error | ValueError):
        file = setting = None
        for frame in _frames(error):
            if frame.f_code.co_filename == configparser.__file__:
                variables = frame.f_locals
                if "filename" in variables:
                    file = variables["filename"]
                if {"section", "option"} <= variables.keys():
                    setting = f"luigi.cfg: [{variables['section']}] {variables['option']}"
        if file and isinstance(error, UnicodeDecodeError):
            return f"{file} is not {error.encoding.upper()} text"
        if file or setting:
            return f"{file or setting}: {' '.join(str(error).split())[:300]}"
        error = error.__cause__ or error.__context__
    return None


def _of_lock(error: BaseException) -> str | None:
    """The file by which Luigi knows that the same command runs, when it cannot be read."""
    for frame in _frames(error):
        if frame.f_code.co_name == "acquire_for" and "pid_file" in frame.f_locals:
            why = getattr(error, "strerror", None) or "it does not hold numbers of processes"
            return (
                f"{frame.f_locals['pid_file']} cannot be read as Luigi's lock ({why}); remove it "
                "when the same command is not running"
            )
    return None


def _frames(error: BaseException) -> Iterator[FrameType]:
    """Where an error went through, from the outermost to where it was raised."""
    place = error.__traceback__
    while place is not None:
        yield place.tb_frame
        place = place.tb_next


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _shorten(record: logging.LogRecord) -> bool:
    """Leave the traceback out; `sentence` has what is left, `in_full` what there was."""
    error = record.exc_info[1] if record.exc_info else None
    text, before = sentence(error) if error else None, copy.copy(record)
    if text:
        failed = (
            f"{record.args[-1]} failed: " if isinstance(record.args, tuple) and record.args else ""
        )
        record.msg, record.args, record.exc_info = f"{failed}{text}", (), None
    elif _NAME in (message := record.getMessage()):
        first_line = message.partition("\n")[0].removesuffix(":")
        text = message.rpartition(_NAME)[2].strip()
        record.msg, record.args = f"{first_line}: {text}", ()
    if text:
        record.in_full, record.sentence = before, text
    return True


def _show(kind: type[BaseException], error: BaseException, place: TracebackType | None) -> None:
    text = sentence(error)
    if text:
        print(f"error: {text}", file=sys.stderr)
    elif kind is not KeyboardInterrupt:  # who has pressed Ctrl-C knows where it was
        _before(kind, error, place)
