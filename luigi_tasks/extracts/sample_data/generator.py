"""Check the arguments, then draw and write the extracts, one chunk of customers after another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from luigi_tasks.extracts.sample_data.drift import parse_drift
from luigi_tasks.extracts.sample_data.writing import open_together, write_header, write_rows


def generate(
    out: Path,
    customers: int = 12_500,
    seed: int = 7,
    drift: str | None = None,
    drift_from: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Write the extracts to the directory `out`; return the rows per file name.

    `customers` have one loan each. `drift`, one of `DRIFTS`, changes the loans that start in
    `drift_from` (YYYY-MM) or later: income-shift multiplies incomes and what depends on them by
    1.8, clickstream-outage leaves those customers without clickstream, concept changes who
    defaults and nothing else. `progress` is called with the customers done and in total. Files
    appear under their names only when all are complete; existing ones are replaced.

    Raises ValueError naming the command-line argument that is wrong.
    """
    if customers < 1:
        raise ValueError(f"--customers: {customers} is less than 1")
    if seed < 0:
        raise ValueError(f"--seed: {seed} is negative")
    requested = parse_drift(drift, drift_from)

    # Only here, because numpy takes a while to load and every command imports this module.
    from luigi_tasks.extracts.sample_data.customers import CHUNK_SIZE
    from luigi_tasks.extracts.sample_data.tables import DRAWN_BY, draw_chunk

    rows = {table.file: 0 for table in DRAWN_BY}
    with open_together(out, list(rows)) as files:
        for start in range(0, customers, CHUNK_SIZE):
            count = min(CHUNK_SIZE, customers - start)
            for table, columns in draw_chunk(start // CHUNK_SIZE, count, seed, requested):
                if start == 0:
                    write_header(files[table.file], columns)
                rows[table.file] += write_rows(files[table.file], columns)
            if progress is not None:
                progress(start + count, customers)
    return rows
