"""Progress of a long stage, as people see it: a task that counts until it is told to stop."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import BIN, ROOT, luigid, tasks_on

TASK = """
import logging
import time
from pathlib import Path

import luigi

from luigi_tasks.core.engines.sail import Sail
from luigi_tasks.core.progress import Progress

Sail.modules = ()  # sheep need none of them before a fork


def wait_for(name):
    while not Path(name).exists():
        time.sleep(0.02)


class Counting(luigi.Task):
    def complete(self):
        return Path("enough").exists()

    def run(self):
        with Progress(self, "counting", 1000, "sheep that jump over a fence") as progress:
            wait_for("begin")
            progress.add(250)
            wait_for("log")
            logging.getLogger("luigi-interface").info("half way")
            Path("logged").touch()
            wait_for("enough")
"""


class Run:
    """A running luigi command; files in its folder tell the task to go on."""

    def __init__(self, folder: Path, stderr: int, *options: str) -> None:
        self.folder = folder
        (folder / "sheep.py").write_text(TASK)
        words = [str(BIN / "luigi"), "--module", "sheep", "Counting", "--no-lock", "--verbose"]
        self.process = subprocess.Popen(
            [*words, *options],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT}"},
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            text=True,
        )

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.tell("begin", "log", "enough")
        self.process.kill()
        self.process.wait()

    def tell(self, *names: str) -> None:
        for name in names:
            (self.folder / name).touch()

    def wait_for(self, name: str) -> None:
        end = time.monotonic() + 60
        while not (self.folder / name).exists():
            assert time.monotonic() < end, f"the task has not made {name}"
            time.sleep(0.02)


class Terminal:
    """A terminal with a width, and all that was written to it."""

    def __init__(self, columns: int) -> None:
        self.ours, self.theirs = pty.openpty()
        termios.tcsetwinsize(self.theirs, (30, columns))
        self.written = ""

    def close(self) -> None:
        os.close(self.ours)
        os.close(self.theirs)

    def wait_for(self, pattern: str) -> None:
        end = time.monotonic() + 20
        while not re.search(pattern, self.written):
            assert time.monotonic() < end, f"{pattern} is not in {self.written!r}"
            self._read(0.1)

    def read_all(self) -> None:
        while self._read(0):
            pass

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self.ours], [], [], seconds)
        if ready:
            self.written += os.read(self.ours, 65_536).decode()
        return bool(ready)

    def screen(self) -> list[str]:
        """The lines as they stand, after every overwriting and erasing."""
        lines, column = [""], 0
        for part in re.findall(r"\r|\n|\x1b\[K|[^\r\n\x1b]+", self.written):
            if part == "\r":
                column = 0
            elif part == "\n":
                lines.append("")
                column = 0
            elif part == "\x1b[K":
                lines[-1] = lines[-1][:column]
            else:
                lines[-1] = lines[-1][:column] + part + lines[-1][column + len(part) :]
                column += len(part)
        return lines


@pytest.fixture
def terminal(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    found = Terminal(getattr(request, "param", 120))
    yield found
    found.close()


def test_nothing_is_shown_where_stderr_is_no_terminal(tmp_path: Path) -> None:
    with Run(tmp_path, subprocess.PIPE, "--local-scheduler") as run:
        run.tell("begin", "log")
        run.wait_for("logged")
        time.sleep(2.5)  # long enough for progress to be shown, if it were
        run.tell("enough")
        _, stderr = run.process.communicate()
        assert run.process.returncode == 0
    assert "half way" in stderr
    assert "sheep" not in stderr
    assert "\x1b" not in stderr


def test_a_terminal_shows_stage_amounts_and_seconds_on_a_line_that_goes_away(
    tmp_path: Path, terminal: Terminal
) -> None:
    with Run(tmp_path, terminal.theirs, "--local-scheduler") as run:
        terminal.wait_for(r"Counting\(\) counting, 1 s\r")
        run.tell("begin")
        terminal.wait_for(r"Counting\(\) counting: 250 of 1,000 sheep .* \(25 %\), \d s\r")
        run.tell("log")
        terminal.wait_for("half way")
        assert "INFO: half way" in terminal.screen()
        terminal.wait_for("half way\r\n[^\n]*sheep")
        run.tell("enough")
        assert run.process.wait(20) == 0
    terminal.read_all()
    assert not any("sheep" in line for line in terminal.screen())
    assert "INFO: Worker" in "\n".join(terminal.screen())


@pytest.mark.parametrize("terminal", [40], indirect=True)
def test_the_line_is_cut_to_the_width_and_goes_away_also_without_a_log(
    tmp_path: Path, terminal: Terminal
) -> None:
    with Run(tmp_path, terminal.theirs, "--local-scheduler", "--log-level", "ERROR") as run:
        run.tell("begin", "log")
        terminal.wait_for("250 of")
        run.tell("enough")
        assert run.process.wait(20) == 0
    terminal.read_all()
    [shown] = {line for line in terminal.written.split("\r") if "250 of" in line}
    assert terminal.screen() == [""]
    assert shown == "\x1b[K" + "Counting() counting: 250 of 1,000 sheep that"[:39]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_luigid_shows_message_and_percentage(tmp_path: Path, workers: str) -> None:
    options = ["--workers", workers, "--scheduler-url"]
    with luigid(tmp_path) as url, Run(tmp_path, subprocess.DEVNULL, *options, url) as run:
        run.tell("begin", "log")
        end = time.monotonic() + 20
        while not (
            seen := [task for task in tasks_on(url, "RUNNING") if task["progress_percentage"]]
        ):
            assert time.monotonic() < end
            time.sleep(0.05)
        run.tell("enough")
        assert run.process.wait(20) == 0
    assert seen[0]["progress_percentage"] == 25
    assert seen[0]["status_message"].startswith("counting: 250 of 1,000 sheep")
