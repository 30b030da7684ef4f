"""Ctrl-C ends a run soon, whatever the engine is doing, and leaves the outputs as they were."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engine_runs import LUIGI, environment, only_bronze

# Also on a machine with other work; without any it is less than a second.
SOON = 3.0
QUERY = """
from luigi_tasks.core.engines import session

query = session.current().sql(
    "select count(distinct sha2(cast(id as string), 512)) from range(100000000)"
)
print("running", flush=True)
query.collect()
"""
IMPORTS = """
import time
from luigi_tasks.core import imports

imports.expect(["long_import"])
imports.start()
print("running", flush=True)
time.sleep(1)
imports.stop()
"""


def start(folder: Path, *words: str, until: str) -> subprocess.Popen[str]:
    """A process that has just written a line in which a text occurs."""
    run = subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env={**environment(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # What a shell starts in the background ignores Ctrl-C, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert run.stdout is not None
    assert any(until in line for line in run.stdout)
    return run


def seconds_to_end(run: subprocess.Popen[str], number: int | None = None) -> float:
    """How long a process takes to end after one signal."""
    started = time.monotonic()
    if number is not None:
        run.send_signal(number)
    try:
        run.communicate(timeout=30)
    finally:
        run.kill()
    return time.monotonic() - started


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_in_silver(by_sail: Path, tmp_path: Path, number: int) -> None:
    folder = only_bronze(tmp_path / "project", by_sail)
    before = digests(folder / "datamart" / "bronze")
    words = [*LUIGI[1:], "luigi_tasks", "GoldFeatures", "--local-scheduler", "--verbose"]
    run = start(folder, *words, until="running   Silver")
    time.sleep(2)
    assert seconds_to_end(run, number) < SOON
    assert run.returncode == -number
    assert digests(folder / "datamart" / "bronze") == before


def test_ctrl_c_ends_a_long_query(tmp_path: Path) -> None:
    run = start(tmp_path, "-c", QUERY, until="running")
    time.sleep(1)
    assert seconds_to_end(run, signal.SIGINT) < SOON
    assert run.returncode == -signal.SIGINT


def test_an_interrupted_process_does_not_wait_for_the_imports_beside_it(tmp_path: Path) -> None:
    (tmp_path / "long_import.py").write_text("import time\nfor _ in range(300): time.sleep(0.1)\n")
    run = start(tmp_path, "-c", IMPORTS, until="running")
    assert seconds_to_end(run) < SOON
    assert run.returncode == 0
