"""Governance retrains on a breach that is well founded, once, and leaves a trail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import day

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.generations import audit_trail as decisions
from luigi_tasks.governance.task import breaches, decide

LIMITS = {"min_auc": 0.70, "max_psi": 0.20, "min_matured": 300, "min_scored": 300}


def month(name: str = "2024-09-01", **values: Any) -> dict[str, Any]:
    """A month of monitoring that breaks no limit."""
    sound = {
        "month": day(name),
        "generation": 1,
        "sample": "live",
        "n_new_labels": 100,
        "window_n": 900,
        "window_n_matured": 500,
        "window_auc": 0.85,
        "window_auc_low": 0.80,
        "window_auc_high": 0.90,
        "window_psi": 0.05,
    }
    return {**sound, **values}


def verdict(*months: dict[str, Any], generation: int = 1) -> tuple[str, str, int]:
    return decide(pd.DataFrame(months), generation, LIMITS)


# --- the decision -----------------------------------------------------------------------------


def test_a_sound_month_keeps_the_model() -> None:
    assert verdict(month()) == ("keep", "no limit is broken", 100)


def test_an_auc_below_the_limit_retrains_and_tells_the_numbers() -> None:
    action, reason, _ = verdict(month(window_auc=0.65, window_auc_low=0.6, window_auc_high=0.7))
    assert action == "retrain"
    assert reason == (
        "AUC 0.6500 [0.6000, 0.7000] < 0.7 on 500 matured live loans up to 2024-09-01"
    )


def test_an_auc_of_exactly_the_limit_keeps_the_model() -> None:
    assert verdict(month(window_auc=0.70))[0] == "keep"
    assert verdict(month(window_auc=0.6999))[0] == "retrain"


def test_a_psi_of_exactly_the_limit_retrains() -> None:
    action, reason, _ = verdict(month(window_psi=0.20))
    assert action == "retrain"
    assert reason == "PSI 0.2000 >= 0.2 on 900 live loans up to 2024-09-01"
    assert verdict(month(window_psi=0.1999))[0] == "keep"


def test_both_breaches_are_told() -> None:
    _, reason, _ = verdict(month(window_auc=0.6, window_psi=0.3))
    assert reason.startswith("AUC 0.6000")
    assert "; PSI 0.3000" in reason


def test_an_auc_on_too_few_matured_loans_does_not_count() -> None:
    assert verdict(month(window_auc=0.5, window_n_matured=299))[0] == "keep"
    assert verdict(month(window_auc=0.5, window_n_matured=300))[0] == "retrain"


def test_a_psi_on_too_few_scored_loans_does_not_count() -> None:
    assert verdict(month(window_psi=0.9, window_n=299))[0] == "keep"
    assert verdict(month(window_psi=0.9, window_n=300))[0] == "retrain"


def test_each_limit_looks_at_its_newest_month_with_enough_loans() -> None:
    poor = month("2024-08-01", window_auc=0.5, window_psi=0.9)
    recovered = month("2024-09-01")
    assert breaches(pd.DataFrame([recovered, poor]), **LIMITS) == []
    unripe = month("2024-09-01", window_n_matured=10, window_auc=0.99)
    assert [b[:3] for b in breaches(pd.DataFrame([poor, unripe]), **LIMITS)] == ["AUC"]


@pytest.mark.parametrize("sample", ["test", "unseen"])
def test_only_live_loans_can_break_a_limit(sample: str) -> None:
    assert verdict(month(sample=sample, window_auc=0.5, window_psi=0.9))[0] == "keep"


def test_only_the_current_generation_is_judged() -> None:
    old, new = month(window_auc=0.5, n_new_labels=2), month(generation=2, n_new_labels=40)
    assert verdict(old, new, generation=2) == ("keep", "no limit is broken", 42)


def test_without_a_newly_matured_label_there_is_no_retrain() -> None:
    tested = month("2023-12-01", sample="test", n_new_labels=0)
    blind = month(n_new_labels=0, window_n_matured=0, window_auc=None, window_psi=0.5)
    action, reason, new_labels = verdict(tested, blind)
    assert (action, new_labels) == ("keep", 0)
    assert reason.endswith("but no label has matured since")


def test_before_the_first_live_loan_the_model_is_kept() -> None:
    assert verdict(month(sample="test"))[1] == "no live loan has been scored yet"


# --- the audit trail --------------------------------------------------------------------------


def decision(as_of: str, action: str = "keep", **values: Any) -> dict[str, Any]:
    return {"as_of": as_of, "action": action, "reason": "because", "evidence": as_of, **values}


def retrain(as_of: str, generation: int) -> dict[str, Any]:
    return decision(as_of, "retrain", next_generation=generation)


def test_each_line_of_the_trail_carries_the_hash_of_the_line_before(empty_project: Path) -> None:
    for as_of in ("2024-07-01", "2024-08-01", "2024-09-01"):
        decisions.append(decision(as_of))
    trail = decisions.read_trail()
    assert [line["as_of"] for line in trail] == ["2024-07-01", "2024-08-01", "2024-09-01"]
    assert trail[0]["previous"] == "0" * 64
    assert len({line["previous"] for line in trail}) == 3


@pytest.mark.parametrize(
    "tampering", ["altered", "removed", "swapped", "not JSON", "not an object"]
)
def test_a_line_that_was_tampered_with_is_noticed(empty_project: Path, tampering: str) -> None:
    for as_of in ("2024-07-01", "2024-08-01", "2024-09-01"):
        decisions.append(decision(as_of))
    path = decisions.trail_path()
    lines = path.read_text().splitlines()
    changed = {
        "altered": [lines[0], lines[1].replace("keep", "retrain"), lines[2]],
        "removed": [lines[0], lines[2]],
        "swapped": [lines[1], lines[0], lines[2]],
        "not JSON": [lines[0], "{", lines[2]],
        "not an object": [lines[0], "[]", lines[2]],
    }[tampering]
    path.write_text("\n".join(changed) + "\n")
    with pytest.raises(PipelineError, match="audit trail was altered"):
        decisions.read_trail()
    with pytest.raises(PipelineError, match="audit trail was altered"):
        decisions.append(decision("2024-10-01"))
    assert path.read_text() == "\n".join(changed) + "\n"


# --- the marker and the generations -----------------------------------------------------------


def test_without_a_decision_there_is_the_first_generation_and_a_marker_is_made(
    empty_project: Path,
) -> None:
    assert not decisions.marker_path().exists()
    assert decisions.current_generation() == 1
    marker = json.loads(decisions.marker_path().read_text())
    assert (marker["generation"], marker["train_until"]) == (1, None)


def test_a_missing_marker_is_made_again_from_the_trail(empty_project: Path) -> None:
    decisions.append(retrain("2024-09-01", 2))
    decisions.append(decision("2024-10-01"))
    marker = decisions.read_marker()
    assert marker == {"generation": 2, "train_until": "2024-09-01", "reason": "because"}


def test_a_marker_ahead_of_the_trail_is_refused(empty_project: Path) -> None:
    decisions.write_marker({"generation": 2})
    with pytest.raises(PipelineError, match=r"names generation 2, but .* holds no decision for it"):
        decisions.read_marker()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"generation": "two"}'])
def test_a_marker_that_cannot_be_read_is_refused(empty_project: Path, text: str) -> None:
    decisions.read_marker()
    decisions.marker_path().write_text(text)
    with pytest.raises(PipelineError, match=r"retrain_marker\.json: the marker is not JSON"):
        decisions.read_marker()


@pytest.mark.parametrize("generation", [0, -1, 1.5])
def test_a_marker_with_an_impossible_generation_is_refused(
    empty_project: Path, generation: float
) -> None:
    decisions.write_marker({"generation": generation})
    with pytest.raises(PipelineError, match=r"retrain_marker\.json"):
        decisions.read_marker()


@pytest.fixture
def three_generations(empty_project: Path) -> None:
    for line in (decision("2024-08-01"), retrain("2024-09-01", 2), retrain("2024-12-01", 3)):
        decisions.append(line)
    decisions.write_marker(decisions.marker_for(decisions.read_trail()))


@pytest.mark.usefixtures("three_generations")
def test_a_day_knows_the_generations_that_were_raised_until_then() -> None:
    days = ("2024-08-31", "2024-09-01", "2024-11-30", "2024-12-01")
    assert [decisions.current_generation(day(d)) for d in days] == [1, 2, 2, 3]
    assert decisions.current_generation() == 3


@pytest.mark.usefixtures("three_generations")
def test_a_generation_scores_from_the_day_after_it_was_raised() -> None:
    days = ("2024-08-31", "2024-09-01", "2024-09-02", "2024-12-01", "2024-12-02")
    assert [decisions.scoring_generation(day(d), 3) for d in days] == [1, 1, 2, 2, 3]
    assert decisions.scoring_generation(day("2025-01-01"), 2) == 2


@pytest.mark.usefixtures("three_generations")
def test_a_generation_knows_labels_until_the_day_of_its_decision() -> None:
    assert [decisions.train_until(g) for g in (1, 2, 3)] == [None, "2024-09-01", "2024-12-01"]
    with pytest.raises(PipelineError, match="no decision has raised generation 4"):
        decisions.train_until(4)
