"""What the tests share: one engine session, projects, days, and the names of the extracts."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_runs import make_gold, soiled_project
from filelock import FileLock
from repositories import Repository
from running import Project

from luigi_tasks.core.engines import session
from luigi_tasks.extracts import contract

ROOT = Path(__file__).resolve().parent.parent

ATTRIBUTES = contract.ATTRIBUTES.name
FINANCIALS = contract.FINANCIALS.name
LOANS = contract.LOANS.name
CLICKSTREAM = contract.CLICKSTREAM.name


@pytest.fixture(scope="session", autouse=True)
def _one_session() -> Iterator[None]:
    """The engine starts once, at the first frame, and stops after the last test."""
    yield
    session.shutdown()


@pytest.fixture
def empty_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project with the real params.yaml; it is the working directory."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def day(text: str) -> dt.date:
    """The date of a text such as 2023-05-01."""
    return dt.date.fromisoformat(text)


def months_later(start: dt.date, months: int) -> dt.date:
    """The same day of a later month; the tests use days that every month has."""
    years, month = divmod(start.month - 1 + months, 12)
    return start.replace(year=start.year + years, month=month + 1)


# --- whole projects ------------------------------------------------------------------------


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Project:
    """A project whose pipeline has run once. Built once for all test processes; copy it.

    It is that of somebody who develops: what was published is made again when something changes.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    path = shared / "finished"
    with FileLock(shared / "finished.lock"):
        if not path.exists():
            project = Project.create(path)
            project.edit("params.yaml", "released: keep ", "released: refit")
            run = project.luigi("Pipeline")
            assert run.returncode == 0, run.stderr[-3000:]
    return Project(path)


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A project whose pipeline has run, to be changed by one test."""
    return finished.copy(tmp_path / "project")


@pytest.fixture(scope="session")
def tracked(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository.of(finished, tmp_path_factory.mktemp("dvc") / "tracked")


@pytest.fixture
def repository(tracked: Repository, tmp_path: Path) -> Repository:
    """A repository whose revision HEAD holds a finished run, to be changed by one test."""
    return tracked.copy(tmp_path / "repository")


@pytest.fixture(scope="session")
def by_sail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose gold was made by Sail."""
    folder = soiled_project(tmp_path_factory.mktemp("sail"), 1_500)
    make_gold(folder)
    return folder
