"""`notify` tells real receivers, and whatever becomes of them, a run is what it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from receivers import http_receiver, mail_receiver, plain_text
from running import Project
from schedules import deployed, log, record, scheduled

from luigi_tasks.operations.messages import ADDRESSES

SECRET = "pa55word"
DEAD = f"json://user:{SECRET}@127.0.0.1:1/{SECRET}"
TOLD = "logs/told.json"
OUTAGE = "feature_clickstream has no rows for new loans"


def failed_run(project: Project, code: int = 30) -> None:
    folder = project.path / "logs" / "schedule"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "inference.json").write_text(
        json.dumps({"started": "2026-11-25T03:00:00+00:00", "ended": None, "code": code})
    )
    (folder / "inference.log").write_text("03:00:02  QualityCheck  1.20 s  FAILED: Age: 3 of 4\n")


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    with http_receiver() as (address, arrived):
        monkeypatch.setenv(ADDRESSES, address)
        yield arrived


def test_nobody_is_told_unless_the_environment_says_whom(project: Project) -> None:
    failed_run(project)
    done = project.command("notify")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"nobody is to be told: {ADDRESSES} is not set\n"
    assert not (project.path / TOLD).exists()


def test_a_failure_arrives_by_http_and_by_mail_with_its_sentence(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed_run(project)
    text = "- inference failed with code 30, a task failed; QualityCheck: Age: 3 of 4"
    with http_receiver() as (http, posted), mail_receiver() as (mail, mails):
        monkeypatch.setenv(ADDRESSES, f"{http} {mail}")
        done = project.command("notify")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Loan pipeline: failure (2 of 2 addresses)\n"
    (message,) = posted
    assert (message["title"], message["message"]) == ("Loan pipeline: failure", text)
    (letter,) = mails
    assert letter["Subject"] == message["title"]
    assert letter["To"] == "risk@example.org"
    assert plain_text(letter).strip() == text


def test_a_run_without_news_sends_nothing(project: Project, receiver: list[dict[str, Any]]) -> None:
    failed_run(project)
    project.command("notify")
    done = project.command("notify")
    assert done.stdout == "nothing is new\n"
    assert len(receiver) == 1


def test_a_dead_receiver_is_a_warning_and_the_next_run_tells_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed_run(project)
    monkeypatch.setenv(ADDRESSES, DEAD)
    done = project.command("notify")
    assert done.returncode == 0
    assert done.stderr == (
        f"warning: 1 of 1 addresses in {ADDRESSES} did not take the message; "
        "the next run tries again\n"
    )
    assert not (project.path / TOLD).exists()
    with http_receiver() as (address, arrived):
        monkeypatch.setenv(ADDRESSES, f"{DEAD} {address}")
        done = project.command("notify")
        assert done.stderr == (
            f"warning: 1 of 2 addresses in {ADDRESSES} did not take the message\n"
        )
        assert project.command("notify").stdout == "nothing is new\n"
    assert "inference failed" in arrived[0]["message"]
    assert len(arrived) == 1


@pytest.mark.parametrize("address", [DEAD, f"nonsense://{SECRET}", SECRET])
def test_an_address_is_never_printed_nor_written(
    project: Project, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    failed_run(project)
    monkeypatch.setenv(ADDRESSES, address)
    done = project.command("notify")
    assert done.returncode == 0
    assert done.stderr.startswith("warning: ")
    assert SECRET not in done.stdout + done.stderr
    for path in (project.path / "logs").rglob("*"):
        assert not path.is_file() or SECRET not in path.read_text()


def test_luigi_cfg_says_of_what_people_are_told(
    project: Project, receiver: list[dict[str, Any]]
) -> None:
    failed_run(project)
    cfg = project.path / "luigi.cfg"
    shipped = cfg.read_text()
    cfg.write_text(f"{shipped}\n[notify]\nevents = promotion,rejection\n")
    assert project.command("notify").stdout == "nothing is new\n"
    assert receiver == []
    cfg.write_text(f"{shipped}\n[notify]\nevents = promotions\n")
    done = project.command("notify")
    assert done.returncode == 1
    assert done.stderr.startswith("error: luigi.cfg: [notify] events = promotions is not allowed: ")


# --- after real runs --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that was run before loans from April 2024 on had no clickstream."""
    path = tmp_path_factory.mktemp("outage") / "project"
    drift = "--drift clickstream-outage --drift-from 2024-04"
    return deployed(Project.create(path, drift=drift))


