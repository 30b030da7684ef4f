"""Score the loans of a parquet file with the champion."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luigi_tasks.commands.status import date
from luigi_tasks.core import files, temporary
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.tables import BATCH

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds

    from luigi_tasks.models.serving import Champion

# What tells a file that this command has written, and may replace, from any other.
MARK = {b"written_by": b"luigi_tasks score"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", type=Path, required=True, metavar="FILE", help="with the loans")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="to be written")
    parser.add_argument("--reasons", action="store_true", help="why each loan has its score, too")
    parser.add_argument(
        "--on", type=date, metavar="YYYY-MM-DD", help="by the champion of a day; default: today's"
    )


def run(arguments: argparse.Namespace) -> int:
    from luigi_tasks.models.feature_columns import missing_of
    from luigi_tasks.models.serving import champion

    check_replaceable(arguments.output)
    loans = opened(arguments.input)
    by = champion(arguments.on, with_reasons=arguments.reasons)
    missing = missing_of(loans.schema.names, by.needs)
    if missing:
        raise PipelineError(
            f"{arguments.input}: has no column {', '.join(missing)}, which the model of generation "
            f"{by.generation} needs"
        )
    others = missing_of(by.needs, loans.schema.names)
    if others:
        print(f"note: columns that the model does not need are ignored: {', '.join(others)}")
    schema = by.schema(loans.schema.field("loan_id").type).with_metadata(MARK)
    number = write(arguments.output, schema, tables_of(arguments.input, loans, by, schema))
    print(f"{arguments.output}: {number:,} loans scored by generation {by.generation}")
    return 0


def opened(path: Path) -> ds.Dataset:
    """A parquet file, or a folder of such; raises PipelineError when it is none."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    try:
        return ds.dataset(path, format="parquet")
    except FileNotFoundError:
        raise PipelineError(f"{path} does not exist") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise PipelineError(f"{path}: cannot be read as parquet") from error


def check_replaceable(path: Path) -> None:
    """Raise PipelineError when something is there that this command has not written."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        return
    with contextlib.suppress(OSError, pa.ArrowInvalid):
        if MARK.items() <= (pq.read_schema(path).metadata or {}).items():
            return
    raise PipelineError(
        f"{path} exists and was not written by this command; give another --output, or remove it"
    )


def tables_of(path: Path, loans: ds.Dataset, by: Champion, schema: pa.Schema) -> Iterator[pa.Table]:
    """The scored loans of a file, batch by batch."""
    import pyarrow as pa

    from luigi_tasks.models.serving import scored

    for batch in loans.to_batches(columns=by.needs, batch_size=BATCH):
        if batch.num_rows:
            try:
                found: pd.DataFrame = scored(batch.to_pandas(), by)
            except PipelineError as error:
                raise PipelineError(f"{path}: {error}") from error
            yield pa.Table.from_pandas(found, schema, preserve_index=False)


def write(path: Path, schema: pa.Schema, tables: Iterator[Any]) -> int:
    """Put a parquet file of these tables at a path in one step; gives the number of rows."""
    import pyarrow.parquet as pq

    number, new = 0, temporary.beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(new, schema, compression="zstd") as file:
            for table in tables:
                file.write_table(table)
                number += len(table)
        files.flush(new)
        new.replace(path)
    except OSError as error:
        raise PipelineError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
    return number
