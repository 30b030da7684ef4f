"""A project under git and DVC, and the real commands on it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from running import BIN, ROOT, Project


class Repository(Project):
    """A project under git and DVC; the default remote lies beside it."""

    @classmethod
    def of(cls, finished: Project, path: Path) -> Repository:
        """A copy of a project that luigi has run, tracked by DVC and committed to git."""
        repository = cls(finished.copy(path).path)
        ignored = shutil.ignore_patterns("cache", "tmp", "config.local")
        shutil.copytree(ROOT / ".dvc", path / ".dvc", ignore=ignored)
        for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
            shutil.copy(ROOT / name, path / name)
        repository.git("init", "--quiet", "--initial-branch=main")
        repository.git("config", "user.name", "tester")
        repository.git("config", "user.email", "tester@example.org")
        repository.dvc("add", *(f"data/{file.name}" for file in (path / "data").glob("*.csv")))
        repository.dvc("commit", "--force")
        repository.commit("luigi has run")
        return repository

    def copy(self, path: Path) -> Repository:
        return Repository(super().copy(path).path)

    def done(self, *words: str) -> str:
        """What a command that has to succeed prints."""
        found = self.run(*words)
        assert found.returncode == 0, found.stdout[-2000:] + found.stderr[-2000:]
        return found.stdout

    def dvc(self, *words: str) -> str:
        return self.done(str(BIN / "dvc"), *words)

    def git(self, *words: str) -> str:
        return self.done("git", *words)

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def changed_stages(self) -> set[str]:
        """The stages and .dvc files that `dvc status` names."""
        return set(json.loads(self.dvc("status", "--json")))

    def repro(self, *words: str) -> tuple[list[str], list[str]]:
        """(stages that `dvc repro` ran, tasks that luigi built within them)."""
        before = len(self.history())
        lines = self.dvc("repro", *words).splitlines()
        ran = [line.split("'")[1] for line in lines if line.startswith("Running stage")]
        return ran, self.history()[before:]

    def champion(self) -> str:
        """Where DVC's model registry finds the champion."""
        from dvc.repo import Repo  # slow, and of use to few tests

        with Repo(str(self.path)) as repo:
            path: str = repo.artifacts.read()["dvc.yaml"]["champion"].path
        assert (self.path / path).exists()
        return path

    @property
    def lock(self) -> bytes:
        return (self.path / "dvc.lock").read_bytes()
