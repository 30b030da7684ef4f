"""Writing model files: the same model gives the same bytes.

They are read by `unpickling`, a module of its own: what may be read changes no model.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any


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
