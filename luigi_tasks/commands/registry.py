"""Say which generation is champion on a day, since when and by which decision."""

from __future__ import annotations

import argparse

from luigi_tasks.commands.audit import in_words
from luigi_tasks.commands.status import date
from luigi_tasks.generations import audit_trail, registry, releases
from luigi_tasks.generations.as_of import data_span


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--on", type=date, metavar="YYYY-MM-DD", help="default: the newest day")


def run(arguments: argparse.Namespace) -> int:
    day = arguments.on or data_span()[1]
    since, generation = registry.reigns(day)[-1]
    first = since == registry.FIRST.since
    print(f"on {day} generation {generation} scores" + ("" if first else f", since {since}"))
    for entry in audit_trail.read_trail():
        if entry.as_of <= day and _is_behind(entry, generation, since == entry.as_of):
            print(f"  {entry.as_of}  {in_words(entry)}")
    print(f"  model: {releases.released_model(generation) or 'nothing is published yet'}")
    batches = [b for b in releases.published().values() if b.day <= day]
    for batch in batches:
        if batch.generation == generation:
            print(f"  scores of {batch.day}: {batch.digest}")
    challenger = registry.challenger(day)
    if challenger:
        print(f"generation {challenger} is a challenger that awaits its judgement")
    return 0


def _is_behind(entry: audit_trail.Entry, generation: int, is_on_the_day: bool) -> bool:
    """Whether an entry has made this generation, or made it champion."""
    return entry.next_generation == generation or (
        entry.action in audit_trail.CHANGES and entry.generation == generation and is_on_the_day
    )
