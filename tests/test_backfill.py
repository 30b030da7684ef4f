"""Backfill leaves what a run a month would have left; Luigi's range tools send people to it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from running import BIN, Project

WORDS = ("--start", "2025-08", "--end", "2025-10")


def said_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The line in which a run says which months are missing."""
    return [line for line in done.stderr.splitlines() if "months are missing" in line]


def days_of(built: list[str]) -> list[str]:
    """The days of the predictions that were built, in order."""
    return [task[len("Predictions(as_of=") :][:10] for task in built if "Predictions(" in task]


@pytest.mark.slow
def test_it_runs_the_missing_months_oldest_first_and_says_which(project: Project) -> None:
    assert project.luigi("Pipeline", "--as-of", "2025-09-30").returncode == 0
    trail = project.digests("datamart/governance")
    before = len(project.history())
    done = project.luigi("Backfill", *WORDS)
    assert done.returncode == 0, done.stderr[-3000:]
    assert [line.partition("): ")[2] for line in said_of(done)] == [
        "2 of 3 months are missing: 2025-08, 2025-10"
    ]
    assert days_of(project.history()[before:]) == ["2025-08-31", "2025-10-31"]
    assert project.digests("datamart/governance") == trail, "they had been decided"
    assert project.built_by("Backfill", *WORDS) == []


def test_without_an_end_it_goes_up_to_the_day_of_the_data(project: Project) -> None:
    assert project.built_by("Backfill", "--start", "2025-11") == [], "Pipeline has run as of it"


@pytest.mark.parametrize(
    "words",
    [
        "RangeMonthly --of Pipeline --start 2025-01 --stop 2025-11 --months-back 99",
        "RangeMonthly --of Pipeline --start 2025-01 --stop 2025-11",
        "RangeDaily --of Governance --start 2025-01-01 --stop 2025-02-01 --days-back 999",
        "RangeDailyBase --of Predictions --start 2025-01-01 --days-back 999",
    ],
)
def test_a_range_tool_refuses_in_one_sentence_that_names_backfill(
    finished: Project, words: str
) -> None:
    outputs = finished.digests()
    done = finished.luigi(*words.split())
    assert done.returncode == 35, done.stderr
    sentence = f"{words.split()[0]} runs days in any order; for months in theirs there is luigi"
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert finished.digests() == outputs


# --- what it leaves --------------------------------------------------------------------------


def stop_after(project: Project, day: str, *words: str) -> None:
    """Kill a run once it has written the predictions of the day after one that it runs."""
    run = subprocess.Popen(
        [str(BIN / "luigi"), "--module", "luigi_tasks", *words, "--local-scheduler"],
        cwd=project.path,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    end = time.monotonic() + 300
    while day not in days_of(project.history())[:-1]:
        assert time.monotonic() < end
        assert run.poll() is None
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_leaves_what_monthly_runs_leave_even_after_a_kill(
    tmp_path_factory: pytest.TempPathFactory, workers: str
) -> None:
    folder: Path = tmp_path_factory.mktemp("backfill")
    monthly = Project.create(
        folder / "monthly", customers=5000, drift="--drift concept --drift-from 2024-04"
    )
    monthly.edit("params.yaml", "min_matured: 150", "min_matured: 100")
    monthly.edit("params.yaml", "min_new_labels: 150", "min_new_labels: 100")
    monthly.edit("params.yaml", "max_psi: 0.20", "max_psi: 9")
    monthly.edit("params.yaml", "shadow_months: 0", "shadow_months: 2")
    filled = monthly.copy(folder / "filled")
    for day in ("2024-10-31", "2024-11-30", "2024-12-31", "2025-01-31"):
        assert monthly.luigi("Pipeline", "--as-of", day).returncode == 0
    words = ("Backfill", "--start", "2024-10", "--end", "2025-01", "--workers", workers)
    stop_after(filled, "2024-10-31", *words)
    done = filled.luigi(*words)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "3 of 4 months are missing: 2024-11, 2024-12, 2025-01" in done.stderr
    trail = (filled.path / "datamart/governance/decisions.jsonl").read_text()
    assert '"promote"' in trail, "after months in shadow"
    assert filled.digests() == monthly.digests()
