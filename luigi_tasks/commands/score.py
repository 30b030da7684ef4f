"""Score loans of any parquet file with the champion of a day."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from luigi_tasks.commands.status import date
from luigi_tasks.core import temporary
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.settings import params
from luigi_tasks.generations import registry
from luigi_tasks.generations.as_of import data_span
from luigi_tasks.models.training_data import TrainingData

if TYPE_CHECKING:
    import pandas as pd


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", type=Path, required=True, help="a parquet file or dataset")
    parser.add_argument("--output", type=Path, required=True, help="the parquet file to write")
    parser.add_argument("--reasons", action="store_true", help="with the four strongest reasons")
    parser.add_argument(
        "--on", type=date, metavar="YYYY-MM-DD", help="champion of this day; default: the newest"
    )


def run(arguments: argparse.Namespace) -> int:
    import pandas as pd

    from luigi_tasks.models import serving

    day = arguments.on or data_span()[1]
    generation = registry.reigns(day)[-1].generation
    loans = _read(arguments.input)
    missing = [name for name in serving.columns_read(generation) if name not in loans]
    if missing:
        raise PipelineError(
            f"{arguments.input}: columns that generation {generation} reads are missing: "
            f"{', '.join(missing)}"
        )
    values = params()
    found = serving.scored(
        loans,
        generation,
        threshold=values["predictions.threshold"],
        grades=values["monitoring.grades"],
    )
    if arguments.reasons:
        training = TrainingData(generation=generation).path()
        hidden = values["explanations.not_told"]
        reasons = serving.with_reasons(loans, generation, training, hidden)
        found = pd.concat([found, reasons], axis=1)
    _write(found, arguments.output)
    read = {"loan_id", *serving.columns_read(generation)}
    others = [str(name) for name in loans if name not in read]
    if others:
        print(f"note: columns that are not read: {', '.join(others)}", file=sys.stderr)
    print(f"{arguments.output}: {len(found)} loans scored by generation {generation}")
    return 0


def _read(path: Path) -> pd.DataFrame:
    """A parquet file, or the published dataset in a folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from luigi_tasks.core import tables

    if not path.exists():
        raise PipelineError(f"{path}: no such file or dataset")
    try:
        table = tables.read(path) if path.is_dir() else pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or "it is no parquet file"
        raise PipelineError(f"{path}: cannot be read: {reason}") from None
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _write(found: pd.DataFrame, path: Path) -> None:
    """In one step; a file is replaced, nothing else is."""
    if path.exists() and not path.is_file():
        raise PipelineError(f"{path}: is no file; --output names the file to write")
    staging = temporary.beside(path)
    try:
        found.to_parquet(staging, index=False)
        staging.replace(path)
    except OSError as error:
        raise PipelineError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        staging.unlink(missing_ok=True)
