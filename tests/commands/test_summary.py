"""`summary` and `plan` tell the truth at every moment of a project."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from running import BIN, Project


def files_of(project: Project) -> dict[str, str]:
    """All but the caches."""
    folders = [
        path.name
        for path in project.path.iterdir()
        if path.is_dir() and path.name not in (".cache", "luigi_tasks")
    ]
    return project.digests(*folders)


def test_before_the_first_run_it_says_how_to_begin_and_the_plan_is_all_of_it(
    tmp_path: Path,
) -> None:
    project = Project.create(tmp_path / "project", customers=300)
    before = files_of(project)
    told = project.command("summary")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines()[1].startswith("nothing has run yet: luigi --module luigi_tasks")
    found = json.loads(project.command("summary", "--json").stdout)
    assert (found["champion"], found["decisions"], found["last_run"]) == (None, [], None)
    plan = project.command("plan").stdout
    assert re.search(r"(?m)^BestModel +unknown  ", plan)
    assert re.search(r"33 would run, 0 are fresh\nfor how long is unknown: none of them has", plan)
    assert files_of(project) == before


@pytest.mark.slow
def test_the_plan_names_what_would_run_why_and_for_how_long_and_writes_nothing(
    project: Project,
) -> None:
    project.edit("params.yaml", "max_depth: 10", "max_depth: 3")
    before = files_of(project)
    plan = project.command("plan").stdout.splitlines()
    assert files_of(project) == before
    assert re.match(
        r"TrainCandidate random_forest +[\d.]+ s  params: training.candidates.random_forest",
        plan[0],
    )
    assert plan[1].startswith("BestModel ")
    seconds = [float(re.search(r"  ([\d.]+) s  ", line)[1]) for line in plan[:-2]]
    total = re.match(r"about ([\d.]+) s one after the other; less", plan[-1])
    assert total
    assert abs(float(total[1]) - sum(seconds)) < 0.1 * len(seconds)
    assert project.luigi("Pipeline").returncode == 0
    assert "nothing to do" in project.command("plan").stdout


@pytest.mark.slow
def test_a_killed_run_is_told_with_the_stage_and_what_is_old(project: Project) -> None:
    project.edit("params.yaml", "max_iter: 1000", "max_iter: 900")
    command = [str(BIN / "luigi"), "--module", "luigi_tasks", "Pipeline", "--local-scheduler"]
    state = project.path / "logs" / "last_run.json"
    state.unlink()
    with subprocess.Popen(
        command, cwd=project.path, env=project.environment, stderr=subprocess.DEVNULL
    ) as run:
        while not (state.exists() and json.loads(state.read_text())["running"]):
            time.sleep(0.01)
        os.kill(run.pid, signal.SIGKILL)
    told = project.command("summary").stdout
    assert re.search(
        r"(?m)^run +Pipeline.* was killed during TrainCandidate .*; run it again$", told
    )
    assert re.search(r"(?m)^old +TrainCandidate logistic_regression: params: ", told)
    assert project.luigi("Pipeline").returncode == 0
    told = project.command("summary").stdout
    assert "killed" not in told
    assert "stages    33 fresh" in told


def test_a_run_that_could_not_begin_is_told_with_the_sentence(project: Project) -> None:
    project.edit("params.yaml", "- Age", "- Agee")
    assert project.luigi("Pipeline").returncode != 0
    told = project.command("summary")
    assert "Traceback" not in told.stdout + told.stderr
    assert "'Agee' matches no column of gold" in told.stdout + told.stderr


@pytest.mark.slow
def test_after_a_breach_it_says_which_generation_is_asked_for(tmp_path: Path) -> None:
    project = Project.create(
        tmp_path / "project", customers=5000, drift="--drift concept --drift-from 2024-04"
    )
    day = ["--as-of", "2024-11-01"]
    done = project.luigi("Pipeline", *day)
    assert done.returncode == 0, done.stderr
    asked = "\nasked     generation 2 is asked for since 2024-11-01; run Pipeline\n"
    assert asked in done.stderr
    told = project.command("summary", *day).stdout
    assert asked in told
    assert "\ndecision  retrain as generation 2 on 2024-11-01: " in told
    assert project.luigi("Pipeline", "--as-of", "2025-03-01").returncode == 0
    told = project.command("summary", "--as-of", "2025-03-01").stdout
    assert asked not in told
    assert "\nbefore    retrain as generation 2 on 2024-11-01: " in told
