"""Print the tree of stages, each below the one that needs it, with its state."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import luigi

from luigi_tasks.commands.status import add_as_of
from luigi_tasks.core import history
from luigi_tasks.core.task import Stage, Task, Wrapper, one_look, tasks_below
from luigi_tasks.pipeline import Pipeline
from luigi_tasks.runs.lines import in_short, label


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_as_of(parser)
    parser.add_argument("--mermaid", action="store_true", help="as a Mermaid flowchart")


def run(arguments: argparse.Namespace) -> int:
    root = Pipeline(as_of=arguments.as_of)
    with one_look(root):
        print("\n".join(_mermaid(root) if arguments.mermaid else _tree(root)))
    return 0


def _tree(root: Task) -> Iterator[str]:
    """One line a task; what stands further up already is named again, without what it needs."""
    needs, states, seen = _needs(root), _States(), set[Task]()

    def walk(task: Task, before: str, branch: str, below: str) -> Iterator[str]:
        again = task in seen
        seen.add(task)
        yield f"{before}{branch}{label(task)}  {'(above)' if again else states.of(task)}".rstrip()
        if again:
            return
        for required in needs[task]:
            is_last = required is needs[task][-1]
            yield from walk(
                required, before + below, "└─ " if is_last else "├─ ", "   " if is_last else "│  "
            )

    return walk(root, "", "", "")


def _mermaid(root: Task) -> Iterator[str]:
    """A flowchart from the extracts to the root, for a page that draws Mermaid."""
    needs, states = _needs(root), _States()
    numbers = {task: f"t{number}" for number, task in enumerate(needs)}
    yield "flowchart LR"
    for task, number in numbers.items():
        kind = states.of(task).partition(":")[0]
        yield f'  {number}["{label(task)}"]' + (f":::{kind}" if kind else "")
    for task, required in needs.items():
        yield from (f"  {numbers[before]} --> {numbers[task]}" for before in required)
    yield "  classDef fresh fill:#d9ead3,stroke:#38761d"
    yield "  classDef STALE fill:#fce5cd,stroke:#b45f06"
    yield "  classDef FAILED fill:#f4cccc,stroke:#990000"
    yield "  classDef kept fill:#d9d9d9,stroke:#434343"


def _needs(root: Task) -> dict[Task, list[Task]]:
    """What each task needs, inputs first, without what another of its needs has anyway."""
    below: dict[Task, set[Task]] = {}
    needs: dict[Task, list[Task]] = {}
    for task in tasks_below(root):
        required = task.upstream()
        deeper = set[Task]().union(*(below[each] for each in required))
        needs[task] = [each for each in dict.fromkeys(required) if each not in deeper]
        below[task] = deeper.union(required)
    return needs


class _States:
    """fresh, kept, STALE with the reason, or FAILED with the sentence; nothing of a wrapper."""

    def __init__(self) -> None:
        self._failures = history.last_failures()

    def of(self, task: Task) -> str:
        if isinstance(task, Wrapper | luigi.ExternalTask):
            return ""
        reason = task.stale_because()
        if reason is None:
            return "kept" if isinstance(task, Stage) and task.kept_because() else "fresh"
        failure = self._failures.get(str(task))
        return f"FAILED: {failure.get('error')}" if failure else f"STALE: {in_short(reason)}"
