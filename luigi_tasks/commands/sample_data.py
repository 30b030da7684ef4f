"""Write extracts like the real ones."""

from __future__ import annotations

import argparse
from pathlib import Path

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import changing
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.extracts.deliveries import place_of
from luigi_tasks.extracts.sample_data import DRIFTS, generate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--customers", type=int, default=12_500, metavar="N")
    parser.add_argument("--seed", type=int, default=7, metavar="S")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--drift", choices=DRIFTS)
    parser.add_argument("--drift-from", metavar="YYYY-MM", help="the first vintage that drifts")
    parser.add_argument("--force", action="store_true", help="replace extracts that are there")


def run(arguments: argparse.Namespace) -> int:
    files = [arguments.out / table.file for table in TABLES.values()]
    for place in map(place_of, files):
        if place.is_dir():
            raise PipelineError(f"{place} holds an extract already; give another --out")
        if place.exists() and not arguments.force:
            raise PipelineError(
                f"{place} exists already; give another --out, or --force to replace it"
            )
    try:
        with changing(arguments.out):
            rows = generate(
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
