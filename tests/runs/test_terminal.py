"""What people see of a run: a line a stage, the end, errors once, and nothing of Luigi's log."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import termios
from pathlib import Path

import pytest
from running import BIN, ROOT, Project, luigid, tasks_on

CONTROL = re.compile(r"[^\n -~–…→×²-ÿ]")
TASKS = """
import os
import signal

import luigi

from luigi_tasks.core.engines.sail import Sail
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.run_log import tell

Sail.modules = ()


class Odd(luigi.Task):
    def complete(self):
        return False


class Killed(Odd):
    def run(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Refused(Odd):
    def run(self):
        raise PipelineError("data/a.csv: line 7 is odd")


class Defect(Odd):
    def run(self):
        raise ValueError("seven")


class All(luigi.WrapperTask):
    def requires(self):
        return [Killed(), Refused()]
"""


def of_tasks(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "odd.py").write_text(TASKS)
    return subprocess.run(
        [str(BIN / "luigi"), "--module", "odd", "--no-lock", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )


def on_terminal(project: Project, columns: int, *words: str) -> list[str]:
    """The lines that a run leaves on a terminal so wide."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (60, columns))
    command = [str(BIN / "luigi"), "--module", "luigi_tasks", *words, "--local-scheduler"]
    with subprocess.Popen(
        command, cwd=project.path, env=project.environment, stdout=theirs, stderr=theirs
    ) as run:
        os.close(theirs)
        written = b""
        try:
            while data := os.read(ours, 65_536):
                written += data
        except OSError:  # how Linux tells that nobody writes any more
            pass
    os.close(ours)
    assert run.returncode == 0, written
    lines = written.decode().replace("\r\n", "\n").split("\n")
    return [re.split(r"\r|\x1b\[K", line)[-1] for line in lines]


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    """A project that has run once, and what the run has printed without a terminal."""
    project = Project.create(tmp_path_factory.mktemp("cold") / "project")
    done = project.luigi("Pipeline")
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == ""
    return project, done.stderr


def test_a_first_run_without_a_terminal_says_a_line_a_stage_and_the_end(
    cold: tuple[Project, str],
) -> None:
    project, told = cold
    lines = told.splitlines()
    assert len(lines) <= 60
    assert not CONTROL.search(told)
    stages = [line for line in lines if re.match(r"\d\d:\d\d:\d\d  ", line)]
    history = (project.path / "logs" / "task_history.jsonl").read_text().splitlines()
    assert len(stages) == len(history) == 33
    [silver] = [line for line in stages if "  Silver lms_loan_daily " in line]
    assert re.search(r" \d+\.\d\d s  13,200 → 13,200 rows +no output yet$", silver)
    [model] = [line for line in stages if "  BestModel " in line]
    assert re.search(r"  AUC 0\.\d{3} \w+  ", model)
    [decision] = [line for line in stages if "  Governance " in line]
    assert "  keep, ok on 2025-11-01  " in decision
    end = told.partition("\n\n")[2]
    assert re.match(r"Pipeline as of 2025-11-01: done after \d", end)
    for word in ("ran       33", "fresh     0", "failed    0", "champion  ", "decision  keep, ok "):
        assert f"\n{word}" in end
    paths = end.partition("look at:\n")[2].split()
    assert len(paths) >= 8
    assert all((project.path / path).exists() for path in paths)


def test_luigis_log_lies_in_a_file_with_time_stamps(cold: tuple[Project, str]) -> None:
    project, told = cold
    log = (project.path / "logs" / "luigi.log").read_text()
    assert re.search(r"(?m)^\d{4}-\d\d-\d\d [\d:,]+ \[\d+\] INFO .*running   Bronze", log)
    assert "Luigi Execution Summary" in log
    assert "running   " not in told
    assert "Execution Summary" not in told


def test_verbose_brings_the_log_back(cold: tuple[Project, str]) -> None:
    told = cold[0].luigi("Pipeline", "--verbose").stderr
    assert "Luigi Execution Summary" in told
    assert "Pipeline as of 2025-11-01: nothing to do" in told


def test_the_log_is_bounded(cold: tuple[Project, str], tmp_path: Path) -> None:
    logs = cold[0].copy(tmp_path / "project").path / "logs"
    for _ in range(6):
        (logs / "luigi.log").write_bytes(b"." * 5_000_001)
        assert Project(logs.parent).luigi("Bronze", "--table", "lms_loan_daily").returncode == 0
    kept = sorted(logs.glob("luigi.log*"))
    assert len(kept) == 5
    assert kept[0].stat().st_size < 100_000


def test_a_narrow_terminal_cuts_the_lines_of_stages_and_no_word_of_the_end(
    cold: tuple[Project, str], tmp_path: Path
) -> None:
    project = cold[0].copy(tmp_path / "project")
    (project.path / "reports" / "performance_dashboard.png").unlink()
    lines = on_terminal(project, 60, "Pipeline", "--workers", "2")
    assert max(map(len, lines)) < 60
    [dashboard] = [line for line in lines if " Dashboard " in line]
    assert dashboard.endswith("…")
    end = " ".join(" ".join(lines).partition("champion")[2].split())
    summary = project.command("summary").stdout
    champion = re.search("champion(.*)", summary)
    assert champion
    assert end.startswith(" ".join(champion[1].split()))


def test_what_failed_is_said_once_and_stands_in_the_history_and_the_summary(
    cold: tuple[Project, str], tmp_path: Path
) -> None:
    project = cold[0].copy(tmp_path / "project")
    project.edit("params.yaml", "max_flagged_share: 0.30", "max_flagged_share: 0.01")
    done = project.luigi("Pipeline", "--workers", "2")
    assert done.returncode == 30
    sentence = "more than quality.max_flagged_share = 0.01"
    assert done.stderr.count(sentence) == 1
    assert re.search(rf"(?m)^\d\d:\d\d:\d\d  QualityCheck .*  FAILED: .*{sentence}", done.stderr)
    assert "Pipeline as of 2025-11-01: FAILED after" in done.stderr
    assert re.search(r"(?m)^not run +\d+: GoldFeatures, ", done.stderr)
    last = json.loads((project.path / "logs/task_history.jsonl").read_text().splitlines()[-1])
    assert (last["task"], last["outcome"]) == ("QualityCheck()", "failed")
    assert sentence in last["error"]
    told = project.command("summary").stdout
    assert re.search(rf"(?m)^failed    QualityCheck at 2.*{sentence}", told)
    assert re.search(r"(?m)^old       QualityCheck: params: quality.max_flagged_share ", told)
    assert re.search(r"(?m)^old       after them GoldFeatures, ", told)
    graph = project.command("graph").stdout
    assert re.search(rf"QualityCheck +FAILED: .*{sentence}", graph)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_defect_keeps_its_traceback_and_begins_with_its_sentence(
    tmp_path: Path, workers: str
) -> None:
    done = of_tasks(tmp_path, "Defect", "--local-scheduler", "--workers", workers)
    first, _, rest = done.stderr.partition("\n")
    assert first.endswith("FAILED: ValueError: seven")
    assert rest.startswith("Runtime error:\nTraceback (most recent call last)")


def test_a_killed_process_is_said_to_have_been_killed_and_luigid_shows_sentences_first(
    tmp_path: Path,
) -> None:
    with luigid(tmp_path) as url:
        done = of_tasks(tmp_path, "All", "--workers", "2", "--scheduler-url", url)
        failed = {task["name"]: task for task in tasks_on(url, "FAILED")}
        assert set(failed) == {"Killed", "Refused"}
    assert re.search(
        r"Killed .*FAILED: killed, probably out of memory: 2 workers × memory_mb 3,000 = 6,000 MiB",
        done.stderr,
    )
    assert re.search(r"(?m)^[\d:]+  Refused .*FAILED: data/a.csv: line 7 is odd$", done.stderr)
    assert "Traceback" not in done.stderr


def test_luigid_shows_what_a_stage_made(cold: tuple[Project, str], tmp_path: Path) -> None:
    project = cold[0].copy(tmp_path / "project")
    (project.path / "datamart/gold/model_monitoring.parquet/_SUCCESS").unlink()
    with luigid(project.path) as url:
        words = ["--module", "luigi_tasks", "Monitoring", "--scheduler-url", url]
        done = project.run(str(BIN / "luigi"), *words)
        assert done.returncode == 0, done.stderr
        [monitoring] = [
            task for task in tasks_on(url, "DONE") if task["name"].endswith("Monitoring")
        ]
    assert re.fullmatch(r"[\d,]+ → \d+ rows", monitoring["status_message"])
