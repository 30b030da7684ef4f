"""Small projects to torture: their states, the real commands on them, and what must hold."""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.torture.rows import Row

ROOT = Path(__file__).parents[2]
CUSTOMERS = 1200
OUTPUTS = ("datamart", "model_store", "reports")
GROWING = ("datamart/governance/decisions.jsonl", "datamart/governance/retrain_marker.json")
SCRATCH = "scratch"  # what TMPDIR names for every command; nothing may stay there
_MOST_RUNS = 5

Digests = dict[str, str]


class Change(NamedTuple):
    """What makes a finished project stale: settings replaced, outputs removed, a run before it."""

    edits: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()
    shortened: str = ""
    first_day: str = ""


# By what has to run again: every stage and every way of publishing is reached.
CHANGES = {
    "a candidate": Change(edits=(("max_depth: 10", "max_depth: 9"),)),
    "a retraining": Change(edits=(("min_auc: 0.70", "min_auc: 0.99"),)),
    "everything": Change(removed=OUTPUTS),
    "the next day": Change(first_day="2025-10-01"),
    "the quality check": Change(edits=(("min_age: 18", "min_age: 21"),)),
    "a delivery": Change(shortened="data/features_financials.csv"),
    "the monitoring": Change(edits=(("floor: 0.0001", "floor: 0.001"),)),
}


