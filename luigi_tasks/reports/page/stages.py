"""The graph of stages that the page rests on, laid out by how far each is from the extracts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_DIGITS = 10  # of a content digest


@dataclass(frozen=True)
class StageFacts:
    """A task below the page: its family, those whose outputs it reads, and what it has made.

    `outputs` are (path, rows or None, content digest) each.
    """

    task: str
    family: str
    reads: tuple[str, ...]
    outputs: tuple[tuple[str, int | None, str], ...]


def graph(stages: Sequence[StageFacts]) -> dict[str, Any]:
    """outputs: what every stage has made. nodes and edges: the families, laid out."""
    families: dict[str, set[str]] = defaultdict(set)
    for stage in stages:
        families[stage.family] |= set(stage.reads) - {stage.family}
    column = {name: _distance(name, families) for name in families}
    slots: dict[str, int] = {}
    for number in sorted(set(column.values())):
        names = [name for name in families if column[name] == number]
        for slot, name in enumerate(names):
            slots[name] = slot
    nodes = [
        {
            "stage": name,
            "column": column[name],
            "slot": slots[name],
            "tasks": sum(stage.family == name for stage in stages),
        }
        for name in families
    ]
    edges = [
        {
            "from": before,
            "to": name,
            "column": column[before],
            "slot": slots[before],
            "to_column": column[name],
            "to_slot": slots[name],
        }
        for name, reads in families.items()
        for before in sorted(reads)
    ]
    outputs = [
        {
            "task": stage.task,
            "reads": ", ".join(sorted(set(stage.reads))) or "data/",
            "output": path,
            "rows": rows,
            "digest": digest[:_DIGITS],
        }
        for stage in stages
        for path, rows, digest in stage.outputs
    ]
    return {"outputs": outputs, "nodes": nodes, "edges": edges}


def _distance(name: str, families: dict[str, set[str]]) -> int:
    return 1 + max((_distance(each, families) for each in families[name]), default=-1)
