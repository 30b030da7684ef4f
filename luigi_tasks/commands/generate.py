"""Rewrite what follows from the code: dependencies in dvc.yaml, the schema, the pages."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from luigi.task_register import Register

from luigi_tasks.commands import settings_page
from luigi_tasks.core import code_digests
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.settings import PARAMS_FILE
from luigi_tasks.core.task import Task, tasks_below, with_targets
from luigi_tasks.extracts.contract_page import page
from luigi_tasks.layers.bronze import RawCsv
from luigi_tasks.parameters import RULES

GRAPH = Path("dvc.yaml")
SCHEMA = Path("docs") / "params.schema.json"
CONTRACT = Path("docs") / "contract.md"
SETTINGS = Path("docs") / "settings.md"
# A dependency that is generated: an extract, or a file of this package.
EXTRACT = re.compile(r" *- (data/[^/\s.]+(?:\.csv)?)\s*(#.*)?$")
CODE = re.compile(r" *- (luigi_tasks/\S+\.py)\s*(#.*)?$")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--check", action="store_true", help="write nothing, but fail if something is out of date"
    )


def run(arguments: argparse.Namespace) -> int:
    outdated = {path: text for path, text in generated().items() if _text(path) != text}
    if arguments.check and outdated:
        raise PipelineError(
            f"out of date: {', '.join(map(str, outdated))}; `python -m luigi_tasks generate` "
            "writes it anew"
        )
    for path, text in outdated.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"{path}: rewritten")
    if not outdated:
        print("nothing is out of date")
    return 0


def generated() -> dict[Path, str]:
    """What the generated files should hold."""
    graph = _text(GRAPH)
    if not graph:
        raise PipelineError(f"{GRAPH} is missing in {Path.cwd()}")
    return {
        GRAPH: with_dependencies(graph, dependencies(yaml.safe_load(graph)["stages"])),
        SCHEMA: json.dumps(RULES.schema(), indent=2, ensure_ascii=False) + "\n",
        CONTRACT: page(),
        SETTINGS: settings_page.page(_text(PARAMS_FILE)),
    }


def dependencies(graph: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    """The extracts and the files of code that every stage of dvc.yaml depends on.

    A stage has the tasks below the one that it runs, but for those of the stages before it.
    """
    files: dict[str, list[str]] = {}
    seen: set[Task] = set()
    for stage, entry in graph.items():
        own = [task for task in tasks_below(_task_of(entry["cmd"])) if task not in seen]
        seen.update(own)
        extracts = {task.output().path.name for task in own if isinstance(task, RawCsv)}
        modules = {name for task in with_targets(own) for name in task.code_modules()}
        files[stage] = [
            *sorted(f"data/{file}" for file in extracts),
            *sorted(code_digests.file_of(name) for name in code_digests.of_code(*modules)),
        ]
    return files


def _task_of(command: str) -> Task:
    """The task that a stage's command runs.

    The day and the generation are all the same here, for the code below the task is not another.
    Given, they are not looked up in extracts and trail, which a fresh clone has not.
    """
    family = command.partition("--module luigi_tasks ")[2].split()[0]
    kind = Register.get_task_cls(family)
    moment = {"as_of": dt.date.max, "generation": 1}
    task: Task = kind(**{k: moment[k] for k, _ in kind.get_params() if k in moment})
    return task


def with_dependencies(graph: str, wanted: Mapping[str, Sequence[str]]) -> str:
    """The text of dvc.yaml with these generated dependencies of every stage, and no others.

    All other lines stay as they are. Raises PipelineError for a stage without `deps:`.
    """
    lines = graph.splitlines(keepends=True)
    for stage, names in wanted.items():
        block = slice(0, len(lines))
        for key in ("stages", stage, "deps"):
            block = _below(lines, key, block)
        if block.start == block.stop:
            raise PipelineError(f"{GRAPH}: stage {stage} has no list `deps:`")
        deps = lines[block]
        deps = _with_items(deps, EXTRACT, names, default=0)
        lines[block] = _with_items(deps, CODE, names, default=len(deps))
    return "".join(lines)


def _below(lines: Sequence[str], key: str, block: slice) -> slice:
    """The lines that belong to a key of a mapping, in the block that holds that mapping."""
    keys = [line.partition("#")[0].strip() for line in lines[block]]
    if f"{key}:" not in keys:
        return slice(block.stop, block.stop)
    start = block.start + keys.index(f"{key}:") + 1
    end = start
    for number, line in enumerate(lines[start : block.stop], start):
        text = line.strip()
        if text and (_indent(line) > _indent(lines[start - 1]) or text.startswith("- ")):
            end = number + 1
        elif text and not text.startswith("#"):
            break
    return slice(start, end)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _with_items(
    lines: Sequence[str], kind: re.Pattern[str], names: Sequence[str], *, default: int
) -> list[str]:
    """The lines of a list with the items of a kind replaced, from where the first of them was."""
    present = {match[1]: line for line in lines if (match := kind.match(line))}
    dashes = [line.partition("-")[0] for line in lines if line.lstrip().startswith("- ")]
    dash = f"{dashes[0] if dashes else ' ' * 6}- "
    wanted = [name for name in names if kind.match(f"- {name}")]
    at = next((i for i, line in enumerate(lines) if kind.match(line)), default)
    return [
        *lines[:at],
        *(present.get(name, f"{dash}{name}\n") for name in wanted),
        *(line for line in lines[at:] if not kind.match(line)),
    ]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
