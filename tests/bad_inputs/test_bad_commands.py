"""A wrong luigi.cfg and a wrong word on the command line are answered in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import luigi.retcodes  # noqa: F401 (declares [retcode], as the command `luigi` does)
import pytest
from conftest import ROOT
from corpus import Case, by_name
from luigi.cmdline_parser import CmdlineParser
from luigi.configuration import LuigiConfigParser
from running import Project
from told import keeps_its_outputs, refused

from luigi_tasks.core import storage, task
from luigi_tasks.core.messages import sentence

MACHINE = by_name("machine")
OURS = {name: case for name, case in MACHINE.items() if "refused" in case}
UNREADABLE = {name: case for name, case in MACHINE.items() if "status" in case}
COMMANDS = by_name("commands")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a few extracts that has not run; no test here makes it run."""
    return Project.create(tmp_path_factory.mktemp("sample") / "project", customers=60)


@pytest.fixture
def here(sample: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """The same as the working directory, with a luigi.cfg that is read anew."""
    monkeypatch.chdir(sample.path)
    monkeypatch.setattr(LuigiConfigParser, "_instance", None)
    for remembered in (storage._folders, task._begin):
        remembered.cache_clear()
    task._checked.clear()
    yield sample
    remove(sample.path / "luigi.cfg")
    (sample.path / "luigi.cfg").write_bytes((ROOT / "luigi.cfg").read_bytes())
    storage._folders.cache_clear()


def spoil(path: Path, case: Case) -> None:
    """Do to a sound luigi.cfg what the case says."""
    if "place" in case:
        remove(path)
        if case["place"] == "a directory":
            path.mkdir()
        else:
            path.symlink_to(path if case["place"] == "a link to itself" else "nowhere")
        return
    text = case.get("text", path.read_text())
    for old, new in case.get("replace", {}).items():
        assert old in text, f"luigi.cfg has no {old!r}"
        text = text.replace(old, new, 1)
    text = f"{text}{case.get('add', '')}\n"
    path.write_bytes(text.encode(case.get("encoding", "utf-8")))


def remove(path: Path) -> None:
    """Whatever lies there."""
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink()


def answer(words: str, printed: pytest.CaptureFixture[str]) -> str:
    """What a user is told who types these words; the tasks are only looked at."""
    try:
        with CmdlineParser.global_instance(["--module", "luigi_tasks", *words.split()]) as line:
            line.get_task_obj().complete()
    except SystemExit:
        return printed.readouterr().err.splitlines()[-1].partition(": ")[2]  # the program
    except Exception as error:
        return sentence(error) or repr(error)
    return "nothing: it went through"


@pytest.mark.parametrize("name", OURS)
def test_a_machine_setting_that_cannot_be_is_refused_in_the_sentence_of_the_table(
    here: Project, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(here.path / "luigi.cfg", OURS[name])
    assert answer("Pipeline", capsys).startswith(OURS[name]["refused"])


@pytest.mark.parametrize("name", UNREADABLE)
def test_status_says_in_one_sentence_what_luigi_cannot_read_of_its_settings(
    here: Project, name: str
) -> None:
    case = UNREADABLE[name]
    spoil(here.path / "luigi.cfg", case)
    done = here.command("status")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {case['status']}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_a_wrong_word_is_answered_in_the_sentence_of_the_table(
    here: Project, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    case = COMMANDS[name]
    assert answer(case["words"], capsys).startswith(case["refused"])


# --- the whole command ------------------------------------------------------------------------


@pytest.mark.nightly
@pytest.mark.parametrize("name", MACHINE)
def test_the_command_refuses_a_machine_setting_and_keeps_the_outputs(
    project: Project, name: str
) -> None:
    case = MACHINE[name]
    spoil(project.path / "luigi.cfg", case)
    with keeps_its_outputs(project):
        done = project.luigi("Pipeline")
    if "refused" in case:
        refused(done, case["refused"])
    else:
        assert done.returncode != 0
        assert case["luigi"] in done.stderr


@pytest.mark.nightly
@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_answers_a_wrong_word_in_one_sentence_and_keeps_the_outputs(
    finished: Project, name: str
) -> None:
    case = COMMANDS[name]
    with keeps_its_outputs(finished):
        done = finished.luigi(*case["words"].split())
    refused(done, case["refused"])
