"""Time and peak memory of whole runs and of their stages; prints a table, writes results.json.

    python benchmarks/bench.py SCALE...     (multiples of 12,500 customers; default 1 10 50)

At every scale: the cold run, the run with nothing to do, the run after one parameter of one
candidate changed, and bronze to gold on Sail and in DuckDB (duckdb_baseline.py), whose tables must
be equal value for value. At the smallest scale also the same stages without the framework (bare.py)
and, once, bronze to gold on Spark local. What is compared runs there ROUNDS times in turn; the
summary gives medians, and what the project promises beside them.

Memory is the resident set, sampled. A run has one worker, so that nothing is counted twice: it is
one process, under Spark with a JVM beside it that shares nothing with it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("results.json")
CUSTOMERS = 12_500
ROUNDS = 3
# The tasks that are compared with DuckDB, by what they do.
STEPS = {
    "bronze and silver": ("Bronze", "Silver"),
    "quality": ("QualityCheck",),
    "gold": ("GoldFeatures",),
}
NOT_BARE = ("ModelCard", "Report")  # what bare.py cannot make
TO_GOLD = tuple(task for tasks in STEPS.values() for task in tasks)
OUTPUTS = ("datamart", "model_store", "reports", ".cache", "logs")
PEER = "peer"
# What the project promises. The stages up to gold take at 50× at most 60 times as long as at 1×.
MOST_TIMES_LONGER = {(1, 50): 60}
MOST_TO_GOLD_MB = 3_000
MOST_FRAMEWORK_SHARE = 0.25
LEAST_TIMES_FASTER_THAN_SPARK = 8.0
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


def cpu_seconds() -> float:
    """Processor time of all commands run so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def running_stage(log: Path) -> str:
    """The task that Luigi's log says it began last."""
    text = log.read_bytes()[-4096:].decode(errors="replace") if log.exists() else ""
    return (re.findall(r"running   (\w+\(.*?\))", text) or [""])[-1]


