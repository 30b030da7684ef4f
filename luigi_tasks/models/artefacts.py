"""Writing model files: the same model gives the same bytes.

They are read by `unpickling`, a module of its own: what may be read changes no model.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import IO, Any


class _Pickler(pickle._Pickler):
    """Tells equal texts by what they say, and clears the padding between fields of a tree's nodes.

    Whether two equal texts are one object depends on what else the process has done; the padding
    is left over memory.
    """

    def __init__(self, file: IO[bytes], protocol: int) -> None:
        super().__init__(file, protocol)
        self._texts: dict[str, str] = {}

    def save(self, item: Any, *more: Any, **named: Any) -> None:
        """Pickle's own, which remembers objects by their identity."""
        if type(item) is str:
            item = self._texts.setdefault(item, item)
        elif isinstance(item, pickle.PickleBuffer):  # of two empty ones Python's own fails
            raw = item.raw()
            item = bytes(raw) if raw.readonly else bytearray(raw)
        super().save(item, *more, **named)  # type: ignore[misc]

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
