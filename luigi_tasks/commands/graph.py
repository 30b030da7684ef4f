"""Print the tree of stages, each below the one that needs it, with its state."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import luigi
from luigi.task import flatten

from luigi_tasks.commands.status import add_as_of
from luigi_tasks.core import history
from luigi_tasks.core.task import Stage, Task, Wrapper, one_look, tasks_below
from luigi_tasks.page_names import page_name
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


def _tree(root: Task) -> list[str]:
    """One line a task; what stands further up already is named again, without what it needs."""
    needs, states = _needs(root), _States()
    seen: set[Task] = set()
    rows: list[tuple[str, str]] = []

    def walk(task: Task, before: str, branch: str, below: str) -> None:
        again = task in seen
        seen.add(task)
        rows.append((f"{before}{branch}{label(task)}", "(above)" if again else states.of(task)))
        for required in [] if again else needs[task]:
            is_last = required is needs[task][-1]
            walk(required, before + below, "└─ " if is_last else "├─ ", "   " if is_last else "│  ")

    walk(root, "", "", "")
    width = max(len(name) for name, _ in rows)
    return [f"{name:{width}}  {state}".rstrip() for name, state in rows]


def _mermaid(root: Task) -> Iterator[str]:
    """A flowchart of the stages and extracts, for a page that draws Mermaid.

    The layers are subgraphs, by the groups of luigid's page; a box says its task and its state.
    """
    needs = {t: n for t, n in _needs(root).items() if not isinstance(t, Wrapper)}
    states = _States()
    numbers = {task: f"t{number}" for number, task in enumerate(needs)}
    layers: dict[str, list[Task]] = {}
    for task in needs:
        name = page_name(task.get_task_family(), task.task_module, {})
        layers.setdefault(name.partition(".")[0], []).append(task)
    yield "flowchart LR"
    for layer, tasks in layers.items():
        yield f"  subgraph {layer}"
        for task in tasks:
            state = states.of(task) or "delivered"
            kind = state.partition(":")[0]
            yield f'    {numbers[task]}["{label(task)}<br/>{_escaped(state)}"]:::{kind}'
        yield "  end"
    for task, required in needs.items():
        yield from (f"  {numbers[before]} --> {numbers[task]}" for before in required)
    for kind, colours in _COLOURS.items():
        yield f"  classDef {kind} {colours},color:#111"


_COLOURS = {
    "delivered": "fill:#eeeeee,stroke:#666666",
    "fresh": "fill:#d9ead3,stroke:#38761d",
    "kept": "fill:#d9d9d9,stroke:#434343",
    "STALE": "fill:#fce5cd,stroke:#b45f06",
    "MISSING": "fill:#fff2cc,stroke:#bf9000",
    "FAILED": "fill:#f4cccc,stroke:#990000",
}


def _escaped(text: str) -> str:
    """Text in a quoted label: Mermaid has entities of its own for what would end or mark it up."""
    for character, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(character, entity)
    return text


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
    """What is said of a task, nothing of a wrapper or of what is delivered.

    fresh, kept, STALE with the reason, FAILED with the sentence, or MISSING, as before the first
    run: an output is not there.
    """

    def __init__(self) -> None:
        self._failures = history.last_failures()

    def of(self, task: Task) -> str:
        if isinstance(task, Wrapper | luigi.ExternalTask):
            return ""
        reason = task.stale_because()
        if reason is None:
            return "kept" if isinstance(task, Stage) and task.kept_because() else "fresh"
        failure = self._failures.get(str(task))
        if failure:
            return f"FAILED: {failure.get('error')}"
        is_there = all(target.exists() for target in flatten(task.output()))
        return f"STALE: {in_short(reason)}" if is_there else "MISSING"
