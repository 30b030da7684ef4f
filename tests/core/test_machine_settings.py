"""A section or key of luigi.cfg that nobody reads is refused, with the file that it is in."""

from __future__ import annotations

from pathlib import Path

import luigi.retcodes  # noqa: F401 (declares [retcode], as the command `luigi` does)
import pytest
from conftest import ROOT
from luigi.configuration import LuigiConfigParser
from running import Project

from luigi_tasks.core import machine_settings
from luigi_tasks.core.errors import PipelineError


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A luigi.cfg of its own in the working directory, to be written by the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(LuigiConfigParser, "_instance", None)
    return tmp_path / "luigi.cfg"


def refusal() -> str:
    with pytest.raises(PipelineError) as error:
        machine_settings.check()
    return str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        (ROOT / "luigi.cfg").read_text(),
        "",
        "[DEFAULT]\nfolder = x\n[storage]\ndata = %(folder)s",
        "[core]\nautoload-range = true\nrpc-retry-wait = 3\ndefault-scheduler-host = here",
        "[scheduler]\nretry-delay = 3\nretry_delay = 3\n[resources]\nanything = 3",
        "[email]\nreceiver = me\n[hdfs]\nclient = x",
    ],
)
def test_what_luigi_reads_is_allowed(written: Path, text: str) -> None:
    written.write_text(text)
    machine_settings.check()


def test_the_file_at_fault_is_named(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written.write_text("[engine]\nmemory_mb = 3")
    other = written.with_name("other.cfg")
    other.write_text("[engine]\nmemory_md = 3")
    monkeypatch.setattr(LuigiConfigParser, "_config_paths", ["luigi.cfg", str(other)])
    assert refusal().startswith(f"{other}: unknown setting [engine] memory_md = 3")


def test_a_file_that_is_named_but_missing_is_refused(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUIGI_CONFIG_PATH", "nowhere.cfg")
    assert refusal() == "LUIGI_CONFIG_PATH = nowhere.cfg is no file"


def test_every_run_and_every_command_refuses_it(project: Project) -> None:
    project.edit("luigi.cfg", "memory_mb", "memory_md")
    before = project.digests()
    sentence = "luigi.cfg: unknown setting [engine] memory_md = 3000; did you mean memory_mb?"
    for task in ("Pipeline", "Silver --table lms_loan_daily", "BronzeLayer"):
        done = project.luigi(*task.split())
        assert done.returncode != 0
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
    done = project.command("status")
    assert (done.returncode, done.stderr) == (1, f"error: {sentence}\n")
    assert project.digests() == before


def test_a_file_that_luigi_passes_over_for_it_may_not_be_read_is_refused(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:  # root may read everything
        raise PermissionError(13, "Permission denied", str(path))

    written.write_text("[engine]\nmemory_mb = 3")
    machine_settings.check()
    monkeypatch.setattr(Path, "open", refuse)
    assert refusal() == "luigi.cfg: cannot be read: Permission denied"
