"""A place of its own in which the pipeline runs: nothing in it is seen from outside, or outside
from in it.

It has the settings of a policy, the extracts by a link, and outputs of its own. What others have
made already is copied into it with its provenance, so that it is fresh there, or made again.
"""

from __future__ import annotations

import configparser
import contextlib
import datetime as dt
import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from luigi.configuration import get_config
from luigi.interface import core

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import is_shared
from luigi_tasks.core.settings import PARAMS_FILE
from luigi_tasks.core.storage import in_data
from luigi_tasks.core.targets import Document
from luigi_tasks.core.temporary import is_abandoned
from luigi_tasks.replay.lived import FILE

log = logging.getLogger("luigi-interface")

OUTPUTS = ("datamart", "model_store", "reports")
_LOG = "run.log"
# How a sentence on what went wrong begins.
_FAULT = re.compile(r"(?:^error|  FAILED): (.+)$", re.MULTILINE)


class Workspace:
    """A folder that holds a project of its own."""

    def __init__(self, folder: Path, settings: Path, lock: int) -> None:
        """`settings` is a file that is copied in; what runs here holds a lock by its descriptor."""
        self.folder, self.settings, self.lock = folder, settings, lock

    def prepare(self, copied: Iterable[tuple[Path, str]]) -> None:
        """Make the folder, unless it is there, with copies of outputs: path, and place in it."""
        if not self.folder.exists():
            self.folder.mkdir(parents=True)
            for path, place in copied:
                _copy(path, self.folder / place)
        for name in OUTPUTS:
            (self.folder / name).mkdir(exist_ok=True)
        shutil.copyfile(self.settings, self.folder / PARAMS_FILE)
        data = self.folder / "data"
        if data.is_symlink():  # as of a project that has been moved since
            data.unlink()
        elif data.exists():
            shutil.rmtree(data)
        data.symlink_to(in_data().absolute(), target_is_directory=True)
        with (self.folder / "luigi.cfg").open("w", encoding="utf-8") as file:
            _machine_settings().write(file)

    def outputs(self) -> list[tuple[Path, str]]:
        """What another place can be prepared with."""
        return [(self.folder / name, name) for name in OUTPUTS]

    def run(self, task: str, day: dt.date, module: str = "luigi_tasks") -> None:
        """Run a task as of a day in a process of its own.

        Raises PipelineError with the sentence in which it failed.
        """
        words = ["--module", module, task, "--as-of", day.isoformat(), "--local-scheduler"]
        done = subprocess.run(
            [sys.executable, "-m", "luigi", *words, "--workers", str(core().workers)],
            cwd=self.folder,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            pass_fds=(self.lock,),  # it may outlive a run that is killed
        )
        with (self.folder / _LOG).open("a", encoding="utf-8") as file:
            file.write(done.stdout)
        if done.returncode:
            found = _FAULT.search(done.stdout)
            why = found[1] if found else f"{task} failed with code {done.returncode}"
            raise PipelineError(f"replay with {self.settings}: {why} ({self.folder / _LOG})")

    def lived(self, day: dt.date) -> dict[str, Any]:
        """The document of LivedMonths, which has run as of a day."""
        reports = self.folder / "reports"
        for path in (reports / FILE, reports / f"as_of={day}" / FILE):
            provenance = Document(path).provenance()
            if provenance and provenance.recipe["arguments"]["as_of"] == day.isoformat():
                document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
                return document
        raise PipelineError(f"{reports}: {FILE} as of {day} is missing")


def _copy(path: Path, place: Path) -> None:
    """Copy a file or folder as far as it is there: what is torn has no provenance that fits."""
    if is_shared(path):
        return
    with contextlib.suppress(OSError, shutil.Error):
        if path.is_dir():
            shutil.copytree(path, place, dirs_exist_ok=True, ignore=_temporary)
        elif path.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place)


def _temporary(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name.endswith(".tmp") or is_abandoned(name)]


def _machine_settings() -> configparser.RawConfigParser:
    """Those of this run, but for where the files lie."""
    ours, theirs = get_config(), configparser.RawConfigParser()
    for section in ours.sections():
        if section != "storage":
            theirs.add_section(section)
            for key in ours.options(section):
                theirs.set(section, key, ours.get(section, key, raw=True))
    theirs.read_dict({"storage": {name: name for name in ("data", *OUTPUTS)}})
    return theirs


def _environment() -> dict[str, str]:
    """That of this run, with paths that hold in another folder."""
    found = dict(os.environ)
    found.pop("LUIGI_CONFIG_PATH", None)
    for name in found:
        if name.startswith("LOAN_PIPELINE_") and name.endswith("_FILE"):
            found[name] = str(Path(found[name]).absolute())
    found["PYTHONPATH"] = os.pathsep.join(str(Path(place).absolute()) for place in sys.path)
    return found
