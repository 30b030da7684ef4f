"""What README and docs print is true: commands run, links lead somewhere, sentences are said."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from repositories import Repository
from running import BIN, ROOT, Project

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
# Commands for which a test has no room, each with the reason and where else it is run.
ELSEWHERE = {
    r"make (run|test|install)\b": ".ci/run runs it in a fresh clone",
    r"source \.venv/bin/activate": "the commands run with that environment",
}


class Block(NamedTuple):
    page: Path
    line: int
    commands: list[str]


def blocks(page: Path) -> list[Block]:
    """The blocks of commands that a page prints, in order: fences of `console`, prompt `$ `."""
    found, commands, start = [], None, 0
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if commands is None:
            if line.strip() == "```console":
                commands, start = [], number
        elif line.strip() == "```":
            found.append(Block(page, start, commands))
            commands = None
        elif line.startswith("$ "):
            commands.append(line[2:])
        elif commands and commands[-1].endswith("\\"):
            commands[-1] = commands[-1][:-1] + line.strip()
    return found


def is_run_elsewhere(command: str) -> bool:
    return any(re.match(pattern, command) for pattern in ELSEWHERE)


@pytest.fixture(scope="module")
def tracked(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository.of(finished, tmp_path_factory.mktemp("docs") / "tracked")


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda p: p.name)
def test_every_command_of_a_page_runs_as_printed(
    page: Path, tracked: Repository, tmp_path: Path
) -> None:
    project = tracked.copy(tmp_path / "project")
    (project.path / ".venv").symlink_to(BIN.parent)
    for block in blocks(page):
        for command in block.commands:
            if is_run_elsewhere(command):
                continue
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=project.path,
                env=project.environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )
            told = (
                f"{page.name}, line {block.line}: {command}\n{done.stdout}\n{done.stderr[-2000:]}"
            )
            assert done.returncode == 0, told


def test_every_link_to_a_file_leads_to_one() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_page_of_docs_is_named_in_the_readme_or_in_a_page_that_it_names() -> None:
    linked = {
        (page.parent / target).resolve()
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+\.md)", page.read_text())
    }
    assert [page.name for page in PAGES[2:] if page.resolve() not in linked] == []


def test_every_sentence_that_the_troubleshooting_page_quotes_is_one_of_the_package() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    code = "\n".join(path.read_text() for path in (ROOT / "luigi_tasks").rglob("*.py"))
    rows = re.findall(r"^\| (.*?) \| ", page, flags=re.MULTILINE)
    quoted = [text for row in rows for text in re.findall(r"`([^`]+)`", row)]
    assert len(quoted) > 8
    for text in quoted:
        for part in re.split(r"…|quality\.\w+", text):
            assert part.strip(" :") in code, text
