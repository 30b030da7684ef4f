"""People are told when a state changes, once, and of nobody's name."""

from __future__ import annotations

import datetime as dt
from datetime import UTC, datetime
from typing import Any

import pytest

from luigi_tasks.generations.audit_trail import Entry
from luigi_tasks.operations.config import EVENTS
from luigi_tasks.operations.events import Champion, Event, Now, Told, events, known_after
from luigi_tasks.operations.scheduled_runs import Run

DAY = dt.date(2025, 11, 1)
BEGUN = datetime(2025, 11, 25, 3, tzinfo=UTC)
FEED = "incident since Jul 2024: feature_clickstream has no rows for new loans"
OUTAGE = Champion("incident", FEED, {"feature_clickstream missing 2024-07": FEED})
FINE = Champion("ok", "no incident, no drift beyond chance", {})


def run(code: int | None) -> Run:
    return Run(started=BEGUN, ended=None if code is None else BEGUN, code=code)


def entry(action: str, **more: Any) -> Entry:
    return Entry(**{"as_of": DAY, "generation": 1, "action": action, "reason": "why", **more})


def told_of(*moments: Now) -> list[list[Event]]:
    """What is told at each of several moments in a row; the first has nothing before it."""
    known: Told | None = None
    found = []
    for now in moments:
        found.append(events(known, now))
        known = known_after(known, now)
    return found


def test_the_past_is_no_news_but_what_is_wrong_now_is() -> None:
    trail = [entry("retrain", next_generation=2), entry("promote", generation=2)]
    (first,) = told_of(Now(runs={"inference": run(30)}, trail=trail, champion=OUTAGE))
    assert first == [
        Event("run_failed", "inference failed with code 30, a task failed"),
        Event("incident_opened", FEED),
    ]


def test_nothing_is_told_twice() -> None:
    now = Now(
        runs={"inference": run(30)},
        faults={"inference": ["QualityCheck() failed: too many"]},
        trail=[entry("keep", state="incident")],
        champion=OUTAGE,
    )
    first, second = told_of(now, now)
    assert len(first) == 2
    assert second == []


def test_a_run_that_fails_otherwise_than_before_is_news_and_a_larger_figure_is_not() -> None:
    def failing(fault: str, code: int = 51) -> Now:
        return Now(runs={"health": run(code)}, faults={"health": [fault]})

    told = told_of(
        failing("newest snapshot is 45 days old (limit 35)"),
        failing("newest snapshot is 46 days old (limit 35)"),
        failing("/ has 12 MiB free (limit 1,000)", 53),
    )
    assert [[event.words for event in each] for each in told] == [
        ["health failed with code 51; newest snapshot is 45 days old (limit 35)"],
        [],
        ["health failed with code 53; / has 12 MiB free (limit 1,000)"],
    ]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (30, "inference failed with code 30, a task failed"),
        (137, "inference was killed by signal 9"),
        (None, "inference was killed, begun at 2025-11-25 03:00 UTC"),
    ],
)
def test_a_run_that_failed_or_was_killed_is_told_and_so_is_its_return(
    code: int | None, words: str
) -> None:
    failed, well = told_of(Now(runs={"inference": run(code)}), Now(runs={"inference": run(0)}))
    assert failed == [Event("run_failed", words)]
    assert well == [Event("ok", "inference is back to ok")]


def test_a_run_that_goes_on_is_neither_failed_nor_well() -> None:
    failed, running, well = told_of(
        Now(runs={"inference": run(1)}), Now(), Now(runs={"inference": run(0)})
    )
    assert [len(failed), len(running)] == [1, 0]
    assert well == [Event("ok", "inference is back to ok")]


def test_of_a_failure_that_health_has_found_too_people_hear_once() -> None:
    (found,) = told_of(
        Now(runs={"inference": run(30), "health": run(55)}, faults={"health": ["inference failed"]})
    )
    assert [event.words.split()[0] for event in found] == ["inference"]


def test_an_incident_opens_and_closes_and_the_champion_is_back_to_ok() -> None:
    told = told_of(Now(champion=FINE), Now(champion=OUTAGE), Now(champion=FINE))
    assert told == [
        [],
        [Event("incident_opened", FEED)],
        [
            Event("incident_closed", f"closed: {FEED}"),
            Event("ok", "the champion is back to ok: no incident, no drift beyond chance"),
        ],
    ]


def test_watch_is_told_when_it_begins() -> None:
    watch = Champion("watch", "scores are 0.07 too high up to Oct 2025", {})
    told = told_of(Now(champion=FINE), Now(champion=watch), Now(champion=watch))
    words = "the champion is to be watched: scores are 0.07 too high up to Oct 2025"
    assert told == [[], [Event("watch", words)], []]


def test_a_retrain_that_waits_for_labels_is_told_although_nobody_has_asked_for_it() -> None:
    waits = Champion("retrain", "AUC 0.62 [0.58, 0.66] up to Oct 2025 is below 0.7", {})
    asked = [entry("retrain", next_generation=2)]
    _, waiting, after = told_of(
        Now(trail=[], champion=FINE),
        Now(trail=[], champion=waits),
        Now(trail=asked, champion=waits),
    )
    assert waiting == [Event("retrain", f"the champion is to be replaced: {waits.words}")]
    assert after == [Event("retrain", "a retrain is asked for, generation 2, on 2025-11-01: why")]


def test_what_is_decided_is_told_in_order_with_its_reason() -> None:
    decided = [
        entry("keep", state="ok"),
        entry("retrain", next_generation=2, reason="AUC 0.62"),
        entry("reject", generation=2, reason="not better beyond chance"),
        entry("request_retraining", next_generation=3, who="jane.doe", reason="ask J. Smith"),
        entry("request_retraining", next_generation=4, who="cron", reason="scheduled"),
        entry("promote", generation=3, reason="AUC +0.02"),
        entry("rollback", generation=1, who="jane.doe", reason="ask J. Smith"),
        entry("prune", reason="old"),
    ]
    _, found = told_of(Now(trail=[]), Now(trail=decided))
    assert found == [
        Event("retrain", "a retrain is asked for, generation 2, on 2025-11-01: AUC 0.62"),
        Event("rejection", "generation 2 is rejected, on 2025-11-01: not better beyond chance"),
        Event("retrain", "a retrain is asked for, generation 3, on 2025-11-01 by a person"),
        Event("retrain", "a retrain is asked for, generation 4, on 2025-11-01: scheduled"),
        Event("promotion", "generation 3 is champion, on 2025-11-01: AUC +0.02"),
        Event("promotion", "generation 1 is champion, on 2025-11-01 by a person"),
    ]
    assert {event.kind for event in found} < set(EVENTS)


def test_a_broken_champion_whose_retrain_is_asked_for_is_told_once() -> None:
    broken = Champion("retrain", "AUC 0.62 [0.58, 0.66] up to Oct 2025 is below 0.7", {})
    asked = [entry("retrain", next_generation=2)]
    _, found = told_of(Now(trail=[], champion=FINE), Now(trail=asked, champion=broken))
    assert found == [Event("retrain", "a retrain is asked for, generation 2, on 2025-11-01: why")]


def test_what_cannot_be_read_for_now_is_told_when_it_can() -> None:
    trail = [entry("promote", generation=2), entry("reject", generation=3)]
    told = told_of(
        Now(trail=trail[:1], champion=OUTAGE),
        Now(),
        Now(trail=trail, champion=OUTAGE),
    )
    assert [[event.kind for event in each] for each in told] == [
        ["incident_opened"],
        [],
        ["rejection"],
    ]
