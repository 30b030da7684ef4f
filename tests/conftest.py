"""Fixtures that several files share."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from running import Project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Project:
    """A project whose pipeline has run once. Built once for all test processes; copy it."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    path, done = shared / "finished", shared / "finished.done"
    try:
        (shared / "finished.lock").mkdir()
    except FileExistsError:
        while not done.exists():
            time.sleep(0.1)
    else:
        try:
            run = Project.create(path).luigi("Pipeline")
        finally:
            done.touch()
        assert run.returncode == 0, run.stderr[-3000:]
    return Project(path)


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A project whose pipeline has run, to be changed by one test."""
    return finished.copy(tmp_path / "project")
