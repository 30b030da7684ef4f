"""Races: two different commands on one project at once."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.torture import projects
from benchmarks.torture.projects import BrokenError, Digests, State, command, luigi
from benchmarks.torture.rows import Row

RUN = luigi("Pipeline")
DAY = "2025-09-01"
# What is stale at the start, and the two commands.
PAIRS: list[tuple[str, list[str], list[str]]] = [
    ("the quality check", RUN, luigi("TrainingPipeline")),
    ("the quality check", RUN, luigi("Pipeline", "--as-of", DAY)),
    ("the quality check", luigi("MonitoringPipeline", "--workers", "2"), RUN),
    ("the quality check", RUN, command("verify", "--repair")),
    ("a candidate", RUN, command("verify")),
    ("a candidate", RUN, command("status")),
    ("a candidate", RUN, command("summary")),
    ("a candidate", luigi("BestModel"), luigi("Reports")),
    ("a candidate", luigi("InferencePipeline", "--as-of", DAY), luigi("InferencePipeline")),
    ("the monitoring", RUN, luigi("Governance")),
    ("the monitoring", luigi("Governance"), luigi("Governance", "--as-of", DAY)),
    ("a retraining", RUN, luigi("Governance")),
    ("a retraining", RUN, RUN),
    ("a retraining", luigi("Reports"), command("verify", "--repair")),
    ("the next day", RUN, luigi("Pipeline", "--as-of", "2025-10-01")),
    ("the next day", RUN, luigi("MonitoringPipeline")),
    ("everything", luigi("BronzeLayer", "--workers", "2"), RUN),
    ("everything", luigi("GoldFeatures"), luigi("TrainingPipeline")),
]
ALREADY_RUNNING = 10


def torture(states: dict[str, State], folder: Path, lanes: int) -> list[Row]:
    """Every pair at once; the end must be that of one after the other, in either order."""
    jobs = [
        (number, states[name], folder / f"race {number}") for number, (name, *_) in enumerate(PAIRS)
    ]
    return projects.in_lanes(lanes, _race, jobs)


def _race(number: int, state: State, folder: Path) -> Row:
    name, *pair = PAIRS[number]
    row = Row("races", " × ".join(_short(words) for words in pair), note=f"from: {name}")
    try:
        one_by_one = _one_by_one(state, pair, folder)
        row.count(_at_once(state, pair, one_by_one, folder, number))
    except BrokenError as error:
        row.count(f"one after the other: {error}")
    return row


def _short(words: list[str]) -> str:
    return " ".join(
        word.removeprefix("--")
        for word in words[3:]
        if word not in ("--module", "luigi_tasks", "--local-scheduler")
    )


def _one_by_one(state: State, pair: list[list[str]], folder: Path) -> list[list[Digests]]:
    """The outputs while the pair runs one after the other, in both orders."""
    found = []
    for order in (pair, pair[::-1]):
        project = state.start.copy(folder)
        seen = [project.digests()]
        for words in order:
            ended = project.run(words)
            if ended.code:
                raise BrokenError(f"{_short(words)} gave {ended.code}: {ended.last()}")
            seen.append(project.digests())
        found.append([*seen, *project.settle()])
    return found


def _at_once(
    state: State, pair: list[list[str]], expected: list[list[Digests]], folder: Path, number: int
) -> str | None:
    """What went wrong when the pair ran at once."""
    project = state.start.copy(folder)
    chance = projects.chance("races", *pair[0], *pair[1], number)
    allowed: dict[str, set[str]] = {path: set(found) for path, found in state.allowed.items()}
    for seen in (seen for order in expected for seen in order):
        for path, digest in seen.items():
            allowed.setdefault(path, set()).add(digest)
    runs = []
    try:
        for words in pair:
            runs.append(project.start(words))
            time.sleep(chance.uniform(0, 1))
        for words, run in zip(pair, runs, strict=True):
            _check_ended(words, projects.ended(run), same=pair[0] == pair[1])
        projects.check_readers(project, allowed)
        projects.check_end(project, [order[-1] for order in expected])
    except BrokenError as error:
        return str(error)
    finally:
        for run in runs:
            projects.kill_group(run)
    return None


def _check_ended(words: list[str], ended: projects.Ended, *, same: bool) -> None:
    """Raise BrokenError unless a command ended well or in one sentence."""
    if ended.code == 0 or (same and ended.code == ALREADY_RUNNING and "already" in ended.out):
        return
    try:
        if "damaged" in ended.out:
            raise BrokenError(ended.out.splitlines()[0])
        ended.sentences()
    except BrokenError as error:
        raise BrokenError(f"{_short(words)} gave {ended.code}: {error}") from None
