"""Verify the audit trail and all that it names, and print it."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterator

from luigi_tasks.core import locks, tables
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import file_system
from luigi_tasks.core.records import as_json
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.generations import audit_trail, releases
from luigi_tasks.generations.audit_trail import Entry
from luigi_tasks.generations.marker import read_marker
from luigi_tasks.models.names import metadata_path, model_files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for machines")


def run(arguments: argparse.Namespace) -> int:
    entries, faults = examined()
    notes = [] if faults else list(kept_scores())
    if arguments.json:
        found = {"entries": [as_json(e) for e in entries], "faults": faults, "notes": notes}
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return int(bool(faults))
    for number, entry in enumerate(entries, start=1):
        print(f"{number:4}  {entry.as_of}  {in_words(entry)}")
    for note in notes:
        print(f"note: {note}")
    for fault in faults:
        print(f"FAULT: {fault}")
    print(
        f"{len(entries)} entries; "
        + (f"{len(faults)} faults" if faults else "chain, end, models and scores are as recorded")
    )
    return int(bool(faults))


def in_words(entry: Entry) -> str:
    """What an entry says: generation, action and state, by whom and why."""
    state = f", {entry.state}" if entry.state not in (None, entry.action) else ""
    who = f" by {entry.who}" if entry.who else ""
    loans = entry.facts.get("loans")
    scored = (
        f" [{loans} live loans published]" if loans and entry.action in ("keep", "retrain") else ""
    )
    asked = f" generation {entry.next_generation}" if entry.next_generation else ""
    return (
        f"generation {entry.generation}: {entry.action}{asked}{state}{who}: {entry.reason}{scored}"
    )


def examined() -> tuple[list[Entry], list[str]]:
    """The entries that can be read, and every fault of the trail and of what it names.

    What is at fault is looked at once more while nobody writes.
    """
    entries, faults = _looked_at()
    if faults:
        with contextlib.suppress(PipelineError), locks.publishing():
            entries, faults = _looked_at()
    return entries, faults


def _looked_at() -> tuple[list[Entry], list[str]]:
    try:
        lines = audit_trail.read_lines()
        marker = read_marker()
    except PipelineError as error:  # a signature
        return [], [str(error)]
    entries, faults = audit_trail.parsed(lines)
    faults += audit_trail.head_faults(lines, marker)
    if faults:
        return entries, [f"{audit_trail.trail_path()}: {fault}" for fault in faults]
    try:
        audit_trail.read_trail()
    except PipelineError as error:
        return entries, [str(error)]
    return entries, [*wrong_models(entries), *wrong_scores()]


def wrong_models(entries: list[Entry]) -> Iterator[str]:
    """Released models that are not in the store as they were released."""
    import hashlib

    for generation in sorted({e.generation for e in entries if "model" in e.facts}):
        path = metadata_path(generation).with_name(model_files(generation)[0])
        if not file_system(path).exists(path):
            yield f"{path}: the released model is missing"
        elif hashlib.sha256(file_system(path).read(path)).hexdigest() != releases.released_model(
            generation
        ):
            yield f"{path}: this is not the model that was released"


def wrong_scores() -> Iterator[str]:
    """Published scores that are not there as they were published, old versions included."""
    from luigi_tasks.models.published import published_path, read_published

    for batch in releases.all_published():
        path = published_path(batch.day, batch.version)
        if not file_system(path).exists(path):
            yield f"{path}: the published scores are missing"
            continue
        try:
            read_published([batch])
        except PipelineError as error:
            yield str(error)


def kept_scores() -> Iterator[str]:
    """How many published scores would be others, were they made from what is there today."""
    path = in_datamart("gold", "kept_scores.parquet")
    try:
        kept = tables.read(path).to_pandas()
    except PipelineError:
        return
    if len(kept):
        largest = (kept["rescored_proba"] - kept["prediction_proba"]).abs().max()
        yield (
            f"{len(kept)} published scores would be others today, by {largest:.6f} at most "
            f"({path}); RestateGeneration makes them again"
        )
