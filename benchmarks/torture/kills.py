"""Kills: SIGKILL for a run and all its processes, above all while it publishes."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.torture import projects
from benchmarks.torture.projects import BrokenError, State
from benchmarks.torture.rows import Row

# Kills in a row, each of the run that was to repair what the one before had left.
CHAIN = 4
# One kill in so many comes at any time, the others just before a change to a file.
TIMED = 5


def torture(states: dict[str, State], folder: Path, kills: int, lanes: int) -> list[Row]:
    """Kill runs from every state; as many as are asked for, spread evenly."""
    share, rest = divmod(kills, len(states))
    numbers = [share + (index < rest) for index in range(len(states))]
    return projects.in_lanes(
        lanes,
        _kill,
        [
            (name, state, folder / f"killed {name}", number)
            for (name, state), number in zip(states.items(), numbers, strict=True)
        ],
    )


def _kill(name: str, state: State, folder: Path, kills: int) -> Row:
    row = Row("kills", f"while it makes {name} anew")
    chance = projects.chance("kills", name)
    numbers = _drawn(chance, len(state.moments))
    moments = folder.with_name(f"{folder.name}.moments")
    changing = 0
    while row.tried < kills:
        project = state.start.copy(folder)
        killed: list[str] = []
        failure = None
        try:
            while len(killed) < min(CHAIN, kills - row.tried):
                if (row.tried + len(killed)) % TIMED == 0:
                    seconds = chance.uniform(0.3, state.seconds)
                    dead, moment = _killed_after(project, seconds), f"{seconds:.2f} s"
                else:
                    # After a kill there is less left to do.
                    number = min(next(numbers) for _ in range(len(killed) + 1))
                    moments.unlink(missing_ok=True)
                    dead = project.run(projects.killed_at(number, moments, "Pipeline")).code < 0
                    moment = f"change {number} ({moments.read_text().strip()})" if dead else ""
                    changing += dead
                if not dead:
                    break
                killed.append(moment)
                projects.check_readers(project, state.allowed)
            projects.check_end(project, state.end)
        except BrokenError as error:
            failure = f"killed at {', then at '.join(killed) or 'no time'}: {error}"
        for _ in killed[1:]:
            row.count(None)
        if killed or failure:
            row.count(failure)
    row.note = f"{changing} just before a change to a file; {len(state.moments)} in a whole run"
    return row


def _drawn(chance: random.Random, last: int) -> Iterator[int]:
    """Numbers from 1 to `last` in any order, again and again: none is left out."""
    while True:
        yield from chance.sample(range(1, last + 1), last)


def _killed_after(project: projects.Project, seconds: float) -> bool:
    run = project.start(projects.luigi("Pipeline"))
    time.sleep(seconds)
    alive = run.poll() is None
    projects.kill_group(run)
    run.communicate()
    return alive
