"""The graph of stages that the page rests on, laid out by how far each is from the extracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_DIGITS = 10  # of a content digest


class InputFacts(NamedTuple):
    """What the page reads: who has made it, its name, its rows (None of what is no dataset)."""

    task: str
    output: str
    rows: int | None
    digest: str


def graph(families: Mapping[str, set[str]], inputs: Sequence[InputFacts]) -> dict[str, Any]:
    """inputs: what the page reads. nodes and edges: the kinds of stages below it, laid out.

    `families` says of which others each kind of stage reads.
    """
    reads = {name: before - {name} for name, before in families.items()}
    column = {name: _distance(name, reads) for name in reads}
    slot: dict[str, int] = {}
    for name in reads:
        slot[name] = sum(column[other] == column[name] for other in slot)
    return {
        "nodes": [{"stage": name, "column": column[name], "slot": slot[name]} for name in reads],
        "edges": [
            {
                "from": before,
                "to": name,
                "column": column[before],
                "slot": slot[before],
                "to_column": column[name],
                "to_slot": slot[name],
            }
            for name in reads
            for before in sorted(reads[name])
        ],
        "inputs": [{**each._asdict(), "digest": each.digest[:_DIGITS]} for each in inputs],
    }


def _distance(name: str, reads: Mapping[str, set[str]]) -> int:
    return 1 + max((_distance(each, reads) for each in reads[name]), default=-1)
