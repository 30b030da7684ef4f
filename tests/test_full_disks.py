"""A full or a read-only disk ends a run in one sentence, and the outputs stay as they were."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import day
from luigi import lock
from running import BIN, Project

from luigi_tasks.core import digests, messages
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import LocalFiles
from luigi_tasks.reports.credit_risk import CreditRiskPicture


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_that_finds_no_space_is_named_and_the_old_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "marker.json"
    LocalFiles().write(path, b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PipelineError, match=r"marker\.json: cannot be written: No space left"):
        LocalFiles().write(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_remembered_is_found_out_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    (tmp_path / "extract.csv").write_text("text")
    os.utime(tmp_path / "extract.csv", (1, 1))
    digests.clear_memory()
    assert digests.of_file(tmp_path / "extract.csv") == digests.hashlib.sha256(b"text").hexdigest()


@pytest.mark.parametrize("error", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_what_the_system_says_of_a_named_file_is_shown_as_a_sentence(error: int) -> None:
    refused = OSError(error, os.strerror(error), ".cache/luigi.pid")
    assert messages.sentence(refused) == f".cache/luigi.pid: {os.strerror(error)}"
    assert messages.sentence(OSError(error, os.strerror(error))) is None


def test_a_file_of_luigi_that_finds_no_space_is_named_too() -> None:
    with pytest.raises(OSError, match="No space left") as raised:
        lock._write_pids_file("/dev/full", {1})
    assert raised.value.filename is None
    assert messages.sentence(raised.value) == "/dev/full: No space left on device"


def with_small_files(project: Project, most: int, *words: str) -> subprocess.CompletedProcess[str]:
    """A command to which the system gives no file with more than so many bytes."""
    return subprocess.run(
        words,
        cwd=project.path,
        env=project.environment,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_stage_that_finds_no_space_names_its_output_and_changes_none(project: Project) -> None:
    (project.path / "reports" / "credit_risk_views.png").unlink()
    before = project.digests()
    luigi = (str(BIN / "luigi"), "--module", "luigi_tasks", "CreditRiskPicture")
    done = with_small_files(project, 50_000, *luigi, "--local-scheduler")
    assert done.returncode == 30
    assert "Traceback" not in done.stderr
    told = "reports/credit_risk_views.png: cannot be written: File too large"
    assert [line for line in done.stderr.splitlines() if told in line]
    assert project.digests() == before


def test_samples_that_find_no_space_are_told_in_one_sentence(project: Project) -> None:
    shutil.rmtree(project.path / "data")
    words = ("sample-data", "--out", "data", "--customers", "2000")
    done = with_small_files(project, 100_000, sys.executable, "-m", "luigi_tasks", *words)
    assert done.returncode == 1
    assert done.stderr == "error: data: cannot be written: File too large\n"


def test_what_a_new_day_moves_aside_comes_back_when_there_is_no_space_for_the_new(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.path)
    task = CreditRiskPicture(as_of=day("2025-11-15"), generation=1)
    (target,) = task.output().values()
    before = project.digests("reports")
    shutil.copy(target.path, staging := target.staging())
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PipelineError, match="No space left"):
        task.publish(target, staging, {})
    staging.unlink()
    assert project.digests("reports") == before
