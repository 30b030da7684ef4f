"""Model files: written so that the same model gives the same bytes, read only when unaltered.

Unpickling runs code. A file is therefore loaded only when its SHA-256 is the recorded one, and
only classes and functions from the packages named here may take part.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from luigi_tasks.core.errors import PipelineError

TRUSTED_PACKAGES = frozenset({"sklearn", "numpy", "scipy", "joblib", "collections", "copyreg"})
TRUSTED_BUILTINS = frozenset(
    {"dict", "list", "set", "frozenset", "tuple", "slice", "range", "complex", "bytearray"}
    | {"object", "int", "float", "str", "bytes", "bool", "type"}
)


class _Pickler(pickle.Pickler):
    """Clears the padding between the fields of a tree's nodes: it is left over memory."""

    def reducer_override(self, item: Any) -> Any:
        import numpy as np
        from sklearn.tree._tree import Tree

        if not isinstance(item, Tree):
            return NotImplemented
        rebuild, arguments, state = item.__reduce__()
        nodes = state["nodes"]
        clean = np.zeros(nodes.shape, dtype=nodes.dtype)
        for field in nodes.dtype.names:
            clean[field] = nodes[field]
        return rebuild, arguments, {**state, "nodes": clean}


def dump(model: Any, path: Path) -> None:
    """Write a fitted scikit-learn object; `joblib.load` reads it too."""
    with path.open("wb") as file:
        _Pickler(file, protocol=5).dump(model)


def load(path: Path, sha256: str, more_packages: Iterable[str] = ()) -> Any:
    """Read a model file.

    Raises PipelineError when it is missing, when its digest is not `sha256`, or when it asks
    for code outside the trusted packages and `more_packages`.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise PipelineError(f"{path}: the model file is missing") from None
    actual = hashlib.sha256(data).hexdigest()
    if actual != sha256:
        raise PipelineError(
            f"{path}: refused, its SHA-256 {actual[:12]}… is not {sha256[:12]}…, the recorded one"
        )
    trusted = TRUSTED_PACKAGES | set(more_packages)

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            package = module.partition(".")[0]
            if package in trusted or (package == "builtins" and name in TRUSTED_BUILTINS):
                return super().find_class(module, name)
            raise PipelineError(f"{path}: refused, it asks for {module}.{name}")

    return Unpickler(io.BytesIO(data)).load()
