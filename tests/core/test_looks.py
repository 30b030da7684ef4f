"""What is asked within one look is found out once, and again in the next look."""

from __future__ import annotations

from pathlib import Path

import luigi

from luigi_tasks.core.task import Task, Wrapper

asked: list[str] = []


class Shared(Task):
    """What two tasks require."""

    def requires(self) -> list[Task]:
        return []

    def examine(self) -> str | None:
        asked.append("Shared")
        return None


class Side(Wrapper):
    """One of the two."""

    name = luigi.Parameter()

    def requires(self) -> list[Task]:
        return [Shared()]


class Top(Wrapper):
    """What requires both."""

    def requires(self) -> list[Task]:
        return [Side(name="left"), Side(name="right")]


def test_luigi_asks_for_all_inputs_of_a_task_in_one_look(empty_project: Path) -> None:
    asked.clear()
    inputs = Top().deps()
    for times in (1, 2):
        assert [task.complete() for task in inputs] == [True, True]
        assert len(asked) == times
    assert [task.task_id for task in inputs] == [task.task_id for task in Top().requires()]


def test_a_look_that_is_broken_off_is_over(empty_project: Path) -> None:
    asked.clear()
    for task in Top().deps():
        assert task.complete()
        break
    assert Top().complete()
    assert len(asked) == 2
