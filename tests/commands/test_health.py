"""`health` has a line for each thing that may be wrong, and a return code for each."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from running import Project, luigid

from luigi_tasks.commands import health

NAMES = ["extracts", "luigid", "disk", "trail", "schedule"]


def today(project: Project) -> int:
    """How many days old the newest snapshot is."""
    rows = json.loads(project.command("health", "--json").stdout)["checks"]
    return int(rows[0]["words"].split()[3])


def failing(project: Project) -> tuple[int, list[str]]:
    done = project.command("health")
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert [line.split()[1] for line in lines] == NAMES
    return done.returncode, [line for line in lines if line.startswith("FAIL")]


def test_of_a_finished_project_everything_is_well(finished: Project) -> None:
    assert failing(finished) == (0, [])
    found = json.loads(finished.command("health", "--json").stdout)
    assert found["code"] == 0
    assert [check["name"] for check in found["checks"]] == NAMES
    assert {check["code"] for check in found["checks"]} == {0}


def test_health_changes_nothing_and_nothing_becomes_stale_by_its_settings(
    project: Project,
) -> None:
    before = project.digests()
    with (project.path / "luigi.cfg").open("a") as file:
        file.write("\n[health]\nmax_snapshot_age_days = 9999\nmin_free_mb = 1\n")
        file.write("[notify]\nevents = run_failed,ok\n")
    assert project.command("health").returncode == 0
    assert project.digests() == before
    assert project.stale() == {}


def test_a_snapshot_is_too_old_on_the_day_after_the_limit(project: Project) -> None:
    age = today(project)
    cfg = project.path / "luigi.cfg"
    shipped = cfg.read_text()
    cfg.write_text(f"{shipped}\n[health]\nmax_snapshot_age_days = {age}\n")
    assert failing(project) == (0, [])
    cfg.write_text(f"{shipped}\n[health]\nmax_snapshot_age_days = {age - 1}\n")
    sentence = f"newest snapshot is {age} days old (limit {age - 1})"
    assert failing(project) == (51, [f"FAIL  extracts   {sentence}"])


def test_the_age_counts_from_the_clock_of_the_machine(
    finished: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Then(dt.date):
        @classmethod
        def today(cls) -> dt.date:
            return dt.date(2025, 12, 16)

    monkeypatch.chdir(finished.path)
    monkeypatch.setattr(health.dt, "date", Then)
    assert health.extracts() == "newest snapshot is 45 days old (no limit)"


def test_a_missing_extract_is_told_from_an_old_one(project: Project) -> None:
    (project.path / "data" / "lms_loan_daily.csv").unlink()
    code, (line,) = failing(project)
    assert code == 50
    assert "data/lms_loan_daily.csv: no such file" in line


def test_luigid_is_asked_only_where_one_is_configured(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with luigid(project.path) as url:
        monkeypatch.setenv(health.SCHEDULER, url)
        done = project.command("health")
        assert done.returncode == 0
        assert f"{url} answers" in done.stdout
    assert failing(project) == (52, [f"FAIL  luigid     {url} does not answer as luigid does"])
    monkeypatch.delenv(health.SCHEDULER)
    project.edit("luigi.cfg", "[core]", f"[core]\nscheduler_url = {url}")
    assert failing(project)[0] == 52


def test_a_disk_with_less_space_than_the_limit_is_named(project: Project) -> None:
    with (project.path / "luigi.cfg").open("a") as file:
        file.write("\n[health]\nmin_free_mb = 1000000000000\n")
    code, (line,) = failing(project)
    assert code == 53
    assert "(limit 1,000,000,000,000)" in line


def test_an_audit_trail_that_was_altered_is_named_by_its_line(project: Project) -> None:
    project.edit("datamart/governance/decisions.jsonl", '"keep"', '"reject"')
    code, (line,) = failing(project)
    assert code == 54
    assert "datamart/governance/decisions.jsonl: line " in line


def write_record(folder: Path, name: str, code: int | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    ended = None if code is None else "2026-11-25T03:10:00+00:00"
    found = {"started": "2026-11-25T03:00:00+00:00", "ended": ended, "code": code}
    (folder / f"{name}.json").write_text(json.dumps(found))


def test_a_scheduled_command_that_failed_or_was_killed_is_named(project: Project) -> None:
    folder = project.path / "logs" / "schedule"
    write_record(folder, "training", 0)
    assert failing(project) == (0, [])
    write_record(folder, "inference", 30)
    write_record(folder, "health", 51)  # this very command
    words = "inference failed with code 30, a task failed, training ended well"
    assert failing(project) == (55, [f"FAIL  schedule   {words}"])
    write_record(folder, "inference", None)
    code, (line,) = failing(project)
    assert code == 55
    assert "inference was killed, begun at 2026-11-25 03:00 UTC" in line


def test_of_several_the_return_code_is_that_of_the_first(project: Project) -> None:
    write_record(project.path / "logs" / "schedule", "inference", 30)
    project.edit("datamart/governance/decisions.jsonl", '"keep"', '"reject"')
    code, lines = failing(project)
    assert (code, len(lines)) == (54, 2)


def test_a_limit_that_cannot_be_is_refused_by_name(project: Project) -> None:
    with (project.path / "luigi.cfg").open("a") as file:
        file.write("\n[health]\nmax_snapshot_age_days = -1\n")
    done = project.command("health")
    assert done.returncode == 1
    assert done.stderr == (
        "error: luigi.cfg: [health] max_snapshot_age_days = -1 is not allowed: "
        "a whole number from 0 to 36500\n"
    )
