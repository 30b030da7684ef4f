"""deploy/'s schedules as cron and systemd read them, and their commands run as both would."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

from running import BIN, ROOT, Project

DEPLOY = ROOT / "deploy"
UNITS = DEPLOY / "systemd"
# What cron gives to a command beside what the crontab sets.
BARE = {"HOME": "/nonexistent", "LOGNAME": "pipeline", "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
NAMES = ["training", "inference", "monitoring", "health"]


def deployed(project: Project, **settings: str) -> Project:
    """A project with deploy/run, and beside it the file that the schedules read."""
    (project.path / "deploy").mkdir()
    shutil.copy(DEPLOY / "run", project.path / "deploy")
    lines = {
        "LOAN_PIPELINE_HOME": str(project.path),
        "LOAN_PIPELINE_VENV": str(BIN.parent),
        "PYTHONPATH": str(project.path),  # the package is the copy in the project
        "PYTHONDONTWRITEBYTECODE": "1",
        **settings,
    }
    text = "".join(f"{name}={shlex.quote(value)}\n" for name, value in lines.items())
    settings_of(project).write_text(text)
    return project


def settings_of(project: Project) -> Path:
    return project.path.with_name("loan-pipeline.env")


def crontab() -> tuple[dict[str, str], dict[str, str]]:
    """The variables that the crontab sets, and {command: its five fields}."""
    variables, commands = {}, {}
    for line in (DEPLOY / "crontab").read_text().splitlines():
        if set_here := re.fullmatch(r"(\w+)=(.*)", line):
            variables[set_here[1]] = set_here[2]
        elif line and not line.startswith("#"):
            *fields, command = line.split(maxsplit=5)
            commands[command] = " ".join(fields)
    return variables, commands


def as_cron(project: Project, command: str) -> subprocess.CompletedProcess[str]:
    """A command of the crontab, with the settings of a project in place of those of /etc."""
    variables = {**crontab()[0], "SETTINGS": str(settings_of(project))}
    return subprocess.run(
        [variables["SHELL"], "-c", command],
        env={**BARE, **variables},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def scheduled(project: Project, name: str) -> subprocess.CompletedProcess[str]:
    """The command of the crontab that deploy/run knows by a name."""
    return as_cron(project, next(c for c in crontab()[1] if c.endswith(f"deploy/run {name}")))


def unit(name: str) -> dict[str, dict[str, str]]:
    """A unit of systemd by section and key."""
    parser = configparser.RawConfigParser(strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(UNITS / name)
    return {section: dict(parser.items(section)) for section in parser.sections()}


def as_systemd(project: Project, timer: str) -> subprocess.CompletedProcess[str]:
    """What a timer starts, with the settings of a project in place of those of /etc."""
    template, _, instance = unit(timer)["Timer"]["Unit"].removesuffix(".service").partition("@")
    service = unit(f"{template}@.service")["Service"]
    settings = dict(
        shlex.split(line)[0].split("=", 1) for line in settings_of(project).read_text().splitlines()
    )
    words = [
        re.sub(r"\$\{(\w+)\}", lambda found: settings[found[1]], word).replace("%i", instance)
        for word in service["ExecStart"].split()
    ]
    return subprocess.run(
        words,
        env={"PATH": BARE["PATH"], **settings},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def record(project: Project, name: str) -> dict[str, Any]:
    """How a scheduled command ended."""
    return dict(json.loads((project.path / "logs" / "schedule" / f"{name}.json").read_text()))


def log(project: Project, name: str) -> str:
    return (project.path / "logs" / "schedule" / f"{name}.log").read_text()
