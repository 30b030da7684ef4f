"""`python -m luigi_tasks`: what is stale and why, sample data, and the summary of a run."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

from luigi.task import flatten

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.task import Task, Wrapper, one_look, tasks_below
from luigi_tasks.extracts import sample_data
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.generations.audit_trail import read_trail, trail_path
from luigi_tasks.generations.marker import marker_path
from luigi_tasks.layers.bronze import RawCsv
from luigi_tasks.models.store import read_metadata
from luigi_tasks.pipeline import Pipeline


def status_of(root: Task) -> list[dict[str, Any]]:
    """{task, output, fresh, reason} for every stage below a task, inputs first."""
    rows = []
    with one_look(root):
        for task in tasks_below(root):
            if isinstance(task, Wrapper | RawCsv):
                continue
            reason = task.stale_because()
            output = str(flatten(task.output())[0])
            rows.append(
                {"task": str(task), "output": output, "fresh": reason is None, "reason": reason}
            )
    return rows


def status(arguments: argparse.Namespace) -> int:
    found = status_of(Pipeline(as_of=arguments.as_of))
    if arguments.json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return 0
    width = max(len(row["task"]) for row in found)
    for row in found:
        state = "fresh" if row["fresh"] else "STALE"
        print(f"{state}  {row['task']:{width}}  {row['reason'] or row['output']}".rstrip())
    stale = sum(not row["fresh"] for row in found)
    print(f"{len(found) - stale} fresh, {stale} stale")
    return 0


def make_sample_data(arguments: argparse.Namespace) -> int:
    existing = [table.file for table in TABLES.values() if (arguments.out / table.file).exists()]
    if existing and not arguments.force:
        raise PipelineError(
            f"{arguments.out / existing[0]} exists already; give another --out, or --force to "
            "replace it"
        )
    try:
        rows = sample_data.generate(
            arguments.out,
            arguments.customers,
            arguments.seed,
            arguments.drift,
            arguments.drift_from,
        )
    except ValueError as error:
        raise PipelineError(str(error)) from error
    for name, number in rows.items():
        print(f"{arguments.out / name}: {number:,} rows")
    return 0


def summary(arguments: argparse.Namespace) -> int:
    pipeline = Pipeline(as_of=arguments.as_of)
    paths = {row["task"].partition("(")[0]: row["output"] for row in status_of(pipeline)}
    metadata = read_metadata(pipeline.generation)
    test = metadata.metrics[metadata.champion]["test"]
    print(f"as of {pipeline.as_of}, generation {pipeline.generation}")
    print(
        f"champion: {metadata.champion}, test AUC {test['auc']:.3f} "
        f"[{test['auc_low']:.3f}, {test['auc_high']:.3f}], "
        f"knows labels until {metadata.window.train_until}"
    )
    trail = [d for d in read_trail() if d.as_of <= pipeline.as_of]
    if trail:
        print(f"decision: {trail[-1].action} ({trail[-1].reason})")
    print("look at:")
    for path in (
        paths["Dashboard"],
        paths["Predictions"],
        paths["Monitoring"],
        paths["BestModel"],
        str(Path("reports") / "data_quality.json"),
        str(trail_path()),
        str(marker_path()),
    ):
        print(f"  {path}")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m luigi_tasks", description=__doc__)
    commands = found.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    def as_of(added: argparse.ArgumentParser) -> None:
        added.add_argument(
            "--as-of", type=dt.date.fromisoformat, metavar="YYYY-MM-DD", help="default: the newest"
        )

    added = command("status", status, "Say for every target whether it is fresh, or why not.")
    as_of(added)
    added.add_argument("--json", action="store_true", help="for machines")
    added = command("summary", summary, "Say what the last run found, and where to look.")
    as_of(added)
    added = command("sample-data", make_sample_data, "Write four extracts like the real ones.")
    added.add_argument("--customers", type=int, default=12_500, metavar="N")
    added.add_argument("--seed", type=int, default=7, metavar="S")
    added.add_argument("--out", type=Path, required=True, metavar="DIR")
    added.add_argument("--drift", choices=sample_data.DRIFTS)
    added.add_argument("--drift-from", metavar="YYYY-MM", help="the first vintage that drifts")
    added.add_argument("--force", action="store_true", help="replace extracts that are there")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 when it could be done, 2 for wrong words, 1 for a PipelineError."""
    known = parser().parse_args(arguments)
    try:
        return int(known.run(known))
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
