"""An outage is an incident, not a reason to retrain, and only a person closes it before its end."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from running import Project

CLOSE = ("CloseIncident", "--extract", "feature_clickstream", "--reason", "the vendor is gone")
WORDS = "feature_clickstream has no rows for new loans"


def decisions(project: Project) -> list[dict]:
    path = project.path / "datamart" / "governance" / "decisions.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def incidents(project: Project) -> list[dict]:
    return pq.read_table(
        project.path / "datamart/gold/incidents.parquet/part-00000.parquet"
    ).to_pylist()


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose clickstream has no rows for loans that start in April 2024 or later."""
    path = tmp_path_factory.mktemp("outage") / "project"
    drift = "--drift clickstream-outage --drift-from 2024-04"
    project = Project.create(path, customers=1_200, drift=drift)
    for task in ("Governance", "Incidents"):
        done = project.luigi(task)
        assert done.returncode == 0, done.stderr[-3000:]
    return project


def test_an_outage_is_one_incident_and_no_reason_to_retrain(outage: Project) -> None:
    (incident,) = incidents(outage)
    assert str(incident["first_month"]) == "2024-07-01"
    assert incident["is_open"]
    assert {d["as_of"] for d in decisions(outage)} >= {"2024-07-01", "2025-11-01"}
    for decision in decisions(outage):
        assert (decision["action"], decision["state"]) == ("keep", "incident")
        assert decision["reason"].startswith(f"incident since Jul 2024: {WORDS}")
    summary = outage.command("summary").stdout
    assert f"keep, incident on 2025-11-01: incident since Jul 2024: {WORDS}" in summary
    assert f"\nincident  incident since Jul 2024: {WORDS}" in summary


def test_who_closes_an_incident_is_followed_by_a_decision_without_it(
    outage: Project, tmp_path: Path
) -> None:
    project = outage.copy(tmp_path / "project")
    before = decisions(project)
    closed = project.luigi(*CLOSE)
    assert closed.returncode == 0, closed.stderr[-3000:]
    assert decisions(project)[-1]["who"]
    assert decisions(project)[-1]["action"] == "close_incident"
    assert decisions(project)[-1]["reason"] == "the vendor is gone"
    marker = json.loads(
        (project.path / "datamart" / "governance" / "retrain_marker.json").read_text()
    )
    assert marker["closed_incidents"] == ["feature_clickstream 2025-11-01"]
    assert project.luigi("Governance").returncode == 0
    assert project.built_by("Incidents") == ["Incidents(as_of=2025-11-01, generation=1)"]
    (incident,) = incidents(project)
    assert (incident["is_open"], incident["closed_because"]) == (False, "the vendor is gone")
    after = decisions(project)
    assert after[: len(before)] == before
    assert [d["action"] for d in after[len(before) :]] == ["close_incident", "keep"]
    assert after[-1]["as_of"] == "2025-11-01"
    assert after[-1]["state"] != "incident"
    assert project.luigi(*CLOSE).returncode == 0  # done already
    assert decisions(project) == after


def test_an_extract_without_an_open_incident_cannot_be_closed(
    outage: Project, tmp_path: Path
) -> None:
    project = outage.copy(tmp_path / "project")
    before = decisions(project)
    words = ("--extract", "lms_loan_daily", "--reason", "why not")
    done = project.luigi("CloseIncident", *words)
    assert done.returncode != 0
    assert "--extract lms_loan_daily: on 2025-11-01 no incident is open" in done.stderr
    assert decisions(project) == before


def test_nobody_closes_an_incident_without_a_reason(outage: Project) -> None:
    done = outage.luigi("CloseIncident", "--extract", "feature_clickstream", "--reason", " ")
    assert done.returncode != 0
    assert "--reason: say why, for the audit trail" in done.stderr
