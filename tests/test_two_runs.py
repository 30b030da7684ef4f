"""Two commands at once do each their work, and what a killed one left is gone after the next."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from running import BIN, OUTPUTS, Project

pytestmark = pytest.mark.slow


def started(project: Project, task: str, *options: str) -> subprocess.Popen[str]:
    words = [str(BIN / "luigi"), "--module", "luigi_tasks", task, "--local-scheduler", *options]
    return subprocess.Popen(
        words,
        cwd=project.path,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def temporary_files(project: Project) -> list[str]:
    return [
        name
        for folder in (*OUTPUTS, ".cache")
        for _, folders, names in os.walk(project.path / folder)
        for name in (*folders, *names)
        if name.startswith(".")
    ]


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ("TrainingPipeline", ()),
        ("MonitoringPipeline", ("--workers", "2")),
        ("Governance", ()),
    ],
)
def test_two_commands_at_once_both_succeed_and_decide_once(
    finished: Project, project: Project, task: str, options: tuple[str, ...]
) -> None:
    governance = "datamart/governance"
    trail, marker = f"{governance}/decisions.jsonl", f"{governance}/retrain_marker.json"
    for folder in ("datamart/silver", "datamart/gold", trail, marker):
        subprocess.run(["rm", "-r", project.path / folder], check=True)
    pair = [started(project, "Pipeline"), started(project, task, *options)]
    for run in pair:
        _, errors = run.communicate()
        assert run.returncode == 0, errors[-3000:]
    assert project.stale() == {}
    assert project.digests() == finished.digests()
    assert temporary_files(project) == []


def test_what_a_killed_run_left_is_gone_after_the_next_even_when_that_builds_nothing(
    project: Project,
) -> None:
    before = 'REASONS.index("out of range")'
    after = 'REASONS.index("out of" + " range")'
    project.edit("luigi_tasks/layers/cleaning.py", before, after)
    run = started(project, "Pipeline")
    while run.poll() is None and not any(".parquet." in name for name in temporary_files(project)):
        time.sleep(0.005)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    left = [name for name in temporary_files(project) if ".parquet." in name]
    assert left
    for folder in ("model_store", "reports", ".cache/digests"):
        (project.path / folder / left[0]).write_text("half a file")
    project.edit("luigi_tasks/layers/cleaning.py", after, before)
    assert project.built_by("Pipeline") == []
    assert temporary_files(project) == []
    assert project.stale() == {}
