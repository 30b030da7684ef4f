"""Every line of the crontab and every timer runs, alone, and says how it ended."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from running import ROOT, Project
from schedules import (
    DEPLOY,
    NAMES,
    UNITS,
    as_cron,
    as_systemd,
    crontab,
    deployed,
    log,
    record,
    scheduled,
    settings_of,
    unit,
)

TIMES = {
    "training": ("0 2 * * 0", "Sun *-*-* 02:00:00"),
    "inference": ("0 3 * * *", "*-*-* 03:00:00"),
    "monitoring": ("0 4 * * *", "*-*-* 04:00:00"),
    "health": ("0 5 * * *", "*-*-* 05:00:00"),
}


def needs(tool: str, package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        shutil.which(tool) is None, reason=f"no {tool}: Debian's package {package}"
    )


@pytest.fixture
def scheduled_project(project: Project) -> Project:
    return deployed(project)


def entries(project: Project) -> list[dict]:
    path = project.path / "datamart" / "governance" / "decisions.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


# --- the files ------------------------------------------------------------------------------


def test_cron_and_systemd_run_the_same_commands_at_the_same_times() -> None:
    assert [command.rpartition(" ")[2] for command in crontab()[1]] == NAMES
    assert {path.name for path in UNITS.glob("*.timer")} == {
        f"loan-pipeline-{name}.timer" for name in NAMES
    }
    for command, fields in crontab()[1].items():
        name = command.rpartition(" ")[2]
        timer = unit(f"loan-pipeline-{name}.timer")["Timer"]
        assert (fields, timer["OnCalendar"]) == TIMES[name]
        assert timer["Unit"] == f"loan-pipeline@{name}.service"


def test_only_the_settings_know_where_the_project_is() -> None:
    files = [DEPLOY / "run", DEPLOY / "crontab", *UNITS.iterdir()]
    settings = (DEPLOY / "loan-pipeline.env").read_text()
    home = settings.partition("LOAN_PIPELINE_HOME=")[2].partition("\n")[0]
    assert home
    assert [path.name for path in files if home in path.read_text()] == []


@needs("crontab", "cron")
def test_cron_accepts_the_crontab() -> None:
    subprocess.run(["crontab", "-n", str(DEPLOY / "crontab")], check=True, capture_output=True)


@needs("mcron", "mcron")
def test_a_real_cron_finds_four_commands_in_the_crontab() -> None:
    done = subprocess.run(
        ["mcron", "--stdin=vixie", "--schedule=4", "-"],
        stdin=(DEPLOY / "crontab").open(),
        env={**os.environ, "TZ": "UTC", "GUILE_AUTO_COMPILE": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    times = [line.split()[3] for line in done.stdout.splitlines() if line.endswith("+0000")]
    assert set(times) <= {"02:00:00", "03:00:00", "04:00:00", "05:00:00"}
    assert len(times) >= 4


@needs("systemd-analyze", "systemd")
def test_systemd_accepts_the_units() -> None:
    files = sorted(map(str, UNITS.iterdir()))
    done = subprocess.run(
        ["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs("systemd-analyze", "systemd")
def test_systemd_finds_the_next_time_of_every_timer() -> None:
    for name, (_, calendar) in TIMES.items():
        done = subprocess.run(
            ["systemd-analyze", "calendar", calendar], capture_output=True, text=True, check=True
        )
        assert "Next elapse: " in done.stdout, name


@needs("shellcheck", "shellcheck")
def test_the_script_has_none_of_the_faults_that_shellcheck_knows() -> None:
    subprocess.run(["shellcheck", str(DEPLOY / "run")], check=True, capture_output=True)


# --- the commands ---------------------------------------------------------------------------


@pytest.mark.slow
def test_every_line_of_the_crontab_runs_and_a_sunday_trains_a_challenger(
    scheduled_project: Project,
) -> None:
    project = scheduled_project
    before = len(entries(project))
    for command in crontab()[1]:
        done = as_cron(project, command)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), command
    assert [record(project, name)["code"] for name in NAMES] == [0, 0, 0, 0]
    asked, *judged = entries(project)[before:]
    assert (asked["action"], asked["reason"]) == ("request_retraining", "scheduled")
    assert judged[0]["action"] in ("promote", "reject")
    assert judged[0]["generation"] == asked["next_generation"] == 2
    assert "FAIL" not in log(project, "health")


def test_a_sunday_without_new_snapshots_asks_for_nothing_more(scheduled_project: Project) -> None:
    for _ in range(2):
        assert scheduled(scheduled_project, "training").returncode == 0
    asked = [e for e in entries(scheduled_project) if e["action"] == "request_retraining"]
    assert len(asked) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_timer_starts_the_command_of_its_name(scheduled_project: Project, name: str) -> None:
    done = as_systemd(scheduled_project, f"loan-pipeline-{name}.timer")
    assert (done.returncode, done.stderr) == (0, "")
    assert record(scheduled_project, name)["code"] == 0


def test_another_name_is_refused_with_the_names_that_there_are(scheduled_project: Project) -> None:
    done = subprocess.run(
        [scheduled_project.path / "deploy" / "run", "everything"],
        env={"LOAN_PIPELINE_HOME": str(scheduled_project.path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert all(name in done.stderr for name in NAMES)


# --- one at a time --------------------------------------------------------------------------


def hold(project: Project) -> int:
    handle = os.open(project.path / ".cache" / "schedule.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def test_a_command_that_waits_too_long_for_the_one_before_ends_with_10(project: Project) -> None:
    deployed(project, LOAN_PIPELINE_WAIT_S="1")
    handle = hold(project)
    done = scheduled(project, "inference")
    os.close(handle)
    assert done.returncode == record(project, "inference")["code"] == 10
    assert "another scheduled command has not ended in time" in done.stderr


def test_a_command_begins_when_the_one_before_has_ended(scheduled_project: Project) -> None:
    handle = hold(scheduled_project)
    waiting = subprocess.Popen(
        [scheduled_project.path / "deploy" / "run", "training"],
        env={**settings_as_dict(scheduled_project), "PATH": os.environ["PATH"]},
    )
    time.sleep(1)
    assert waiting.poll() is None
    assert not (scheduled_project.path / "logs" / "schedule" / "training.json").exists()
    os.close(handle)
    assert waiting.wait(60) == 0


def settings_as_dict(project: Project) -> dict[str, str]:
    return dict(line.split("=", 1) for line in settings_of(project).read_text().splitlines())


# --- failures -------------------------------------------------------------------------------


def test_a_failure_has_the_code_of_the_run_and_its_last_lines_go_to_cron(
    scheduled_project: Project,
) -> None:
    project = scheduled_project
    (project.path / "data" / "lms_loan_daily.csv").unlink()
    done = scheduled(project, "inference")
    assert done.returncode == record(project, "inference")["code"] != 0
    assert "data/lms_loan_daily.csv: no such file" in done.stderr


@pytest.mark.slow
def test_a_run_that_is_killed_with_all_that_it_started_is_known_as_killed(
    scheduled_project: Project,
) -> None:
    project = scheduled_project
    project.edit("params.yaml", "max_depth: 10", "max_depth: 3")
    run = subprocess.Popen(
        [project.path / "deploy" / "run", "monitoring"],
        env={**settings_as_dict(project), "PATH": os.environ["PATH"]},
        start_new_session=True,
    )
    path = project.path / "logs" / "schedule" / "monitoring.json"
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert "monitoring is running" in project.command("health").stdout
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    done = project.command("health")
    assert done.returncode == 55
    assert "FAIL  schedule   monitoring was killed, begun at 20" in done.stdout
    assert scheduled(project, "monitoring").returncode == 0
    assert project.command("health").returncode == 0


def test_of_the_logs_of_a_command_eight_are_kept(scheduled_project: Project) -> None:
    folder = scheduled_project.path / "logs" / "schedule"
    folder.mkdir(parents=True)
    before = ["health.log", *(f"health.log.{number}" for number in range(1, 8))]
    for name in before:
        (folder / name).write_text(name)
    assert scheduled(scheduled_project, "health").returncode == 0
    assert sorted(path.name for path in folder.glob("health.log*")) == before
    assert (folder / "health.log").read_text().startswith("ok ")
    assert [(folder / name).read_text() for name in before[1:]] == before[:-1]


def test_the_script_is_executable() -> None:
    assert os.access(ROOT / "deploy" / "run", os.X_OK)
    assert Path(ROOT / "deploy" / "run").read_text().startswith("#!/bin/sh\n")
