"""Say for every target whether it is fresh, or why not."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from typing import Any

from luigi_tasks.core.task import Stage, Task, one_look, tasks_below, with_targets
from luigi_tasks.pipeline import Pipeline


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_as_of(parser)
    parser.add_argument("--json", action="store_true", help="for machines")


def run(arguments: argparse.Namespace) -> int:
    rows = status_of(Pipeline(as_of=arguments.as_of))
    if arguments.json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return 0
    width = max(len(row["task"]) for row in rows)
    for row in rows:
        state = "kept " if row["kept"] else "fresh" if row["fresh"] else "STALE"
        about = row["reason"] or row["kept"] or row["output"]
        print(f"{state}  {row['task']:{width}}  {about}".rstrip())
    stale = sum(not row["fresh"] for row in rows)
    print(f"{len(rows) - stale} fresh, {stale} stale")
    return 0


def add_as_of(parser: argparse.ArgumentParser) -> None:
    """Add --as-of, which several commands take."""
    parser.add_argument("--as-of", type=date, metavar="YYYY-MM-DD", help="default: the newest")


def date(text: str) -> dt.date:
    """A date as an argument."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not allowed: a date (yyyy-mm-dd)") from None


def status_of(root: Task) -> list[dict[str, Any]]:
    """{task, output, fresh, reason, kept} for every target below a task, inputs first.

    `kept` says why a fresh one would be stale if it had not been released.
    """
    rows = []
    with one_look(root):
        for task in with_targets(tasks_below(root)):
            output = task.path() if isinstance(task, Stage) else task.output()
            reason = task.stale_because()
            rows.append(
                {
                    "task": str(task),
                    "output": str(output),
                    "fresh": reason is None,
                    "reason": reason,
                    "kept": task.kept_because() if isinstance(task, Stage) else None,
                }
            )
    return rows
