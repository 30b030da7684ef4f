"""Kill, starve, race and damage small runs of the pipeline, and say what survived.

    python -m benchmarks.torture [--only kills|disk|readonly|races|flips] [--kills N] [--flips N]

Works in a folder of its own below TMPDIR, on the package of this clone, and prints a table; the
exit code is 1 when anything failed. The same numbers are drawn every time; what a kill meets is
decided by the machine as well. Full disks and read-only mounts need a system that lets this
process mount something in a namespace of its own, as root or as a user.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.torture import flips, kills, mounts, projects, races
from benchmarks.torture.rows import Row, table

SECTIONS = ("races", "disk", "readonly", "flips", "kills")
LANES = 2


def torture(only: str | None, number_of_kills: int, number_of_flips: int) -> list[Row]:
    """All sections, or one."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="torture") as place:
        folder = Path(place)
        enough = {"kills": number_of_kills, "flips": 0}.get(str(only))
        states = projects.prepare(folder, list(projects.CHANGES)[:enough])
        for section in SECTIONS if only is None else (only,):
            begun = time.monotonic()
            if section == "kills":
                found = kills.torture(states, folder, number_of_kills, LANES)
            elif section == "disk":
                found = mounts.fill_disks(states, folder, LANES)
            elif section == "readonly":
                found = mounts.read_only(states, folder)
            elif section == "races":
                found = races.torture(states, folder, LANES)
            else:
                found = flips.torture(folder, number_of_flips)
            rows += found
            minutes = (time.monotonic() - begun) / 60
            print(f"{table(found)}\n{section}: {minutes:.1f} minutes", file=sys.stderr, flush=True)
    return rows


def main() -> int:
    line = argparse.ArgumentParser(prog="python -m benchmarks.torture", description=__doc__)
    line.formatter_class = argparse.RawDescriptionHelpFormatter
    line.add_argument("--only", choices=SECTIONS)
    line.add_argument("--kills", type=int, default=200, metavar="N")
    line.add_argument("--flips", type=int, default=2000, metavar="N")
    line.add_argument("--json", type=Path, metavar="FILE", help="the table for machines as well")
    words = line.parse_args()
    if words.only in (None, "disk", "readonly"):
        mounts.in_own_namespace()
    os.chdir(projects.ROOT)
    rows = torture(words.only, words.kills, words.flips)
    print(table(rows))
    if words.json:
        text = json.dumps([dataclasses.asdict(row) for row in rows], indent=1, ensure_ascii=False)
        words.json.write_text(f"{text}\n")
    failed = sum(len(row.failures) for row in rows)
    print(f"{sum(row.tried for row in rows):,} tried, {failed:,} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
