"""Months can be lived through again in a place of their own, under today's settings or others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import day
from running import Project

from luigi_tasks.generations.audit_trail import Entry
from luigi_tasks.replay.lived import MEASURES, months_lived
from luigi_tasks.replay.policies import as_text, differing, in_span, summary

pytestmark = pytest.mark.slow

EARLIER = ("--start", "2024-07", "--end", "2024-11")
LATER = ("--start", "2024-07", "--end", "2025-04")


def replay(project: Project, *options: str) -> Any:
    """The document of a replay."""
    done = project.luigi("Replay", *options)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((project.path / "reports" / "replay.json").read_text())


def place(project: Project, way: str) -> Path:
    """Where a replay of today's settings has run; there is only one."""
    (found,) = (project.path / ".cache" / "replay").glob(f"*/*/{way}")
    return found


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose concept changes with the vintage of April 2024; it has run nothing yet."""
    path = tmp_path_factory.mktemp("replay") / "project"
    project = Project.create(path, customers=5000, drift="--drift concept --drift-from 2024-04")
    project.edit("params.yaml", "min_matured: 150", "min_matured: 100")
    project.edit("params.yaml", "min_new_labels: 150", "min_new_labels: 100")
    return project


@pytest.fixture(scope="module")
def replayed(drifted: Project) -> tuple[Project, Any]:
    """The same after a replay, and its document."""
    return drifted, replay(drifted, *LATER)


def test_a_replay_says_month_by_month_what_governance_would_have_been_worth(
    replayed: tuple[Project, Any],
) -> None:
    project, told = replayed
    (policy,) = told["policies"]
    on, off = policy["governance_on"], policy["governance_off"]
    assert [month["month"] for month in on] == [
        *(f"2024-{month:02}" for month in range(7, 13)),
        *(f"2025-{month:02}" for month in range(1, 5)),
    ]
    promoted = next(i for i, month in enumerate(on) if month["promotions"])
    assert on[promoted]["retrains"] == [2]
    assert [month["generation"] for month in on[promoted + 1 :]] == [2] * (len(on) - promoted - 1)
    assert {month["generation"] for month in off} == {1}
    assert on[:promoted] == off[:promoted]
    since = [
        (a, b) for a, b in zip(on, off, strict=True) if a["generation"] == 2 and a["n_matured"]
    ]
    assert since
    assert all(a["auc"] > b["auc"] for a, b in since)
    assert policy["summary"]["first_promotion"] == on[promoted]["month"]
    assert policy["summary"]["mean_difference"] > 0.05
    assert (project.path / "reports" / "replay.png").stat().st_size > 10_000


def test_only_the_two_reports_are_new_outside_the_place_of_a_replay(
    replayed: tuple[Project, Any],
) -> None:
    project, _ = replayed
    assert set(project.digests()) == {"reports/replay.json", "reports/replay.png"}


def test_a_later_end_reuses_the_months_before_it_and_says_what_one_replay_says(
    replayed: tuple[Project, Any], tmp_path: Path
) -> None:
    at_once, told = replayed
    project = at_once.copy(tmp_path / "project")
    shutil.rmtree(project.path / ".cache" / "replay")
    earlier = replay(project, *EARLIER)
    trail = place(project, "on") / "datamart" / "governance" / "decisions.jsonl"
    log = place(project, "on") / "logs" / "task_history.jsonl"
    decided, built = trail.read_bytes(), log.read_bytes()
    assert replay(project, *LATER) == told
    assert project.digests("reports") == at_once.digests("reports")
    assert trail.read_bytes().startswith(decided)
    assert len(trail.read_bytes()) > len(decided)
    assert log.read_bytes().startswith(built)
    assert log.read_text().count('"task": "BestModel(generation=2)"') == 1
    assert project.built_by("Replay", *LATER) == []
    assert replay(project, *EARLIER) == earlier
    assert (
        project.path.joinpath("logs/task_history.jsonl").read_text().count('"task": "Replay(') == 4
    )


def test_a_policy_is_compared_with_todays_in_one_table(
    replayed: tuple[Project, Any], tmp_path: Path
) -> None:
    project = replayed[0].copy(tmp_path / "project")
    params = project.path / "params.yaml"
    (project.path / "lenient.yaml").write_text(
        params.read_text().replace("min_auc: 0.70 ", "min_auc: 0.10 ")
    )
    done = project.luigi("Replay", *LATER, "--params", "lenient.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads((project.path / "reports" / "replay.json").read_text())
    today, lenient = told["policies"]
    assert [today, lenient["params"]] == [*replayed[1]["policies"], "lenient.yaml"]
    assert told["differs"] == {"governance.min_auc": [0.7, 0.1]}
    assert lenient["summary"]["retrains"] == 0
    assert lenient["summary"]["mean_difference"] is None
    assert lenient["governance_on"] == lenient["governance_off"]
    table = done.stderr.partition("params.yaml  lenient.yaml\n")[2].splitlines()
    assert table[0].split() == ["governance.min_auc", "0.7", "0.1"]
    assert table[1].split() == ["retrains", "1", "0"]


def test_what_the_project_has_made_is_not_made_again_and_stays_as_it_is(project: Project) -> None:
    before = project.digests()
    replay(project, *EARLIER)
    after = project.digests()
    assert set(after) - set(before) == {"reports/replay.json", "reports/replay.png"}
    assert {name: after[name] for name in before} == before
    lines = (place(project, "off") / "logs" / "task_history.jsonl").read_text().splitlines()
    built = {json.loads(line)["task"].partition("(")[0] for line in lines}
    assert built == {"Predictions", "Monitoring", "Incidents", "LivedMonths"}


def test_a_wrong_replay_is_refused_in_one_sentence(project: Project) -> None:
    good = (project.path / "params.yaml").read_text()
    (project.path / "wrong.yaml").write_text(good.replace("min_auc: 0.70 ", "min_auc: 7 "))
    late = good.replace("train_until: auto", "train_until: 2024-10-15")
    (project.path / "late.yaml").write_text(late)
    cases = {
        ("2024-11", "2024-07", ""): "--end 2024-07 lies before --start 2024-11",
        ("2021-01", "2024-07", ""): "--start 2021-01 is not in the data, which begin on 2023-01-01",
        ("2024-07", "2031-01", ""): "--end 2031-01 is not in the data",
        ("2024-07", "2024-11", "no.yaml"): "no.yaml is missing in",
        ("2024-07", "2024-11", "wrong.yaml"): "wrong.yaml: governance.min_auc = 7 is not allowed",
        ("2024-07", "2024-11", "late.yaml"): "--start 2024-07: the first model knows labels until "
        "2024-10-15 (training.train_until of late.yaml)",
        ("2025-09", "2025-10", ""): "--start 2025-09 --end 2025-10: no loan has its prediction",
    }
    for (start, end, params), sentence in cases.items():
        done = project.luigi("Replay", "--start", start, "--end", end, "--params", params)
        assert done.returncode != 0
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr


def test_a_failure_in_the_place_of_a_replay_is_told_with_its_settings(project: Project) -> None:
    good = (project.path / "params.yaml").read_text()
    (project.path / "odd.yaml").write_text(good.replace("origins: 3", "origins: 99"))
    done = project.luigi("Replay", *EARLIER, "--params", "odd.yaml")
    assert done.returncode == 30
    assert "replay with odd.yaml: " in done.stderr
    assert "training.origins = 99 leaves no vintage to fit on" in done.stderr
    assert "Traceback" not in done.stderr


# --- what is told of months ----------------------------------------------------------------


def monitoring(*months: tuple[str, str]) -> pd.DataFrame:
    """A monitoring table of these months, each with a sample."""
    measures = {f"performing_{name}": 0.5 for name in MEASURES}
    rows = [
        {"month": day(month), "sample": sample, "generation": 1, **measures}
        for month, sample in months
    ]
    return pd.DataFrame(rows)


def test_a_decision_is_told_also_in_a_month_without_a_live_loan() -> None:
    table = monitoring(("2024-07-01", "live"), ("2024-06-01", "unseen"))
    raised = Entry(day("2024-08-01"), 1, "retrain", "worse", next_generation=2)
    first, second = months_lived(table, [], [raised])
    assert (first["month"], first["auc"], first["retrains"]) == ("2024-07", 0.5, [])
    assert (second["month"], second["auc"], second["retrains"]) == ("2024-08", None, [2])


def test_an_incident_is_told_in_every_month_that_it_lasts() -> None:
    table = monitoring(("2024-07-01", "live"), ("2024-08-01", "live"), ("2024-09-01", "live"))
    incident = {
        "extract": "feature_clickstream",
        "first_month": day("2024-08-01"),
        "last_month": day("2024-09-01"),
    }
    told = [month["incidents"] for month in months_lived(table, [incident], [])]
    assert told == [[], ["feature_clickstream"], ["feature_clickstream"]]


def test_the_difference_counts_only_months_after_the_promotion_that_are_known_both_ways() -> None:
    table = monitoring(*((f"2024-{month:02}-01", "live") for month in (7, 8, 9)))
    promotion = Entry(day("2024-08-01"), 2, "promote", "better")
    on = in_span(months_lived(table, [], [promotion]), day("2024-06-01"), day("2024-10-01"))
    off = in_span(months_lived(table, [], []), day("2024-06-01"), day("2024-10-01"))
    for month, auc in zip(on, (None, 0.7, 0.7, 0.9, None), strict=True):
        month["auc"] = auc
    found = summary(on, off)
    assert (found["months_since_promotion"], found["first_promotion"]) == (1, "2024-08")
    assert found["mean_difference"] == pytest.approx(0.4)
    assert found["mean_auc_off"] == 0.5
    assert summary(off, off)["mean_difference"] is None


def test_only_settings_that_differ_stand_in_the_table() -> None:
    assert differing([{"a": 1, "b": 2}, {"a": 1, "b": 3}]) == {"b": [2, 3]}
    assert as_text([["", "one"], ["rejections", "0"]]) == "            one\nrejections    0"
