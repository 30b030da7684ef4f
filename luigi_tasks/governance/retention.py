"""Retention: which models and reports of the past stay, and which may go.

What scores refer to always stays: every champion, past ones too, and every generation that has
published. A challenger that awaits its judgement stays, and so do the newest generations. The
outputs of earlier days lie in folders `as_of=<day>`: those of the newest days stay.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from luigi_tasks.core import locks, signing
from luigi_tasks.core.files import file_system
from luigi_tasks.core.storage import in_datamart, in_model_store, in_reports
from luigi_tasks.generations import audit_trail, registry, releases
from luigi_tasks.generations.as_of import DATED, resolve
from luigi_tasks.generations.audit_trail import Entry
from luigi_tasks.governance.acts import actor
from luigi_tasks.models.names import metadata_path, model_files


class Outdated(NamedTuple):
    """A file or folder that may go, why, and its size in bytes."""

    path: Path
    why: str
    size: int


def outdated(*, generations: int, reports: int) -> list[Outdated]:
    """What may go when so many of the newest generations and days are kept."""
    found = [*_of_generations(generations), *_of_days(reports)]
    return [Outdated(path, why, _size(path)) for path, why in found]


def kept_generations(newest: int) -> set[int]:
    """The generations that stay; the newest of all may be a challenger that awaits its judgement.

    Predictions need the model of every champion, even of one that was rolled back at once; each
    was held against a champion before it, so that no model that stays needs one that goes.
    """
    champions = {e.generation for e in audit_trail.read_trail() if e.action in audit_trail.CHANGES}
    published = {batch.generation for batch in releases.all_published()}
    return {1, *champions, *published, *registry.generations()[-newest:]}


def prune(*, generations: int, reports: int) -> list[Outdated]:
    """Remove what may go; the trail says so before it does."""
    with locks.publishing():
        found = outdated(generations=generations, reports=reports)
        if not found:
            return found
        as_of, champion = resolve(None, None)
        audit_trail.append(
            Entry(
                as_of=as_of,
                generation=champion,
                action="prune",
                reason=f"{len(found)} files and folders are beyond the newest {generations} "
                f"generations and {reports} days that are kept",
                who=actor(),
                facts={"paths": [str(each.path) for each in found]},
            )
        )
        for each in found:
            file_system(each.path).discard(each.path)
    return found


def _of_generations(newest: int) -> Iterator[tuple[Path, str]]:
    kept = kept_generations(newest)
    for generation in registry.generations():
        if generation not in kept:
            for path in _files_of(generation):
                if file_system(path).exists(path):
                    yield path, f"generation {generation} was never champion and is not needed"


def _files_of(generation: int) -> Iterator[Path]:
    """Where the outputs of a generation may lie; its metadata, which vouch for the rest, first."""
    metadata = metadata_path(generation)
    yield metadata
    yield signing.signature_path(metadata)
    yield from (metadata.with_name(name) for name in model_files(generation))
    yield in_model_store("candidates", f"generation_{generation}")
    yield in_datamart("gold", "training_data", f"generation_{generation}")
    yield in_datamart("gold", f"shadow_scores_{generation}.parquet")


def _of_days(newest: int) -> Iterator[tuple[Path, str]]:
    folders = sorted(
        (day, str(place), place / name)
        for place in (in_datamart("gold"), in_reports())
        for name, day in _dated_folders(place).items()
    )
    kept = sorted({day for day, _, _ in folders})[-newest:]
    for day, _, path in folders:
        if day not in kept:
            yield path, f"{day} is not among the {newest} newest earlier days"


def _dated_folders(place: Path) -> dict[str, dt.date]:
    """The day by the name of a folder `as_of=<day>` at a place."""
    found = {}
    for name in file_system(place).names(place):
        first = Path(name).parts[0]
        if first.startswith(DATED):
            try:
                found[first] = dt.date.fromisoformat(first.removeprefix(DATED))
            except ValueError:
                continue  # it is none of ours
    return found


def _size(path: Path) -> int:
    files = file_system(path)
    below = [path / name for name in files.names(path)] or [path]
    return sum(int(files.signature(each)[0]) for each in below)
