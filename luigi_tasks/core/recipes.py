"""Recipes: all that determines an output, and how two of them differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from luigi_tasks.core.delivered import Delivered
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.targets import StageTarget

Recipe = dict[str, Any]


def content_of(target: StageTarget | Delivered) -> str:
    """The content digest of a published or delivered target.

    Raises PipelineError when there is none.
    """
    if isinstance(target, StageTarget):
        provenance = target.provenance()
        if provenance is None:
            raise PipelineError(f"{target} does not exist; run the task that makes it")
        return provenance.content
    return target.content()


def difference(old: Recipe | None, new: Recipe) -> str:
    """What differs between two recipes, in the order in which a reader would ask."""
    if not old:
        return "output: has no provenance"
    changes = [
        *_changed("params", _part(old, "params"), new["params"], values=True),
        *_changed("input", _part(old, "inputs"), new["inputs"]),
        *_changed("code", _part(old, "code"), new["code"]),
    ]
    shown = ("params", "inputs", "code")
    rest = [{k: v for k, v in recipe.items() if k not in shown} for recipe in (old, new)]
    return "; ".join([*changes, *_changed("task", *rest, values=True)]) or "output: is damaged"


def _part(recipe: Recipe, name: str) -> dict[str, Any]:
    part = recipe.get(name)
    return part if isinstance(part, dict) else {}


def _changed(
    kind: str, old: dict[str, Any], new: dict[str, Any], *, values: bool = False
) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            for change in _changed(kind, before, after, values=values):
                yield change.replace(f"{kind}: ", f"{kind}: {name}.", 1)
        elif values:
            yield f"{kind}: {name} {before} → {after}"
        else:
            how = "is new" if before is None else "is gone" if after is None else "changed"
            yield f"{kind}: {name} {how}"
