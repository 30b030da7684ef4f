"""Time and peak memory of whole runs and of their stages; prints a table, writes results.json.

    python benchmarks/bench.py SCALE...     (multiples of 12,500 customers)

At every scale: the cold run, the run with nothing to do, and the run after one parameter of one
candidate changed. At the smallest scale also bronze to gold on Sail, on Spark local, and by the
plain pandas script. Memory is the resident set of the process and its children, sampled.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("results.json")
CUSTOMERS = 12_500
_SAMPLE_S = 0.1


def tree(root: int) -> list[int]:
    """A process and all below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [root]
    while todo:
        process = todo.pop()
        found.append(process)
        todo += children.get(process, [])
    return found


def resident_mb(root: int) -> float:
    """Resident memory of a process and all below it, MB."""
    pages = 0
    for process in tree(root):
        try:
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
        except OSError:
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(what: str, command: list[str], folder: Path) -> dict[str, Any]:
    """Run a command in a folder: seconds, peak MB, and both by stage where there are stages."""
    history = folder / "logs" / "task_history.jsonl"
    history.unlink(missing_ok=True)
    log = folder / "bench.log"
    samples: list[tuple[float, float]] = []
    started = time.time()
    with log.open("w") as file:
        run = subprocess.Popen(
            command,
            cwd=folder,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        while run.poll() is None:
            samples.append((time.time(), resident_mb(run.pid)))
            if sys.stderr.isatty():
                sys.stderr.write(f"\r\x1b[K{what}: {time.time() - started:.0f} s")
            time.sleep(_SAMPLE_S)
    seconds = time.time() - started
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    if run.returncode:
        sys.exit(f"{what} failed:\n{log.read_text()[-3000:]}")
    stages = []
    for line in history.read_text().splitlines() if history.exists() else []:
        task = json.loads(line)
        begin = dt.datetime.fromisoformat(task["started"]).timestamp()
        end = begin + task["seconds"]
        peaks = [mb for at, mb in samples if begin <= at <= end]
        stages.append(
            {
                "task": task["task"],
                "seconds": task["seconds"],
                "peak_mb": round(max(peaks)) if peaks else None,
            }
        )
    found = {
        "run": what,
        "seconds": round(seconds, 2),
        "peak_mb": round(max(mb for _, mb in samples)),
        "stages": stages,
    }
    print(f"{what:42} {found['seconds']:9.2f} s {found['peak_mb']:7,} MB", flush=True)
    for stage in stages:
        mb = f"{stage['peak_mb']:7,} MB" if stage["peak_mb"] else ""
        print(f"  {stage['task']:40} {stage['seconds']:9.2f} s {mb}", flush=True)
    return found


def luigi(task: str, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", "luigi", "--module", "luigi_tasks", task]
    return [*command, "--local-scheduler", *arguments]


def at_scale(scale: int, folder: Path, *, compare: bool) -> list[dict[str, Any]]:
    """All runs at one scale."""
    data = [sys.executable, "-m", "luigi_tasks", "sample-data", "--out", "data"]
    folder.mkdir()
    for name in ("luigi.cfg", "params.yaml"):
        shutil.copy(ROOT / name, folder)
    label = f"{scale}×"
    customers = str(scale * CUSTOMERS)
    runs = [measure(f"{label} sample data", [*data, "--customers", customers], folder)]
    runs.append(measure(f"{label} cold", luigi("Pipeline"), folder))
    runs.append(measure(f"{label} nothing to do", luigi("Pipeline"), folder))
    params = folder / "params.yaml"
    before = params.read_text()
    after = before.replace("max_depth: 10", "max_depth: 9")
    if before == after:
        sys.exit("params.yaml has no random_forest.max_depth: 10 to change")
    params.write_text(after)
    runs.append(measure(f"{label} random_forest.max_depth 9", luigi("Pipeline"), folder))
    if compare:
        script = str(ROOT / "benchmarks" / "pandas_baseline.py")
        baseline = [sys.executable, script, "data", "pandas"]
        runs.append(measure(f"{label} to gold, plain pandas", baseline, folder))
        for engine in ("sail", "spark"):
            if engine == "spark" and shutil.which("java") is None:
                print("Spark is left out: no Java on the PATH")
                continue
            shutil.rmtree(folder / "datamart")
            shutil.rmtree(folder / ".cache", ignore_errors=True)
            gold = luigi("GoldFeatures", "--engine-engine", engine)
            runs.append(measure(f"{label} to gold, {engine}", gold, folder))
    return [{"scale": scale, **run} for run in runs]


def main() -> None:
    scales = [int(text) for text in sys.argv[1:]] or [1, 10]
    runs = []
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        for scale in scales:
            runs += at_scale(scale, Path(folder, str(scale)), compare=scale == min(scales))
            shutil.rmtree(Path(folder, str(scale)))
    machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
    RESULTS.write_text(json.dumps({"machine": machine, "runs": runs}, indent=1) + "\n")
    print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