class Project:
    """A folder with extracts, settings and outputs; the package is that of this clone."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> Project:
        path.mkdir(parents=True)
        for name in ("params.yaml", "luigi.cfg"):
            shutil.copy(ROOT / name, path)
        project = cls(path)
        # Of parts there is more to lose than of whole datasets.
        project.change(Change(edits=(("by_month_from_mb: 1000", "by_month_from_mb: 0"),)))
        project.done("sample-data", "--out", "data", "--customers", str(CUSTOMERS))
        return project

    def copy(self, path: Path) -> Project:
        """The same elsewhere, in place of what is there."""
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(self.path, path)
        return Project(path)

    def change(self, change: Change) -> None:
        """Make a finished project stale."""
        for old, new in change.edits:
            file = self.path / "params.yaml"
            text = file.read_text()
            if old not in text:
                sys.exit(f"params.yaml has no {old} to change")
            file.write_text(text.replace(old, new))
        for name in change.removed:
            shutil.rmtree(self.path / name)
        if change.shortened:
            file = self.path / change.shortened
            file.write_text("".join(file.read_text().splitlines(keepends=True)[:-50]))

    def start(self, words: list[str]) -> subprocess.Popen[str]:
        """A command in a process group of its own."""
        scratch = self.path / SCRATCH
        scratch.mkdir(exist_ok=True)
        return subprocess.Popen(
            words,
            cwd=self.path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(scratch)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, words: list[str]) -> Ended:
        """A command, to its end."""
        return ended(self.start(words))

    def done(self, *words: str) -> Ended:
        """`python -m luigi_tasks …`, which must succeed."""
        found = self.run(command(*words))
        if found.code:
            raise BrokenError(f"{' '.join(words)} gave {found.code}: {found.last()}")
        return found

    def settle(self) -> list[Digests]:
        """Plain runs until one changes nothing: the outputs after each. Raises BrokenError."""
        states: list[Digests] = []
        while len(states) < 2 or states[-1] != states[-2]:
            if len(states) == _MOST_RUNS:
                raise BrokenError(f"{_MOST_RUNS} plain runs, and each changed the outputs")
            found = self.run(luigi("Pipeline"))
            if found.code:
                raise BrokenError(f"a plain run gave {found.code}: {found.last()}")
            states.append(self.digests())
        return states

    def digests(self) -> Digests:
        """{path: SHA-256} of every output, without what is being written."""
        found = {}
        for folder in OUTPUTS:
            for place, folders, names in os.walk(self.path / folder):
                folders[:] = [name for name in folders if not name.startswith(".")]
                for name in names:
                    if not name.startswith("."):
                        path = Path(place, name)
                        digest = hashlib.sha256(path.read_bytes()).hexdigest()
                        found[path.relative_to(self.path).as_posix()] = digest
        return found

    def leftovers(self) -> list[str]:
        """Files and folders that a run should have removed."""
        hidden = [
            Path(place, name).relative_to(self.path).as_posix()
            for folder in (*OUTPUTS, ".cache")
            for place, folders, names in os.walk(self.path / folder)
            for name in (*folders, *names)
            if name.startswith(".")
        ]
        empty = [
            Path(place).relative_to(self.path).as_posix()
            for folder in OUTPUTS
            for place, folders, names in os.walk(self.path / folder)
            if not folders and not names
        ]
        locks = [
            path.name
            for path in (self.path / ".cache").iterdir()
            if path.name not in ("digests", "publishing.lock") and path.suffix != ".pid"
        ]
        scratch = [f"{SCRATCH}/{path.name}" for path in (self.path / SCRATCH).iterdir()]
        return hidden + empty + locks + scratch


class BrokenError(Exception):
    """What must hold does not."""


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    errors: str

    def last(self) -> str:
        """The last line that it said."""
        return ([line for line in self.errors.splitlines() if line.strip()] or [""])[-1][:300]

    def sentences(self) -> set[str]:
        """What it failed with: a sentence, in a run one for every stage that failed.

        Raises BrokenError when there is none, or a traceback.
        """
        if "Traceback" in self.errors:
            lines = [line for line in self.errors.splitlines() if re.match(r"\w*(Error|Exc)", line)]
            raise BrokenError(f"a traceback: {(lines or [self.last()])[-1]}")
        said = {
            found[1]
            for line in self.errors.splitlines()
            if (found := re.search(r"(?:^error|  FAILED): (.+)", line))
        }
        if not said:
            raise BrokenError(f"not a sentence: {self.last()}")
        return said


def ended(run: subprocess.Popen[str]) -> Ended:
    """Wait for a command."""
    out, errors = run.communicate()
    return Ended(run.returncode, out, errors)


def luigi(*words: str) -> list[str]:
    """`luigi --module luigi_tasks …` on a local scheduler."""
    return [sys.executable, "-m", "luigi", "--module", "luigi_tasks", *words, "--local-scheduler"]


def command(*words: str) -> list[str]:
    """`python -m luigi_tasks …`"""
    return [sys.executable, "-m", "luigi_tasks", *words]


class State(NamedTuple):
    """A stale project, and what an undisturbed run makes of it."""

    start: Project
    allowed: dict[str, set[str]]
    """{path: digests that it may have while runs go on}: old or new."""
    end: Digests
    seconds: float
    moments: list[str]
    """Every change to files that the undisturbed run made."""


def prepare(folder: Path, names: Iterable[str]) -> dict[str, State]:
    """States by the name of their change, below a folder."""
    finished = Project.create(folder / "extracts").copy(folder / "finished")
    found = {}
    for name in ("", *names):
        change = CHANGES[name] if name else Change(removed=())
        start = Project(folder / "finished") if not name else None
        if start is None:
            source = folder / ("extracts" if change.first_day else "finished")
            start = Project(source).copy(folder / f"start {name}")
            if change.first_day:
                first = start.run(luigi("Pipeline", "--as-of", change.first_day))
                if first.code:
                    raise BrokenError(f"{change.first_day}: {first.last()}")
            start.change(change)
        if not name:
            finished.settle()
            continue
        found[name] = _undisturbed(start, folder / "undisturbed")
    return found


def _undisturbed(start: Project, folder: Path) -> State:
    moments = folder.with_name("moments")
    moments.unlink(missing_ok=True)
    project = start.copy(folder)
    before = project.digests()
    begun = time.monotonic()
    counted = project.run(killed_at(0, moments, "Pipeline"))
    if counted.code:
        raise BrokenError(f"the undisturbed run gave {counted.code}: {counted.last()}")
    seconds = time.monotonic() - begun
    states = [before, project.digests(), *project.settle()]
    allowed: dict[str, set[str]] = {}
    for state in states:
        for path, digest in state.items():
            allowed.setdefault(path, set()).add(digest)
    return State(start, allowed, states[-1], seconds, moments.read_text().splitlines())


def killed_at(number: int, moments: Path, *words: str) -> list[str]:
    """A run of luigi that kills itself before its n-th change; 0: it lives and writes them all."""
    script = str(Path(__file__).with_name("killed_at.py"))
    words = ("--module", "luigi_tasks", *words, "--local-scheduler")
    return [sys.executable, script, str(number), str(moments), *words]


def check_readers(project: Project, allowed: dict[str, set[str]]) -> None:
    """Raise BrokenError unless readers see old or new files, and no mixture of them.

    Trail and marker grow by many lines in a run: they are what `audit` finds right.
    """
    for path, digest in project.digests().items():
        if path not in GROWING and digest not in allowed.get(path, set()):
            raise BrokenError(f"{path} is neither the old nor the new file")
    problems = in_child(project, _problems)
    if problems:
        raise BrokenError(problems[0])


def _problems() -> list[str]:
    """What `verify`, `status` and the readers of models would complain of, in the folder."""
    from luigi_tasks.commands import audit, status, verify
    from luigi_tasks.core import digests, locks
    from luigi_tasks.generations import registry
    from luigi_tasks.models import names, store
    from luigi_tasks.pipeline import Pipeline

    digests.forget()
    with locks.publishing():
        targets = [target for target in verify.all_targets() if target.path.exists()]
        found = [f"{target}: {why}" for target in targets if (why := verify.damage_of(target))]
    found += [
        f"status: {row['output']}: {row['reason']}"
        for row in status.status_of(Pipeline())
        if "changed after" in str(row["reason"]) or "relied on" in str(row["reason"])
    ]
    trail, faults = audit.examined()
    found += faults
    decided = [entry.evidence for entry in trail if entry.action in ("keep", "retrain")]
    if len(set(decided)) != len(decided):
        found.append("one decision was taken twice")
    if found:
        return found
    for generation in registry.generations():
        if names.metadata_path(generation).exists():
            store.load_model(generation)
            store.load_encoders(generation)
    return found


def check_end(project: Project, end: Digests | list[Digests]) -> None:
    """Raise BrokenError unless plain runs end in these bytes, and leave nothing lying around."""
    found = project.settle()[-1]
    ends = end if isinstance(end, list) else [end]
    if found not in ends:
        other = ends[0]
        paths = (
            [path for path in sorted(found.keys() | other.keys()) if found.get(path) != other[path]]
            if found.keys() <= other.keys()
            else sorted(found.keys() - other.keys())
        )
        raise BrokenError(f"other bytes than undisturbed: {', '.join(paths[:4])}")
    left = project.leftovers()
    if left:
        raise BrokenError(f"left lying: {', '.join(left[:4])}")


def in_lanes(lanes: int, work: Callable[..., Row], jobs: list[tuple[Any, ...]]) -> list[Row]:
    """The rows of jobs, so many at a time."""
    with ProcessPoolExecutor(lanes) as pool:
        return [future.result() for future in [pool.submit(work, *job) for job in jobs]]


def in_child(project: Project, work: Callable[[], Any]) -> Any:
    """The result of a function in the project's folder, in a process that knows nothing yet."""
    here, there = _FORK.Pipe(duplex=False)
    child = _FORK.Process(target=_answer, args=(project.path, work, there))
    child.start()
    there.close()
    try:
        found, error = here.recv()
    except EOFError:
        raise BrokenError("the check itself died") from None
    finally:
        child.join()
    if error:
        raise BrokenError(error)
    return found


_FORK = multiprocessing.get_context("fork")


def _answer(folder: Path, work: Callable[[], Any], pipe: Any) -> None:
    os.chdir(folder)
    try:
        pipe.send((work(), None))
    except Exception as error:
        pipe.send((None, f"{type(error).__name__}: {error}"))


def kill_group(run: subprocess.Popen[str]) -> None:
    """SIGKILL for a command and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)


def chance(*seed: object) -> random.Random:
    """Numbers that are the same in every torture."""
    return random.Random("/".join(map(str, seed)))
