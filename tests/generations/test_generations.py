"""The audit trail cannot be altered unseen; the marker and the generations follow from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from conftest import day

from luigi_tasks.core import signing
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.generations import audit_trail, marker, registry
from luigi_tasks.generations.audit_trail import Entry
from luigi_tasks.generations.marker import Marker

# --- the audit trail --------------------------------------------------------------------------


def decision(as_of: str, **values: Any) -> Entry:
    sound = {
        "as_of": day(as_of),
        "generation": 1,
        "action": "keep",
        "reason": "because",
        "newly_matured_labels": 0,
        "limits": {},
        "evidence": as_of,
    }
    return Entry(**{**sound, **values})


def retrain(as_of: str, generation: int) -> Entry:
    return decision(as_of, action="retrain", generation=generation - 1, next_generation=generation)


def promote(as_of: str, generation: int) -> Entry:
    return decision(as_of, action="promote", generation=generation)


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
    assert registry.generations() == [1]
    audit_trail.settle_marker()
    made = json.loads(marker.marker_path().read_text())
    assert (made["generation"], made["train_until"]) == (1, None)


def test_the_marker_says_what_the_trail_comes_to(empty_project: Path) -> None:
    audit_trail.append(retrain("2024-09-01", 2))
    audit_trail.append(promote("2024-09-01", 2))
    audit_trail.append(decision("2024-10-01"))
    lines = audit_trail.read_lines()
    assert marker.read_marker() == Marker(
        generation=2,
        train_until=day("2024-09-01"),
        reason="because",
        champion=2,
        champions=["2024-09-01 2"],
        entries=3,
        head=audit_trail.hash_of(lines[-1]),
    )


def test_a_marker_ahead_of_the_trail_is_refused(empty_project: Path) -> None:
    marker.write_marker(Marker(generation=2, train_until=None, reason="forged"))
    with pytest.raises(PipelineError, match=r"names generation 2, but .* holds no decision for it"):
        audit_trail.read_trail()


def test_an_end_that_was_cut_off_is_noticed_by_the_marker(empty_project: Path) -> None:
    for as_of in ("2024-07-01", "2024-08-01", "2024-09-01"):
        audit_trail.append(decision(as_of))
    path = audit_trail.trail_path()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(PipelineError, match="line 3 is missing"):
        audit_trail.read_trail()
    path.unlink()
    with pytest.raises(PipelineError, match="line 1 is missing"):
        audit_trail.read_trail()


def test_a_line_that_was_added_by_hand_is_noticed_by_the_marker(empty_project: Path) -> None:
    audit_trail.append(decision("2024-07-01"))
    told = marker.read_marker()
    audit_trail.append(decision("2024-08-01", action="retrain", next_generation=2))
    assert told
    marker.write_marker(told)  # as it was before: nobody has told the marker
    with pytest.raises(PipelineError, match="line 2 was added by nobody"):
        audit_trail.read_trail()


def test_a_chain_that_was_written_anew_is_noticed_by_the_marker(empty_project: Path) -> None:
    audit_trail.append(decision("2024-07-01"))
    told = marker.read_marker()
    assert told
    audit_trail.trail_path().unlink()
    marker.marker_path().unlink()
    audit_trail.append(decision("2024-07-01", reason="forged"))
    marker.write_marker(told)
    with pytest.raises(PipelineError, match="line 1 is not the one that the marker names"):
        audit_trail.read_trail()


def test_a_trail_without_its_marker_is_refused(empty_project: Path) -> None:
    audit_trail.append(decision("2024-07-01"))
    marker.marker_path().unlink()
    with pytest.raises(PipelineError, match=r"retrain_marker\.json, .* is missing"):
        audit_trail.read_trail()


@pytest.mark.parametrize("written", [False, True])
def test_a_run_that_was_killed_while_it_added_a_line_leaves_a_trail_that_holds(
    empty_project: Path, written: bool
) -> None:
    audit_trail.append(decision("2024-07-01"))
    before = audit_trail.trail_path().read_bytes(), marker.read_marker()
    audit_trail.append(decision("2024-08-01"))
    (first, second), told = audit_trail.read_lines(), before[1]
    assert told
    coming = msgspec.structs.replace(told, coming=audit_trail.hash_of(second))
    marker.write_marker(coming)  # what is written first
    if not written:
        audit_trail.trail_path().write_bytes(first + b"\n")
    assert len(audit_trail.read_trail()) == 1 + written
    audit_trail.append(decision("2024-09-01"))
    assert len(audit_trail.read_trail()) == 2 + written
    assert audit_trail.is_marker_settled()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"generation": "two"}'])
def test_a_marker_that_cannot_be_read_is_refused(empty_project: Path, text: str) -> None:
    audit_trail.settle_marker()
    marker.marker_path().write_text(text)
    with pytest.raises(PipelineError, match=r"retrain_marker\.json: the marker is not JSON"):
        marker.read_marker()


def test_a_byte_that_is_no_text_is_refused_like_any_other_in_trail_and_marker(
    three_generations: None,
) -> None:
    for path, read in (
        (audit_trail.trail_path(), audit_trail.read_trail),
        (marker.marker_path(), marker.read_marker),
    ):
        data = path.read_bytes()
        start = data.index(b"because")
        path.write_bytes(data[:start] + b"\xe1" + data[start + 1 :])
        with pytest.raises(PipelineError, match=path.name):
            read()
        path.write_bytes(data)
        read()


@pytest.mark.parametrize("generation", [0, -1, 1.5])
def test_a_marker_with_an_impossible_generation_is_refused(
    empty_project: Path, generation: float
) -> None:
    audit_trail.settle_marker()
    text = json.dumps({"generation": generation, "train_until": None, "reason": "forged"})
    marker.marker_path().write_text(text)
    with pytest.raises(PipelineError, match=r"retrain_marker\.json"):
        marker.read_marker()


@pytest.fixture
def three_generations(empty_project: Path) -> None:
    for line in (
        decision("2024-08-01"),
        retrain("2024-09-01", 2),
        promote("2024-09-01", 2),
        retrain("2024-12-01", 3),
        promote("2025-01-01", 3),
    ):
        audit_trail.append(line)


@pytest.mark.usefixtures("three_generations")
def test_a_day_knows_the_generations_that_were_raised_until_then() -> None:
    days = ("2024-08-31", "2024-09-01", "2024-11-30", "2024-12-01")
    assert [registry.generations(day(d))[-1] for d in days] == [1, 2, 2, 3]
    assert registry.generations() == [1, 2, 3]


@pytest.mark.usefixtures("three_generations")
def test_a_champion_reigns_from_the_day_after_its_promotion() -> None:
    days = ("2024-08-31", "2024-09-01", "2024-09-02", "2025-01-01", "2025-01-02")
    assert [registry.reigns(day(d))[-1].generation for d in days] == [1, 1, 2, 2, 3]
    assert registry.reigns(day("2025-02-01"), 2)[-1] == (day("2024-09-01"), 2)


@pytest.mark.usefixtures("three_generations")
def test_a_generation_is_a_challenger_until_it_is_judged() -> None:
    days = ("2024-08-31", "2024-09-01", "2024-12-01", "2024-12-31", "2025-01-01")
    assert [registry.challenger(day(d)) for d in days] == [None, None, 3, 3, None]


@pytest.mark.usefixtures("three_generations")
def test_after_a_rollback_the_champion_before_reigns_again() -> None:
    audit_trail.append(decision("2025-03-01", action="rollback", generation=1))
    assert [r.generation for r in registry.reigns(day("2025-03-02"))] == [1, 2, 3, 1]
    assert registry.reigns(day("2025-03-02"), 2)[-1] == (day("2024-09-01"), 2)


@pytest.mark.usefixtures("three_generations")
def test_a_generation_knows_labels_until_the_day_of_its_decision() -> None:
    asked = [registry.raised_by(g) for g in (1, 2, 3)]
    assert [entry and entry.as_of for entry in asked] == [
        None,
        day("2024-09-01"),
        day("2024-12-01"),
    ]
    with pytest.raises(PipelineError, match="no decision has raised generation 4"):
        registry.raised_by(4)


def test_decisions_fall_on_the_first_of_every_month() -> None:
    found = registry.decision_days(day("2024-11-01"), day("2025-02-15"))
    assert [str(each) for each in found] == ["2024-12-01", "2025-01-01", "2025-02-01"]
    assert registry.decision_days(day("2024-12-31"), day("2024-12-31")) == []


# --- signatures -------------------------------------------------------------------------------


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(signing.KEY, "a key of more than thirty-two bytes")


@pytest.mark.usefixtures("three_generations")
def test_with_a_key_an_unsigned_trail_and_an_unsigned_marker_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(signing.KEY, "a key of more than thirty-two bytes")
    with pytest.raises(PipelineError, match=r"decisions\.jsonl: refused, it is not signed"):
        registry.generations()
    with pytest.raises(PipelineError, match=r"decisions\.jsonl: refused, it is not signed"):
        audit_trail.append(decision("2025-01-01"))
    signing.sign_file(audit_trail.trail_path())
    with pytest.raises(PipelineError, match=r"retrain_marker\.json: refused, it is not signed"):
        registry.generations()
    signing.sign_file(marker.marker_path())
    assert registry.generations()[-1] == 3


@pytest.mark.usefixtures("key", "three_generations")
def test_with_a_key_what_is_written_is_signed_and_a_forged_trail_is_refused() -> None:
    assert registry.generations()[-1] == 3
    path = audit_trail.trail_path()
    path.write_bytes(path.read_bytes().replace(b"because", b"forged"))
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])  # a chain that holds
    with pytest.raises(PipelineError, match=r"decisions\.jsonl\.sig is not its signature"):
        audit_trail.read_trail()
    with pytest.raises(PipelineError, match=r"decisions\.jsonl\.sig is not its signature"):
        audit_trail.settle_marker()


@pytest.mark.usefixtures("key", "three_generations")
def test_with_a_key_an_altered_marker_is_refused() -> None:
    path = marker.marker_path()
    path.write_bytes(path.read_bytes().replace(b"because", b"forged"))
    with pytest.raises(PipelineError, match=r"retrain_marker\.json\.sig is not its signature"):
        marker.read_marker()


def test_a_signature_changes_neither_trail_nor_marker(
    empty_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written() -> tuple[bytes, bytes]:
        for path in (audit_trail.trail_path(), marker.marker_path()):
            path.unlink(missing_ok=True)
        audit_trail.append(retrain("2024-09-01", 2))
        return audit_trail.trail_path().read_bytes(), marker.marker_path().read_bytes()

    unsigned = written()
    monkeypatch.setenv(signing.KEY, "a key of more than thirty-two bytes")
    assert written() == unsigned
