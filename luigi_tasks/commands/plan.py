"""Say what a run would do, why, and about how long it would take; run nothing."""

from __future__ import annotations

import argparse

from luigi_tasks.commands.status import add_as_of, status_of
from luigi_tasks.core import history
from luigi_tasks.pipeline import Pipeline
from luigi_tasks.runs.lines import in_seconds, in_short, label


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_as_of(parser)


def run(arguments: argparse.Namespace) -> int:
    pipeline = Pipeline(as_of=arguments.as_of)
    rows = status_of(pipeline)
    stale = [row for row in rows if not row["fresh"]]
    usual = {**history.usual_seconds(_family), **history.usual_seconds(label)}
    width = max((len(label(row["task"])) for row in stale), default=0)
    total, unknown = 0.0, 0
    for row in stale:
        name = label(row["task"])
        seconds = usual.get(name, usual.get(_family(name)))
        total, unknown = total + (seconds or 0), unknown + (seconds is None)
        about = "unknown" if seconds is None else in_seconds(seconds)
        print(f"{name:{width}}  {about:>8}  {in_short(row['reason'])}")
    fresh = f"{len(rows) - len(stale)} are fresh"
    if not stale:
        print(f"Pipeline as of {pipeline.as_of}: nothing to do, {fresh}")
        return 0
    print(f"Pipeline as of {pipeline.as_of}: {len(stale)} would run, {fresh}")
    if unknown == len(stale):
        print("for how long is unknown: none of them has run here yet")
        return 0
    not_known = f", and {unknown} that have never run here" if unknown else ""
    print(
        f"about {in_seconds(total)} one after the other{not_known}; less where inputs come out "
        "unchanged"
    )
    return 0


def _family(task: str) -> str:
    return task.partition("(")[0].partition(" ")[0]
