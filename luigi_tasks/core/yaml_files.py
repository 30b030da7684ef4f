"""YAML as settings need it: every key once, no references, and a value that is none as its text."""

from __future__ import annotations

from typing import Any

import yaml

from luigi_tasks.core.errors import PipelineError

# Far deeper than settings go; a parser that calls itself comes to its end somewhere above.
_DEEPEST = 50


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe values, each key of a mapping once."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError):
            # Such as 2024-13-45. Whoever reads the value refuses it with its name.
            return node.value

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise PipelineError(f"line {key.start_mark.line + 1}: {key.value} is there twice")
            seen.add(key.value)
        return dict(super().construct_mapping(node, deep))


def parsed(text: str) -> Any:
    """What a YAML text holds; raises PipelineError with the line at fault."""
    try:
        _check_events(text)
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise PipelineError(f"not valid YAML: {' '.join(str(error).split())}") from error


def _check_events(text: str) -> None:
    """Refuse references, of which a few lines can make gigabytes, and nesting without end."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if getattr(event, "anchor", None):
            raise PipelineError(f"line {line}: references (& and *) are not allowed")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise PipelineError(f"line {line}: more than {_DEEPEST} levels are not allowed")
