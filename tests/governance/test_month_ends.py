"""Decisions do not depend on when governance is run, and people's acts are part of the trail."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from running import Project

pytestmark = pytest.mark.slow

DAYS = [f"2024-{month:02}-01" for month in range(7, 13)]


def trail(project: Project) -> str:
    return (project.path / "datamart" / "governance" / "decisions.jsonl").read_text()


def decisions(project: Project) -> list[dict]:
    return [json.loads(line) for line in trail(project).splitlines()]


def generations(project: Project) -> dict[str, int]:
    """Which generation has scored each month."""
    scored = pd.read_parquet(project.path / "datamart/gold/model_predictions.parquet")
    return scored.groupby(scored["prediction_date"].astype(str))["generation"].max().to_dict()


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose concept changes with the vintage of April 2024; it has not run yet."""
    path = tmp_path_factory.mktemp("months") / "project"
    project = Project.create(path, customers=5000, drift="--drift concept --drift-from 2024-04")
    project.edit("params.yaml", "min_matured: 150", "min_matured: 100")
    project.edit("params.yaml", "min_new_labels: 150", "min_new_labels: 100")
    return project


@pytest.fixture(scope="module")
def late(drifted: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """It has run once, at the end."""
    project = drifted.copy(tmp_path_factory.mktemp("late") / "project")
    done = project.luigi("Pipeline", "--as-of", DAYS[-1])
    assert done.returncode == 0, done.stderr[-3000:]
    return project


def test_one_run_at_the_end_writes_the_trail_of_monthly_runs_line_by_line(
    drifted: Project, late: Project, tmp_path: Path
) -> None:
    monthly = drifted.copy(tmp_path / "project")
    for day in DAYS:
        done = monthly.luigi("Pipeline", "--as-of", day)
        assert done.returncode == 0, done.stderr[-3000:]
    assert trail(late).splitlines() == trail(monthly).splitlines()
    assert {"retrain", "promote"} <= {d["action"] for d in decisions(late)}
    table = "datamart/gold/model_predictions.parquet"
    assert late.digests(table) == monthly.digests(table)
    assert late.built_by("Pipeline", "--as-of", DAYS[-1]) == []


def test_registry_says_who_scored_on_a_day_and_which_decision_stands_behind_it(
    late: Project,
) -> None:
    said = late.command("registry", "--on", "2024-11-15").stdout
    assert "generation 2" in said
    assert "promote" in said
    assert decisions(late)[-1]["facts"]["model"] in said
    assert "generation 1" in late.command("registry", "--on", "2024-08-15").stdout


def test_the_cards_of_both_champions_tell_what_was_decided_on_them(late: Project) -> None:
    first, second = (
        (late.path / f"reports/model_cards/model_card_{g}.md").read_text() for g in (1, 2)
    )
    promoted = next(d for d in decisions(late) if d["action"] == "promote")
    assert f"since {promoted['as_of']} it is generation 2" in first
    assert f"It is champion since {promoted['as_of']}." in second
    assert f"Ruling: promoted on {promoted['as_of']}: {promoted['reason']}." in second
    swapped = promoted["facts"]["swapped_out"]["loans"]
    assert re.search(rf"^\| swapped out .*\| +{swapped} loans", second, re.M)


def test_who_rolls_back_has_the_champion_before_score_from_the_next_month_on(
    late: Project, tmp_path: Path
) -> None:
    project = late.copy(tmp_path / "project")
    before = generations(project)
    words = ("--generation", "1", "--reason", "limits are unclear", "--as-of", DAYS[-1])
    done = project.luigi("RollbackModel", *words)
    assert done.returncode == 0, done.stderr[-3000:]
    entry = decisions(project)[-1]
    assert (entry["action"], entry["generation"]) == ("rollback", 1)
    assert project.luigi("Pipeline", "--as-of", "2025-01-01").returncode == 0
    after = generations(project)
    assert {month: after[month] for month in before} == before
    assert after["2025-01-01"] == 1
    done = project.luigi("RollbackModel", "--generation", "7", "--reason", "x")
    assert "no decision has raised generation 7" in done.stderr


def test_a_requested_retraining_is_a_challenger_that_has_to_earn_its_place(
    late: Project, tmp_path: Path
) -> None:
    project = late.copy(tmp_path / "project")
    words = ("--reason", "scheduled", "--as-of", DAYS[-1])
    done = project.luigi("RequestRetraining", *words)
    assert done.returncode == 0, done.stderr[-3000:]
    assert project.luigi("RequestRetraining", *words).returncode == 0  # done already
    again = project.luigi("RequestRetraining", "--reason", "once more", "--as-of", DAYS[-1])
    assert "generation 3 is a challenger that has not been judged yet" in again.stderr
    built = project.built_by("Pipeline", "--as-of", DAYS[-1])
    assert "BestModel(generation=3)" in built
    request, ruling = decisions(project)[-2:]
    assert (request["action"], request["next_generation"]) == ("request_retraining", 3)
    assert (ruling["action"], ruling["generation"]) == ("reject", 3)
    assert "not 0.01 better beyond chance" in ruling["reason"]
    words = ("--generation", "3", "--reason", "we know better", "--as-of", DAYS[-1])
    assert project.luigi("PromoteModel", *words).returncode == 0
    assert project.luigi("Pipeline", "--as-of", "2025-01-01").returncode == 0
    assert generations(project)["2025-01-01"] == 3


def test_a_challenger_in_shadow_is_scored_beside_the_champion_and_judged_later(
    drifted: Project, tmp_path: Path
) -> None:
    project = drifted.copy(tmp_path / "project")
    project.edit("params.yaml", "shadow_months: 0", "shadow_months: 1")
    done = project.luigi("Pipeline", "--as-of", "2025-01-01")
    assert done.returncode == 0, done.stderr[-3000:]
    actions = [(d["as_of"], d["action"]) for d in decisions(project)]
    asked = next(day for day, action in actions if action == "retrain")
    judged = next(day for day, action in actions if action in ("promote", "reject"))
    assert (asked, judged) == ("2024-11-01", "2024-12-01")
    assert generations(project)["2024-12-01"] == 1
    assert generations(project)["2025-01-01"] == 2
    shadow = pd.read_parquet(project.path / "datamart/gold/shadow_scores_2.parquet")
    assert str(shadow["prediction_date"].min()) == "2024-12-01"
    assert (shadow["shadow_proba"] != shadow["prediction_proba"]).any()