def show(line: str) -> None:
    """Replace the line on the terminal, if there is one."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}")
        sys.stderr.flush()


def measure(what: str, command: list[str], folder: Path) -> dict[str, Any]:
    """Run a command in a folder: seconds, peak MB, and both by stage where there are stages."""
    history = folder / "logs" / "task_history.jsonl"
    history.unlink(missing_ok=True)
    log, luigi_log = folder / "bench.log", folder / "logs" / "luigi.log"
    samples: list[tuple[float, float]] = []
    # `dvc repro` calls python by its name.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}
    used = cpu_seconds()
    started = time.time()
    with (
        log.open("w") as file,
        subprocess.Popen(
            command, cwd=folder, stdout=file, stderr=subprocess.STDOUT, env=environment
        ) as run,
    ):
        while run.poll() is None:
            samples.append((time.time(), resident_mb(run.pid)))
            show(f"{what}: {time.time() - started:.0f} s {running_stage(luigi_log)}")
            time.sleep(_SAMPLE_S)
    seconds = time.time() - started
    show("")
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
        "cpu_seconds": round(cpu_seconds() - used, 2),
        "peak_mb": round(max(mb for _, mb in samples)),
        "stages": stages,
    }
    print(f"{what:58} {found['seconds']:9.2f} s {found['peak_mb']:7,} MB", flush=True)
    for stage in stages:
        mb = f"{stage['peak_mb']:7,} MB" if stage["peak_mb"] else ""
        print(f"  {stage['task']:56} {stage['seconds']:9.2f} s {mb}", flush=True)
    return found


def luigi(task: str, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", "luigi", "--module", "luigi_tasks", task]
    return [*command, "--local-scheduler", *arguments]


def clean(folder: Path, outputs: tuple[str, ...] = OUTPUTS) -> None:
    """All outputs away; the extracts stay."""
    for name in outputs:
        shutil.rmtree(folder / name, ignore_errors=True)


def in_turn(first: Any, second: Any, rounds: int) -> list[Any]:
    """Both so many times, in turns in front; the second is the last of all if that is odd."""
    pairs = ([first, second] if number % 2 == 0 else [second, first] for number in range(rounds))
    return [run for pair in pairs for run in pair]


def script(name: str, *arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "benchmarks" / name), *arguments]


def changed(text: str, old: str, new: str) -> str:
    """A settings file with another value."""
    if old not in text:
        sys.exit(f"params.yaml has no {old} to change")
    return text.replace(old, new)


def products(folder: Path) -> dict[str, str]:
    """{name: SHA-256} of the tables that the bare script and the pipeline must agree on."""
    found = {}
    for path in sorted(folder.glob("datamart/gold/*.parquet/*.parquet")):
        with path.open("rb") as file:
            found[path.parent.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def compared(folder: Path) -> str:
    """How much DuckDB has made as Sail has; ends the benchmark where they differ."""
    command = script("same_tables.py", ".", PEER)
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(
            f"benchmarks/duckdb_baseline.py does not make what the pipeline makes\n"
            f"{run.stdout}{run.stderr}"
        )
    return run.stdout.strip()


def at_scale(scale: int, folder: Path, *, compare: bool) -> list[dict[str, Any]]:
    """All runs at one scale."""
    folder.mkdir()
    shutil.copy(ROOT / "luigi.cfg", folder)
    params = folder / "params.yaml"
    # A champion whose scores are published is otherwise kept, whatever its parameters.
    params.write_text(
        changed((ROOT / params.name).read_text(), "released: keep", "released: refit")
    )
    runs = []

    def run(what: str, command: list[str]) -> None:
        runs.append({"scale": scale, **measure(f"{scale}× {what}", command, folder)})

    data = [sys.executable, "-m", "luigi_tasks", "sample-data", "--out", "data"]
    run("sample data", [*data, "--customers", str(scale * CUSTOMERS)])
    cold = ("cold", luigi("Pipeline"))
    bare = ("bare transformations", script("bare.py"))
    found = []
    for what, command in in_turn(bare, cold, ROUNDS) if compare else [cold]:
        clean(folder)
        run(what, command)
        found.append(products(folder))
    if any(product != found[0] for product in found):
        sys.exit("benchmarks/bare.py does not make what the pipeline makes")
    run("nothing to do", luigi("Pipeline"))
    params.write_text(changed(params.read_text(), "max_depth: 10", "max_depth: 9"))
    run("one parameter", luigi("Pipeline"))
    peer = ("to gold, duckdb", script("duckdb_baseline.py", "data", PEER))
    sail = ("to gold, sail", luigi("GoldFeatures", "--engine-engine", "sail"))
    for what, command in in_turn(peer, sail, ROUNDS if compare else 1):
        clean(folder, (PEER,) if what == peer[0] else OUTPUTS)
        run(what, command)
    runs[-1]["compared"] = compared(folder)
    print(f"{scale}× DuckDB and Sail: {runs[-1]['compared']}", flush=True)
    if compare and shutil.which("java") is None:
        print("Spark is left out: no Java on the PATH")
    elif compare:
        clean(folder)
        run("to gold, spark", luigi("GoldFeatures", "--engine-engine", "spark"))
    return runs


def of_tasks(run: dict[str, Any], tasks: tuple[str, ...]) -> tuple[float, float]:
    """Seconds of all these tasks of a run together, and the highest of their peaks, MB."""
    stages = [stage for stage in run["stages"] if stage["task"].partition("(")[0] in tasks]
    return (
        sum(stage["seconds"] for stage in stages),
        max(stage["peak_mb"] or 0 for stage in stages),
    )


def against(*sides: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Medians of each side: {whole command, each of STEPS: seconds; peak: MB}."""

    def medians(value: Callable[[dict[str, Any]], float]) -> list[float]:
        return [statistics.median(map(value, runs)) for runs in sides]

    return {
        "to gold": medians(lambda run: run["seconds"]),
        **{
            step: medians(lambda run, t=tasks: of_tasks(run, t)[0]) for step, tasks in STEPS.items()
        },
        "peak": medians(lambda run: run["peak_mb"]),
    }


