"""The settings of params.yaml that name columns of gold: refused before gold is built.

`luigi_tasks/__init__.py` declares this check; no task imports it, so that it makes nothing stale.
"""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Sequence
from typing import Any

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.settings import PARAMS_FILE
from luigi_tasks.layers.feature_names import feature_names
from luigi_tasks.parameters import RULES


def check(tree: Any) -> dict[str, Any]:
    """The settings of a params.yaml as {dotted name: value}.

    Raises PipelineError as `Rules.check` does, and for a name or a pattern that no feature has.
    """
    values = RULES.check(tree)
    known = feature_names()
    for setting in ("training.features", "explanations.not_told"):
        for pattern in values[setting]:
            if not fnmatch.filter(known, pattern):
                raise PipelineError(
                    f"{PARAMS_FILE}: {setting}: {pattern!r} matches no column of gold; "
                    f"{_instead(pattern, known)}"
                )
    for name in values["fairness.columns"]:
        if name not in known:
            raise PipelineError(
                f"{PARAMS_FILE}: fairness.columns.{name}: gold has no such feature; "
                f"{_instead(name, known)}"
            )
    return values


def _instead(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
