"""A damaged lock of Luigi stops no run, or stops it in one sentence that names the file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from corpus import Case, by_name
from luigi import lock
from running import Project
from told import keeps_its_outputs, refused

from luigi_tasks.core.messages import sentence

CASES = by_name("locks")


def spoil(path: Path, case: Case) -> None:
    """Put what the case says in the place of a lock."""
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    if "becomes" in case:
        text = case["becomes"].replace("{digits}", "9" * 5_000)
        path.write_bytes(text.replace("{parent}", str(os.getppid())).encode("latin-1"))
    elif case["place"] == "a directory":
        path.mkdir()
    else:
        path.symlink_to(path.name if case["place"] == "a link to itself" else "nowhere")


@pytest.mark.parametrize("name", CASES)
def test_a_damaged_lock_is_taken_or_told_in_the_sentence_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(lock.get_info(".cache")[2])
    spoil(path, CASES[name])
    told = None
    try:
        assert lock.acquire_for(".cache")
    except (OSError, ValueError) as error:
        told = sentence(error)
    if "refused" in CASES[name]:
        assert told is not None
        assert told.startswith(f"{path} {CASES[name]['refused']}")
    else:
        assert told is None
        assert path.read_text().split() == [str(os.getpid())]


def test_a_folder_of_locks_that_is_a_file_is_told_in_one_sentence(project: Project) -> None:
    folder = project.path / ".cache"
    folder.rename(folder.with_name("elsewhere"))
    folder.write_text("")
    with keeps_its_outputs(project):
        done = project.luigi("Pipeline")
    refused(done, ".cache/")
    assert "Not a directory" in done.stderr


# --- the whole command ------------------------------------------------------------------------


@pytest.mark.nightly
@pytest.mark.parametrize("name", CASES)
def test_the_command_runs_with_a_damaged_lock_or_says_what_to_remove(
    project: Project, name: str
) -> None:
    locks = list((project.path / ".cache").glob("*.pid"))  # one of every command that has run
    assert locks
    for path in locks:
        spoil(path, CASES[name])
    with keeps_its_outputs(project):
        if "refused" in CASES[name]:
            refused(project.luigi("Pipeline"), f".pid {CASES[name]['refused']}")
        else:
            assert project.built_by("Pipeline") == []
