"""The worker that tells what happens, where tasks ask for others while they run."""

from __future__ import annotations

from pathlib import Path

from running import BIN, Project

ASKS_FOR_ONE_THAT_RUNS = """
import time
from pathlib import Path

import luigi
import luigi_tasks


class Made(luigi.Task):
    def output(self):
        return luigi.LocalTarget(f"made/{self.task_family}")

    def make(self):
        with self.output().open("w") as file:
            file.write("made")


class Slow(Made):
    def run(self):
        Path("made").mkdir(exist_ok=True)
        Path("made/begun").touch()
        time.sleep(1)
        self.make()


class Asks(Made):
    def run(self):
        while not Path("made/begun").exists():
            time.sleep(0.01)
        yield Slow()
        self.make()


class Both(luigi.WrapperTask):
    def requires(self):
        return [Slow(), Asks()]
"""


def test_a_task_may_ask_for_one_that_is_running(finished: Project, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "project")
    (project.path / "asks.py").write_text(ASKS_FOR_ONE_THAT_RUNS)
    words = ("--module", "asks", "Both", "--local-scheduler", "--workers", "2")
    done = project.run(str(BIN / "luigi"), *words)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (project.path / "made" / "Asks").exists()
    assert "ran       3" in done.stderr
