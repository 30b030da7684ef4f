"""The audit trail cannot be altered unseen; the marker and the generations follow from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import day

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.generations import audit_trail, marker, registry
from luigi_tasks.generations.audit_trail import Decision
from luigi_tasks.generations.marker import Marker

# --- the audit trail --------------------------------------------------------------------------


def decision(as_of: str, **values: Any) -> Decision:
    sound = {
        "as_of": day(as_of),
        "generation": 1,
        "action": "keep",
        "reason": "because",
        "newly_matured_labels": 0,
        "limits": {},
        "evidence": as_of,
    }
    return Decision(**{**sound, **values})


def retrain(as_of: str, generation: int) -> Decision:
    return decision(as_of, action="retrain", generation=generation - 1, next_generation=generation)


def test_each_line_of_the_trail_carries_the_hash_of_the_line_before(empty_project: Path) -> None:
    for as_of in ("2024-07-01", "2024-08-01", "2024-09-01"):
        audit_trail.append(decision(as_of))
    trail = audit_trail.read_trail()
    assert [str(line.as_of) for line in trail] == ["2024-07-01", "2024-08-01", "2024-09-01"]
    assert trail[0].previous == "0" * 64
    assert len({line.previous for line in trail}) == 3


@pytest.mark.parametrize(
    "tampering", ["altered", "removed", "swapped", "not JSON", "not an object"]
)
def test_a_line_that_was_tampered_with_is_noticed(empty_project: Path, tampering: str) -> None:
    for as_of in ("2024-07-01", "2024-08-01", "2024-09-01"):
        audit_trail.append(decision(as_of))
    path = audit_trail.trail_path()
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
        audit_trail.read_trail()
    with pytest.raises(PipelineError, match="audit trail was altered"):
        audit_trail.append(decision("2024-10-01"))
    assert path.read_text() == "\n".join(changed) + "\n"


# --- the marker and the generations -----------------------------------------------------------


def test_without_a_decision_there_is_the_first_generation_and_a_marker_is_made(
    empty_project: Path,
) -> None:
    assert not marker.marker_path().exists()
    assert registry.current_generation() == 1
    made = json.loads(marker.marker_path().read_text())
    assert (made["generation"], made["train_until"]) == (1, None)


def test_a_missing_marker_is_made_again_from_the_trail(empty_project: Path) -> None:
    audit_trail.append(retrain("2024-09-01", 2))
    audit_trail.append(decision("2024-10-01"))
    assert marker.read_marker() == Marker(
        generation=2, train_until=day("2024-09-01"), reason="because"
    )


def test_a_marker_ahead_of_the_trail_is_refused(empty_project: Path) -> None:
    marker.write_marker(Marker(generation=2, train_until=None, reason="forged"))
    with pytest.raises(PipelineError, match=r"names generation 2, but .* holds no decision for it"):
        marker.read_marker()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"generation": "two"}'])
def test_a_marker_that_cannot_be_read_is_refused(empty_project: Path, text: str) -> None:
    marker.read_marker()
    marker.marker_path().write_text(text)
    with pytest.raises(PipelineError, match=r"retrain_marker\.json: the marker is not JSON"):
        marker.read_marker()


@pytest.mark.parametrize("generation", [0, -1, 1.5])
def test_a_marker_with_an_impossible_generation_is_refused(
    empty_project: Path, generation: float
) -> None:
    marker.read_marker()
    text = json.dumps({"generation": generation, "train_until": None, "reason": "forged"})
    marker.marker_path().write_text(text)
    with pytest.raises(PipelineError, match=r"retrain_marker\.json"):
        marker.read_marker()


@pytest.fixture
def three_generations(empty_project: Path) -> None:
    for line in (decision("2024-08-01"), retrain("2024-09-01", 2), retrain("2024-12-01", 3)):
        audit_trail.append(line)
    marker.write_marker(marker.marker_for(audit_trail.read_trail()))


@pytest.mark.usefixtures("three_generations")
def test_a_day_knows_the_generations_that_were_raised_until_then() -> None:
    days = ("2024-08-31", "2024-09-01", "2024-11-30", "2024-12-01")
    assert [registry.current_generation(day(d)) for d in days] == [1, 2, 2, 3]
    assert registry.current_generation() == 3


@pytest.mark.usefixtures("three_generations")
def test_a_generation_scores_from_the_day_after_it_was_raised() -> None:
    days = ("2024-08-31", "2024-09-01", "2024-09-02", "2024-12-01", "2024-12-02")
    assert [registry.scoring_generation(day(d), 3) for d in days] == [1, 1, 2, 2, 3]
    assert registry.scoring_generation(day("2025-01-01"), 2) == 2


@pytest.mark.usefixtures("three_generations")
def test_a_generation_knows_labels_until_the_day_of_its_decision() -> None:
    assert [registry.train_until(g) for g in (1, 2, 3)] == [
        None,
        day("2024-09-01"),
        day("2024-12-01"),
    ]
    with pytest.raises(PipelineError, match="no decision has raised generation 4"):
        registry.train_until(4)
