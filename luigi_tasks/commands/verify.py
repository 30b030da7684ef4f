"""Read every published output again and name what is not as it was published."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from luigi_tasks.core import digests, files, locks, storage
from luigi_tasks.core.pages import Page
from luigi_tasks.core.targets import Directory, Document, Picture, StageTarget
from luigi_tasks.core.task import Stage, tasks_below
from luigi_tasks.generations.as_of import DATED
from luigi_tasks.pipeline import Pipeline

# What is published as one file, by its suffix.
FILES: dict[str, type[StageTarget]] = {
    ".html": Page,
    ".json": Document,
    ".md": Page,
    ".png": Picture,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--repair", action="store_true", help="make what is damaged stale, so that it is rebuilt"
    )


def run(arguments: argparse.Namespace) -> int:
    digests.forget()  # only what is read now counts
    with locks.publishing(), files.one_look(storage.in_datamart()):
        published = [target for target in all_targets() if target.fs.exists(target.path)]
        damaged = [(target, why) for target in published if (why := damage_of(target))]
        for target, why in damaged:
            print(f"{target}: {why}")
            if arguments.repair:
                target.withdraw()
    counted = f"{len(damaged)} of {len(published)} outputs"
    if not damaged:
        print(f"{len(published)} outputs are as they were published")
        return 0
    if arguments.repair:
        print(f"{counted} were damaged and are stale now; the next run builds them again")
        return 0
    print(f"{counted} are damaged; --repair makes them stale, so that the next run builds them")
    return 1


def damage_of(target: StageTarget) -> str | None:
    """Why an output that is there is not as it was published; None when it is."""
    provenance = target.provenance()
    return target.reason_without_provenance() if not provenance else target.damage(provenance)


def all_targets() -> Iterator[StageTarget]:
    """The outputs of every task of the newest day and of all generations, then of other days."""
    for task in tasks_below(Pipeline()):
        if isinstance(task, Stage):
            yield from task.output().values()
    for place in (storage.in_datamart(), storage.in_reports()):
        for path in sorted(dated_outputs(place), key=str):
            yield FILES.get(path.suffix, Directory)(path)


def dated_outputs(place: Path) -> set[Path]:
    """What lies in the folders `as_of=<day>` below a place."""
    found = set()
    for name in files.file_system(place).names(place):
        parts = Path(name).parts
        for depth, part in enumerate(parts[:-1], start=1):
            if part.startswith(DATED):
                found.add(place.joinpath(*parts[: depth + 1]))
    return found
