"""What one more month costs, and one corrected row: against a cold run on the same extracts.

    python benchmarks/new_month.py [SCALE...]     (multiples of 12,500 customers; default 10)

At each scale extracts up to October 2024 are run, each a folder of a file a month; then come four
files of November, and then a corrected income in the file of October 2023. After each delivery the
whole pipeline runs, beside it in another folder from nothing, and bronze, silver and gold must have
the same bytes, or the benchmark stops. Seconds are those of whole commands and of the stages up to
gold. The extracts are kept by month whatever their size.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from bench import CUSTOMERS, OUTPUTS, ROOT, TO_GOLD, changed, luigi, measure, of_tasks

from luigi_tasks.extracts.contract import parse_date

BEFORE, AFTER = "2024-10", "2024-11"
CORRECTED = "features_financials/2023-10.csv"
LAYERS = ("bronze", "silver", "gold/features.parquet", "quarantine")


def split(whole: Path, monthly: Path) -> None:
    """The extracts as folders of a file a month: 2023-10.csv."""
    for path in sorted(whole.glob("*.csv")):
        (monthly / path.stem).mkdir(parents=True)
        with path.open() as lines, ExitStack() as files:
            header = next(lines)
            months, by_text = dict[str, IO[str]](), dict[str, IO[str]]()
            for line in lines:
                text = line.rstrip().rpartition(",")[2]  # all extracts end in snapshot_date
                if text not in by_text:
                    day = parse_date(text)
                    assert day, line
                    name = f"{day:%Y-%m}.csv"
                    if name not in months:
                        file = (monthly / path.stem / name).open("w")
                        months[name] = files.enter_context(file)
                        file.write(header)
                    by_text[text] = months[name]
                by_text[text].write(line)


def deliver(whole: Path, folder: Path, until: str) -> None:
    """The files of the extracts up to a month that are not there yet."""
    for path in sorted(whole.glob("*/*.csv")):
        target = folder / path.relative_to(whole)
        if path.stem <= until and not target.exists():
            target.parent.mkdir(exist_ok=True)
            shutil.copy(path, target)


def correct(folder: Path) -> None:
    """Another income of the first customer in a file of financials."""
    path = folder / CORRECTED
    lines = path.read_text().splitlines(keepends=True)
    place = lines[0].split(",").index("Annual_Income")
    values = lines[1].split(",")
    values[place] = "40000" if values[place] != "40000" else "50000"
    lines[1] = ",".join(values)
    path.write_text("".join(lines))


def digests(folder: Path) -> dict[str, str]:
    """{file: SHA-256} of what is kept by month, and of its quarantine."""
    found = {}
    for layer in LAYERS:
        for path in sorted((folder / "datamart" / layer).rglob("*.parquet")):
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def project(folder: Path) -> Path:
    """A folder with the settings, in which extracts are kept by month."""
    (folder / "data").mkdir(parents=True)
    shutil.copy(ROOT / "luigi.cfg", folder)
    text = (ROOT / "params.yaml").read_text()
    size = re.search(r"by_month_from_mb: \d+", text)
    assert size
    (folder / "params.yaml").write_text(changed(text, size[0], "by_month_from_mb: 0"))
    return folder


def at_scale(scale: int, folder: Path) -> None:
    """Print what each delivery costs."""
    whole, by_file = folder / "whole", folder / "by_file"
    data = [sys.executable, "-m", "luigi_tasks", "sample-data", "--out", str(whole)]
    monthly, cold = project(folder / "monthly"), project(folder / "cold")
    measure(f"{scale}× sample data", [*data, "--customers", str(scale * CUSTOMERS)], monthly)
    split(whole, by_file)
    shutil.rmtree(whole)
    deliver(by_file, monthly / "data", BEFORE)
    measure(f"{scale}× up to October 2024, cold", luigi("Pipeline"), monthly)
    for what, change in (
        ("one more month", lambda place: deliver(by_file, place, AFTER)),
        ("one corrected row", correct),
    ):
        change(monthly / "data")
        shutil.rmtree(cold / "data")
        shutil.copytree(monthly / "data", cold / "data")
        for name in OUTPUTS:
            shutil.rmtree(cold / name, ignore_errors=True)
        runs: list[dict[str, Any]] = [
            measure(f"{scale}× {what}", luigi("Pipeline"), monthly),
            measure(f"{scale}× {what}, cold", luigi("Pipeline"), cold),
        ]
        if digests(monthly) != digests(cold):
            sys.exit(f"{what}: other bytes than those of a cold run")
        for name, (one, other) in {
            "whole": [run["seconds"] for run in runs],
            "up to gold": [of_tasks(run, TO_GOLD)[0] for run in runs],
        }.items():
            print(f"{scale}× {what}, {name}: {one:.1f} of {other:.1f} s, {one / other:.2f}")


def main() -> None:
    for scale in map(int, sys.argv[1:] or ["10"]):
        with tempfile.TemporaryDirectory() as place:
            at_scale(scale, Path(place))


if __name__ == "__main__":
    main()
