"""Where Luigi's log goes: with time stamps to logs/luigi.log, and in short to the terminal.

On the terminal stand the lines that are meant for it (`tell`), and what is a warning or worse.
`--verbose`, or `verbose = true` in section [run] of luigi.cfg, brings the whole log there too.
Whoever configures Luigi's logging otherwise ([core] logging_conf_file, no_configure_logging) has
all of it as configured.
"""

from __future__ import annotations

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import luigi
from luigi.setup_logging import InterfaceLogging

from luigi_tasks.core import progress

LOG = Path("logs") / "luigi.log"
# A run that finds more than this begins a new file; as many old ones are kept.
_MOST_BYTES, _KEPT = 5_000_000, 4

log = logging.getLogger("luigi-interface")


class run(luigi.Config):  # noqa: N801 (the class name is the section of luigi.cfg)
    """How a run talks. Section [run] of luigi.cfg."""

    use_cmdline_section = False
    verbose = luigi.BoolParameter(
        default=False, description="show Luigi's log on the terminal too", always_in_help=True
    )


def install() -> None:
    """Let Luigi set up its log like this, unless it is told to do it otherwise."""
    InterfaceLogging._default = classmethod(_set_up)  # type: ignore[method-assign, assignment]


def tell(text: str, shown: str | None = None, level: int = logging.INFO) -> None:
    """Log a line, or several, that people read; on the terminal perhaps in a shorter form."""
    log.log(level, text, extra={"shown": text if shown is None else shown})


def _set_up(_: type[InterfaceLogging], options: Any) -> bool:
    level = getattr(logging, options.log_level, logging.DEBUG)
    log.setLevel(level)
    log.addHandler(_Terminal(level, is_verbose=run().verbose))
    try:
        LOG.parent.mkdir(exist_ok=True)
        file = _File(LOG, backupCount=_KEPT, encoding="utf-8")
        if LOG.stat().st_size > _MOST_BYTES:
            file.doRollover()
    except OSError as error:
        log.warning("%s: cannot be written: %s", LOG, error.strerror)
    else:
        file.setFormatter(logging.Formatter("%(asctime)s [%(process)d] %(levelname)s %(message)s"))
        log.addHandler(file)
    return True


class _File(RotatingFileHandler):
    """All of it, with what was left out for people to read. Processes of a run share the file."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(getattr(record, "in_full", record))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (its name in logging)
        """Say once that the file takes no more, and do without."""
        log.removeHandler(self)
        log.warning("%s: cannot be written: %s", LOG, sys.exc_info()[1])


class _Terminal(logging.Handler):
    """What people read while a run goes on."""

    def __init__(self, level: int, *, is_verbose: bool) -> None:
        super().__init__(level)
        self._is_verbose = is_verbose

    def filter(self, record: logging.LogRecord) -> bool:
        # Who tells of the stages tells of those that failed as well.
        is_told_otherwise = record.funcName == "_handle_run_exception"
        is_shown = self._is_verbose or record.levelno >= logging.WARNING
        return hasattr(record, "shown") or (is_shown and not is_told_otherwise)

    def emit(self, record: logging.LogRecord) -> None:
        text = getattr(record, "shown", None)
        if text is True:  # as it stands
            text = record.getMessage()
        if text is None and getattr(record, "sentence", None):
            text = f"error: {record.sentence}"  # type: ignore[attr-defined]
        if text is None:
            text = f"{record.levelname}: {self.format(record)}"
        try:
            progress.make_way()
            # In one piece: the processes of a run write to the same terminal.
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()
        except OSError:  # nobody is there to read it any more
            pass
