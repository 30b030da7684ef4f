"""Say what the pipeline has come to, what is old and why, and where to look."""

from __future__ import annotations

import argparse
import json
from typing import Any

from luigi_tasks.commands.status import add_as_of, status_of
from luigi_tasks.core import history
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.pipeline import Pipeline
from luigi_tasks.runs import last_run, verdict
from luigi_tasks.runs.lines import label

# So many decisions before the last one are told to people, of those that changed something;
# `audit` prints all.
_DECISIONS = 8
_CHANGED_NOTHING = ("keep", "release", "restated")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_as_of(parser)
    parser.add_argument("--json", action="store_true", help="for machines")


def run(arguments: argparse.Namespace) -> int:
    pipeline = Pipeline(as_of=arguments.as_of)
    found = {
        **verdict.found(pipeline.as_of, pipeline.generation),
        "last_run": _last_run(),
        **_freshness(pipeline),
    }
    if arguments.json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        print("\n".join(_in_lines(found)))
    return 0


def _last_run() -> dict[str, str | None] | None:
    """{task, outcome, started, ended, words} of the last run that had something to do."""
    found = last_run.read()
    if found is None:
        return None
    return {
        "task": found.task,
        "outcome": found.outcome,
        "started": found.started,
        "ended": found.ended,
        "words": last_run.in_words(found),
    }


def _freshness(pipeline: Pipeline) -> dict[str, Any]:
    """`stale` {task: reason}, of those that `failed` the sentence and the time, `kept`; or `fault`.

    Who cannot look says in which sentence.
    """
    try:
        rows = status_of(pipeline)
    except PipelineError as error:
        return {"stages": None, "stale": {}, "failed": [], "kept": [], "fault": str(error)}
    stale = {row["task"]: row["reason"] for row in rows if not row["fresh"]}
    return {
        "stages": len(rows),
        "stale": stale,
        "failed": [
            {"task": task, "at": line["started"], "error": line.get("error", "")}
            for task, line in history.last_failures().items()
            if task in stale
        ],
        "kept": [f"{row['task']} is {row['kept']}" for row in rows if row["kept"]],
        "fault": None,
    }


def _in_lines(found: dict[str, Any]) -> list[str]:
    lines = [f"as of {found['as_of']}, generation {found['generation']}"]
    stale = found["stale"]
    is_first = not found["last_run"] and not found["champion"] and not found["decisions"]
    if is_first and len(stale) == found["stages"]:
        return [*lines, verdict.NOTHING_YET]
    lines += verdict.in_lines(found)
    changes = [e for e in found["decisions"][:-1] if e["action"] not in _CHANGED_NOTHING]
    lines += [
        f"before    {entry['words']} on {entry['day']}: {entry['reason']}"
        for entry in reversed(changes[-_DECISIONS:])
    ]
    if found["last_run"] and found["last_run"]["words"]:
        lines.append(f"run       {found['last_run']['words']}")
    lines += [
        f"failed    {label(line['task'])} at {last_run.in_local_time(line['at'])}: {line['error']}"
        for line in found["failed"]
    ]
    if found["fault"]:
        lines.append(f"stages    cannot be looked at: {found['fault']}")
    elif not stale:
        lines.append(f"stages    {found['stages']} fresh")
    else:
        lines.append(
            f"stages    {found['stages'] - len(stale)} fresh, {len(stale)} old; run Pipeline"
        )
        lines += _what_is_old(stale)
    if found["kept"]:
        lines.append(f"kept      {found['kept'][0]}; RestateGeneration makes it again")
    return [*lines, *verdict.look_at(found)]


def _what_is_old(stale: dict[str, str]) -> list[str]:
    """Those that something has happened to, with the reason, and the names of the others."""
    first = {task: why for task, why in stale.items() if not why.startswith("upstream: ")}
    after = [label(task) for task in stale if task not in first]
    lines = [f"old       {label(task)}: {why}" for task, why in first.items()]
    return lines + ([f"old       after them {', '.join(after)}"] if after else [])
