"""A whole project in a temporary directory, and the real commands on it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
OUTPUTS = ("datamart", "model_store", "reports")
_LEFT_BY_A_SESSION = ("SPARK_CONNECT_MODE_ENABLED", "SPARK_REMOTE")


def inherited() -> dict[str, str]:
    """The environment of the tests, without what a session of their own process has put there."""
    return {name: value for name, value in os.environ.items() if name not in _LEFT_BY_A_SESSION}


class Project:
    """A copy of the package and its settings with extracts of its own; commands run inside."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, *, customers: int = 1200, drift: str = "") -> Project:
        """A project with generated extracts that has not run yet."""
        path.mkdir(parents=True)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "luigi_tasks", path / "luigi_tasks", ignore=ignored)
        for name in ("params.yaml", "luigi.cfg"):
            shutil.copy(ROOT / name, path / name)
        project = cls(path)
        options = ["--customers", str(customers), *drift.split()]
        project.command("sample-data", "--out", "data", *options).check_returncode()
        return project

    def copy(self, path: Path) -> Project:
        """The same project elsewhere, with its outputs and modification times.

        Not with the files that another process is just about to rename: they may be gone.
        """
        shutil.copytree(self.path, path, ignore=_being_written)
        return Project(path)

    @property
    def environment(self) -> dict[str, str]:
        here = {"PYTHONPATH": str(self.path), "PATH": f"{BIN}:{os.environ['PATH']}"}
        return {**inherited(), **here}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command in the project's directory."""
        return subprocess.run(
            words, cwd=self.path, env=self.environment, capture_output=True, text=True, check=False
        )

    def luigi(self, task: str, *options: str) -> subprocess.CompletedProcess[str]:
        """`luigi --module luigi_tasks <task>` with a local scheduler."""
        return self.run(
            str(BIN / "luigi"), "--module", "luigi_tasks", task, "--local-scheduler", *options
        )

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`python -m luigi_tasks …`"""
        return self.run(sys.executable, "-m", "luigi_tasks", *words)

    def built_by(self, task: str, *options: str) -> list[str]:
        """The tasks that a successful luigi run builds, in order."""
        before = len(self.history())
        done = self.luigi(task, *options)
        assert done.returncode == 0, done.stderr[-3000:]
        return self.history()[before:]

    def history(self) -> list[str]:
        """The tasks that have published their outputs, in order."""
        path = self.path / "logs" / "task_history.jsonl"
        if not path.exists():
            return []
        lines = map(json.loads, path.read_text().splitlines())
        return [line["task"] for line in lines if line["outcome"] == "built"]

    def stale(self, *options: str) -> dict[str, str]:
        """{task: reason} of all that `status` calls stale."""
        done = self.command("status", "--json", *options)
        assert done.returncode == 0, done.stderr
        return {row["task"]: row["reason"] for row in json.loads(done.stdout) if not row["fresh"]}

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that occurs in a file of the project."""
        path = self.path / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new))

    def digests(self, *folders: str) -> dict[str, str]:
        """{path: SHA-256} of every file below the folders (default: all outputs)."""
        return {
            path.relative_to(self.path).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for folder in folders or OUTPUTS
            for path in sorted((self.path / folder).rglob("*"))
            if path.is_file()
        }


@contextmanager
def luigid(folder: Path) -> Iterator[str]:
    """A central scheduler of its own on this machine; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    server = subprocess.Popen(
        [str(BIN / "luigid"), "--address", "127.0.0.1", "--port", port],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(url).close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise TimeoutError(url)
        yield url
    finally:
        server.terminate()
        server.wait()


def tasks_on(url: str, status: str) -> list[dict[str, Any]]:
    """The tasks of a status, as a central scheduler shows them."""
    query = urllib.parse.urlencode({"data": json.dumps({"status": status, "upstream_status": ""})})
    with urllib.request.urlopen(f"{url}/api/task_list?{query}") as answer:
        return list(json.loads(answer.read())["response"].values())


def _being_written(folder: str, names: list[str]) -> list[str]:
    caching = Path(folder).name in (".cache", "digests")
    return [name for name in names if caching and name.startswith(".")]