@pytest.mark.slow
def test_one_message_a_run_tells_of_an_incident_and_later_that_it_was_closed(
    outage: Project, receiver: list[dict[str, Any]]
) -> None:
    done = scheduled(outage, "monitoring")
    assert done.returncode == 0, done.stderr
    assert receiver == []  # cron knows nothing of this environment
    outage.command("notify")
    (opened,) = receiver
    assert opened["title"] == "Loan pipeline: incident"
    assert opened["message"] == f"- incident since Jul 2024: {OUTAGE}"
    words = ("--extract", "feature_clickstream", "--reason", "Jane Doe says that it is over")
    assert outage.command("close-incident", *words).returncode == 0
    assert scheduled(outage, "monitoring").returncode == 0
    outage.command("notify")
    _, closed = receiver
    assert closed["title"].startswith("Loan pipeline: incident closed")
    assert f"- closed: incident since Jul 2024: {OUTAGE}" in closed["message"]
    assert "Jane" not in closed["message"]


@pytest.mark.slow
def test_a_scheduled_run_tells_of_its_own_end_and_a_sunday_of_the_challenger(
    project: Project,
) -> None:
    with http_receiver() as (address, arrived):
        deployed(project, LOAN_PIPELINE_NOTIFY=address)
        assert scheduled(project, "health").returncode == 0
        assert scheduled(project, "training").returncode == 0
        assert scheduled(project, "monitoring").returncode == 0
        extract = project.path / "data" / "lms_loan_daily.csv"
        delivered = extract.read_bytes()
        extract.unlink()
        failed = scheduled(project, "inference")
        extract.write_bytes(delivered)
        assert scheduled(project, "inference").returncode == 0
    asked, judged, broken, well = (each["message"] for each in arrived)
    assert asked == "- a retrain is asked for, generation 2, on 2025-11-01: scheduled"
    assert judged.startswith("- generation 2 is ")
    assert broken.startswith(f"- inference failed with code {failed.returncode}")
    assert "data/lms_loan_daily.csv: no such file" in broken
    assert well == "- inference is back to ok"
    assert "Loan pipeline: ok (1 of 1 addresses)" in log(project, "inference")


def test_of_a_defect_only_the_stage_is_told_not_what_the_traceback_quotes(
    project: Project,
) -> None:
    project.edit(
        "luigi_tasks/layers/gold_table.py",
        "from __future__ import annotations\n",
        "from __future__ import annotations\n\nraise KeyError('CUS_0x1')\n",
    )
    with http_receiver() as (address, arrived):
        deployed(project, LOAN_PIPELINE_NOTIFY=address)
        assert scheduled(project, "inference").returncode == 30
    (message,) = arrived
    assert "CUS_0x1" in log(project, "inference")
    assert message["message"] == (
        "- inference failed with code 30, a task failed; GoldFeatures: a defect"
    )


def test_a_dead_receiver_does_not_fail_a_scheduled_run(project: Project) -> None:
    deployed(project, LOAN_PIPELINE_NOTIFY=DEAD)
    failed_run(project)
    done = scheduled(project, "training")
    assert done.returncode == record(project, "training")["code"] == 0
    assert done.stderr.startswith("warning: 1 of 1 addresses in LOAN_PIPELINE_NOTIFY did not")
    assert SECRET not in done.stderr + log(project, "training")
