"""Full disks and read-only mounts, on file systems that end with this process."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.torture import projects
from benchmarks.torture.projects import BrokenError, Project, State
from benchmarks.torture.rows import Row

_SIZE = 96 << 20
_REASONS = (errno.ENOSPC, errno.EFBIG)
# Bytes that are left when a run begins; the last of them should be enough.
LEFT = {
    "everything": [0, 8, 40, 150, 400, 800, 1300, 2000, 2800, 3600],
    "a delivery": [0, 8, 60, 200, 500, 1000],
    "the quality check": [0, 12, 100, 300, 700, 1500],
    "a candidate": [0, 8, 100, 500, 900, 1300],
    "a retraining": [0, 4, 16, 100, 700, 1600],
    "the next day": [0, 4, 60, 300, 1000, 3000],
}


def can_mount() -> bool:
    """Whether this process may mount; `in_own_namespace` helps a user to it."""
    return "TORTURE_MOUNTS" in os.environ


def in_own_namespace() -> None:
    """Start this process anew where it may mount, if the system lets it; all mounts end with it."""
    if can_mount() or "TORTURE_NO_MOUNTS" in os.environ:
        return
    who = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    unshare = ["unshare", *who, "--mount", "--propagation", "private"]
    try:
        tried = subprocess.run(
            [*unshare, "sh", "-c", "mount -t tmpfs tmpfs /mnt"], capture_output=True, check=False
        )
        works = tried.returncode == 0
    except FileNotFoundError:
        works = False
    os.environ["TORTURE_MOUNTS" if works else "TORTURE_NO_MOUNTS"] = "1"
    if works:
        words = [sys.executable, "-m", "benchmarks.torture", *sys.argv[1:]]
        os.execvp("unshare", [*unshare, *words])


@contextlib.contextmanager
def mounted(place: Path, *options: str) -> Iterator[None]:
    """A file system at a place within the block."""
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", *options, place], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def fill_disks(states: dict[str, State], folder: Path, lanes: int) -> list[Row]:
    """Runs on a disk that is almost full, from every state, with more and more space left."""
    work = _on_small_disk if can_mount() else _limited
    jobs = [(name, states[name], folder / f"small {name}") for name in LEFT if name in states]
    return projects.in_lanes(lanes, work, jobs)


def _on_small_disk(name: str, state: State, small: Path) -> Row:
    row = Row("disk", f"while it makes {name} anew")
    named: list[set[str]] = []
    with mounted(small, "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs"):
        for left in LEFT[name]:
            try:
                named.append(_run_on_full_disk(state, small, left << 10))
                row.count(None)
            except BrokenError as error:
                row.count(f"{left} KiB left: {error}")
    paths = set().union(*named)
    row.note = f"{len(paths)} paths named; {named.count(set())} times there was enough"
    return row


def _run_on_full_disk(state: State, small: Path, left: int) -> set[str]:
    """The paths that the run could not write; none when there was enough."""
    project = state.start.copy(small / "project")
    (project.path / projects.SCRATCH).mkdir(exist_ok=True)
    ballast = small / "ballast"
    ballast.write_bytes(bytes(4096))
    os.posix_fallocate(
        (handle := os.open(ballast, os.O_WRONLY)), 0, shutil.disk_usage(small).free + 4096 - left
    )
    os.close(handle)
    try:
        found = project.run(projects.luigi("Pipeline"))
        paths = _refused_at(found)
        projects.check_readers(project, state.allowed)
        gone = state.start.digests().keys() - project.digests().keys()
        if gone:
            raise BrokenError(f"an old output is gone: {min(gone)}")
    finally:
        ballast.unlink()
    projects.check_end(project, state.end)
    return paths


def _path_in(sentence: str) -> str:
    """The path that a sentence names; BrokenError when it names none."""
    places = (*projects.OUTPUTS, "data", ".cache", "logs", projects.SCRATCH)
    for word in sentence.split():
        if any(f"{place}/" in f"{word.rstrip(':,')}/" for place in places):
            return word.rstrip(":,")
    raise BrokenError(f"a sentence that names no path: {sentence}")


def _refused_at(found: projects.Ended) -> set[str]:
    """The paths that a run could not write; BrokenError when a sentence says no path or reason."""
    sentences = found.sentences() if found.code else set()
    for sentence in sentences:
        if not any(os.strerror(reason) in sentence for reason in _REASONS):
            raise BrokenError(f"a sentence without the reason: {sentence}")
    return {_path_in(sentence) for sentence in sentences}


def _limited(name: str, state: State, folder: Path) -> Row:
    """The same with a limit for the size of one file, where nothing can be mounted."""
    row = Row("disk", f"while it makes {name} anew", note="no mount here: RLIMIT_FSIZE instead")
    for limit in (0, 2 << 10, 10 << 10, 50 << 10, 200 << 10):
        project = state.start.copy(folder)
        try:
            before = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
            try:
                run = project.start(projects.luigi("Pipeline"))
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
            found = projects.ended(run)
            _refused_at(found)
            projects.check_readers(project, state.allowed)
            projects.check_end(project, state.end)
            row.count(None)
        except BrokenError as error:
            row.count(f"{limit} bytes a file: {error}")
    return row


def read_only(states: dict[str, State], folder: Path) -> list[Row]:
    """Every command on a read-only mount of a finished and of a stale project."""
    row = Row("readonly", "commands on a read-only mount")
    if not can_mount():
        row.note = "SKIPPED: nothing can be mounted here"
        return [row]
    finished = Project(folder / "finished")
    commands = [
        projects.command("status"),
        projects.command("status", "--json"),
        projects.command("summary"),
        projects.command("verify"),
        projects.command("verify", "--repair"),
        projects.command("sample-data", "--out", "data", "--force"),
        projects.luigi("Pipeline"),
        projects.luigi("Pipeline", "--workers", "2"),
        projects.luigi("Governance", "--as-of", "2025-09-01"),
    ]
    for start in (finished, *(state.start for state in states.values())):
        writable = start.copy(folder / "writable")
        (writable.path / projects.SCRATCH).mkdir(exist_ok=True)
        expected = writable.run(projects.command("status")).out
        before = _every_file(writable.path)
        place = folder / "read only"
        with mounted(place, "--bind", str(writable.path)):
            subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
            for words in commands:
                row.count(_on_read_only(Project(place), words, expected))
        if _every_file(writable.path) != before:
            row.count("a file was changed through a read-only mount")
    row.note = f"{len(states) + 1} projects, {len(commands)} commands each"
    return [row]


def _on_read_only(project: Project, words: list[str], expected: str) -> str | None:
    what = " ".join(words[3:])
    found = project.run(words)
    try:
        if what == "status" and (found.code or found.out != expected):
            return f"{what}: gave {found.code}: {found.last()}"
        for sentence in found.sentences() if found.code else ():
            _path_in(sentence)
    except BrokenError as error:
        return f"{what}: {error}"
    return None


def _every_file(folder: Path) -> projects.Digests:
    return {str(path): str(path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}