def summarise(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of what was seen (values, and as text), what is promised about it, and whether it holds.

    A promise is empty, and its `kept` null, where there is none.
    """
    named: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        named.setdefault(run["run"], []).append(run)
    scales = sorted({run["scale"] for run in runs})
    first = f"{scales[0]}×"
    rows: list[dict[str, Any]] = []

    def row(
        what: str, values: list[float], seen: str, promised: str = "", *, kept: bool | None = None
    ) -> None:
        shown = {"values": [round(value, 3) for value in values], "seen": seen}
        rows.append({"what": what, **shown, "promised": promised, "kept": kept})

    def seconds(name: str) -> float:
        return statistics.median(run["seconds"] for run in named[name])

    def stages(scale: int) -> tuple[float, float]:
        cold = (of_tasks(run, TO_GOLD) for run in named[f"{scale}× cold"])
        sums, peaks = zip(*cold, strict=True)
        return statistics.median(sums), max(peaks)

    for scale in scales:
        for what in ("cold", "nothing to do", "one parameter"):
            took = seconds(f"{scale}× {what}")
            row(f"{scale}× {what}", [took], f"{took:.2f} s")
        took, peak = stages(scale)
        row(f"{scale}× stages from bronze to gold", [took], f"{took:.2f} s")
        limit = f"at most {MOST_TO_GOLD_MB:,} MB"
        row(
            f"{scale}× peak from bronze to gold",
            [peak],
            f"{peak:,.0f} MB",
            limit,
            kept=peak <= MOST_TO_GOLD_MB,
        )
        if scale != scales[0]:
            times = took / stages(scales[0])[0]
            most = MOST_TIMES_LONGER.get((scales[0], scale))
            row(
                f"{scale}× against {first}",
                [times],
                f"{times:.1f} times as long",
                f"at most {most} times" if most else "",
                kept=times <= most if most else None,
            )
    pairs = zip(named[f"{first} cold"], named[f"{first} bare transformations"], strict=True)
    shares = [
        1 - bare["seconds"] / (cold["seconds"] - of_tasks(cold, NOT_BARE)[0])
        for cold, bare in pairs
    ]
    share = statistics.median(shares)
    row(
        f"framework: share of the {first} cold run",
        shares,
        f"{share:.0%} ({', '.join(f'{value:.0%}' for value in shares)})",
        f"at most {MOST_FRAMEWORK_SHARE:.0%}",
        kept=share <= MOST_FRAMEWORK_SHARE,
    )
    if f"{first} to gold, spark" in named:
        times = seconds(f"{first} to gold, spark") / seconds(f"{first} to gold, sail")
        row(
            f"{first} to gold: Sail against spark",
            [times],
            f"{times:.1f} times as fast",
            f"at least {LEAST_TIMES_FASTER_THAN_SPARK:g} times",
            kept=times >= LEAST_TIMES_FASTER_THAN_SPARK,
        )
    for scale in scales:
        sail, peer = (named[f"{scale}× to gold, {name}"] for name in ("sail", "duckdb"))
        for what, pair in against(sail, peer).items():
            ours, theirs = (f"{v:,.0f} MB" if what == "peak" else f"{v:,.2f} s" for v in pair)
            ratio = pair[0] / pair[1]
            seen = f"{ratio:.1f} times ({ours} against {theirs})"
            row(f"{scale}× {what}: Sail against DuckDB", [ratio, *pair], seen)
    return rows


def main() -> None:
    scales = [int(text) for text in sys.argv[1:]] or [1, 10, 50]
    machine = {
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        for scale in sorted(scales):
            runs += at_scale(scale, Path(folder, str(scale)), compare=scale == min(scales))
            shutil.rmtree(Path(folder, str(scale)))
            found = {"machine": machine, "summary": summarise(runs), "runs": runs}
            RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    print()
    for row in summarise(runs):
        kept = {True: "kept", False: "BROKEN", None: ""}[row["kept"]]
        print(f"{row['what']:42} {row['seen']:36} {row['promised']:20} {kept}".rstrip())
    print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
