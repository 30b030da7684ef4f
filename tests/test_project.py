"""What surrounds the package: Makefile, pinned versions, checks before a commit, placeholders."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from running import BIN, ROOT

from luigi_tasks.extracts.contract import TABLES

MAKEFILE = (ROOT / "Makefile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = [
    Requirement(line)
    for lines in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for line in lines
]
LINES = [
    line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")
]
PINNED = {
    canonicalize_name(name): version
    for name, separator, version in (line.partition("==") for line in LINES)
    if separator
}


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command as from a plain shell, also when make or a hook of git runs the tests."""
    outer = ("GIT_", "MAKE", "MFLAGS")
    env = {name: value for name, value in os.environ.items() if not name.startswith(outer)}
    return subprocess.run(
        words, cwd=folder, env=env | environment, capture_output=True, text=True, check=False
    )


def made(folder: Path, *words: str) -> str:
    """What `make` prints with the project's Makefile in another directory."""
    shutil.copy(ROOT / "Makefile", folder)
    done = run(folder, "make", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_make_help_lists_every_documented_target_and_every_command_is_documented(
    tmp_path: Path,
) -> None:
    documented = set(re.findall(r"^([^\s:.#]+):.*##", MAKEFILE, re.MULTILINE))
    commands = set(re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split())
    listed = {line.split()[1] for line in made(tmp_path, "help").splitlines()}
    assert listed == documented == commands


def test_make_without_a_target_starts_nothing_and_shows_the_help(tmp_path: Path) -> None:
    assert made(tmp_path) == made(tmp_path, "help")


def test_the_makefile_names_no_extract() -> None:
    assert [table.file for table in TABLES.values() if table.file in MAKEFILE] == []


def test_make_clean_removes_outputs_and_keeps_the_line_that_says_what_they_are(
    tmp_path: Path,
) -> None:
    outputs = ["model_store/best_model_1.pkl", "model_store/.staged.tmp", "reports/plots/README.md"]
    for name in (*outputs, "reports/README.md", "datamart/governance/decisions.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    made(tmp_path, "clean")
    kept = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert kept == {
        "Makefile",
        "datamart/governance/decisions.jsonl",
        "model_store/README.md",
        "reports/README.md",
    }


def test_git_holds_no_file_in_an_output_of_dvc_which_dvc_would_refuse() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    outputs = [Path(name) for stage in stages.values() for out in stage["outs"] for name in out]
    held = [Path(name) for name in run(ROOT, "git", "ls-files").stdout.splitlines()]
    assert held
    assert [file for file in held if any(file.is_relative_to(out) for out in outputs)] == []


def test_the_line_that_make_writes_into_the_model_store_is_versioned_by_nobody() -> None:
    name = "model_store/README.md"
    assert run(ROOT, "git", "check-ignore", name).stdout == f"{name}\n"
    assert run(ROOT, str(BIN / "dvc"), "check-ignore", name).stdout == f"{name}\n"


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    for wanted in REQUIREMENTS:
        pinned = PINNED.get(canonicalize_name(wanted.name))
        assert pinned, f"constraints.txt does not pin {wanted.name}"
        assert wanted.specifier.contains(pinned, prereleases=True), f"{wanted}, pinned to {pinned}"


def test_constraints_are_names_and_versions_without_the_package_itself() -> None:
    assert [line for line in LINES if not re.fullmatch(r"[\w.-]+==[\w.+!-]+", line)] == []
    assert PINNED.keys().isdisjoint({PROJECT["name"], "pip", "setuptools", "wheel"})


def test_a_commit_is_refused_when_make_lint_fails(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".pre-commit-config.yaml", tmp_path)
    run(tmp_path, "git", "init", "--quiet")
    run(tmp_path, "git", "add", "--all")
    checked = {}
    for code in (0, 1):
        (tmp_path / "Makefile").write_text(f"lint:\n\t@echo linted; exit {code}\n")
        command = (str(BIN / "pre-commit"), "run", "--verbose")
        checked[code] = run(tmp_path, *command, PRE_COMMIT_HOME=str(tmp_path / "hooks"))
    assert [found.returncode for found in checked.values()] == [0, 1], checked
    assert [found.stdout.count("linted") for found in checked.values()] == [1, 1]
    assert checked[0].stdout.count("hook id:") == 1
