"""What `dvc repro` takes from nothing, against the same pipeline in one process.

    python benchmarks/dvc_repro.py [ROUNDS]     (default 3; 12,500 customers)

Both run in turn, each in a clone of this working copy's last commit. Prints the seconds and the
processor seconds of each run, and the median of the ratios.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import CUSTOMERS, OUTPUTS, ROOT, clean, luigi, measure

DVC = [sys.executable, "-m", "dvc", "repro"]


def clone(folder: Path) -> Path:
    """A clone with extracts of its own."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    data = [sys.executable, "-m", "luigi_tasks", "sample-data", "--out", "data"]
    measure("sample data", [*data, "--customers", str(CUSTOMERS)], folder)
    return folder


def from_nothing(folder: Path) -> None:
    """Outputs away, and what DVC knows of them; the marker that git keeps stays."""
    clean(folder, (*OUTPUTS, ".dvc/cache", ".dvc/tmp"))
    (folder / "dvc.lock").unlink(missing_ok=True)
    subprocess.run(["git", "checkout", "--quiet", "."], cwd=folder, check=True)


def main() -> None:
    rounds = int(sys.argv[1]) if sys.argv[1:] else 3
    with tempfile.TemporaryDirectory() as place:
        commands = {"luigi": luigi("Pipeline"), "dvc repro": DVC}
        folders = {name: clone(Path(place, name.replace(" ", "_"))) for name in commands}
        ratios: dict[str, list[float]] = {"seconds": [], "cpu_seconds": []}
        for _ in range(rounds):
            runs = {}
            for name, command in commands.items():
                from_nothing(folders[name])
                runs[name] = measure(name, command, folders[name])
                said = ", ".join(f"{runs[name][what]:.1f} {what}" for what in ratios)
                print(f"{name}: {said}", flush=True)
            for what, found in ratios.items():
                found.append(runs["dvc repro"][what] / runs["luigi"][what])
        for what, found in ratios.items():
            print(f"dvc repro against luigi, {what}: {statistics.median(found):.2f}")


if __name__ == "__main__":
    main()
