"""Writing model files: the same model gives the same bytes.

They are read by `unpickling`, a module of its own: what may be read changes no model.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any


class _Pickler(pickle.Pickler):
    """What is left over of the process that fitted a model is not written.

    The padding between the fields of a tree's nodes is cleared: it is left over memory. And the
    names of an estimator's attributes are made the one object of that text: pickle refers to the
    very same object alone, and a process that has read a model before has some of them twice
    (scikit-learn's __setstate__ brings names of its own, which later instances share).
    """

    def reducer_override(self, item: Any) -> Any:
        from sklearn.base import BaseEstimator
        from sklearn.tree._tree import Tree

        if isinstance(item, Tree):
            return _without_padding(item)
        if isinstance(item, BaseEstimator):
            rebuild, arguments, state, *more = item.__reduce_ex__(5)
            return rebuild, arguments, {sys.intern(n): v for n, v in state.items()}, *more
        return NotImplemented


def _without_padding(tree: Any) -> Any:
    import numpy as np

    rebuild, arguments, state = tree.__reduce__()
    nodes = state["nodes"]
    clean = np.zeros(nodes.shape, dtype=nodes.dtype)
    for field in nodes.dtype.names:
        clean[field] = nodes[field]
    return rebuild, arguments, {**state, "nodes": clean}


def dump(model: Any, path: Path) -> None:
    """Write a fitted scikit-learn object; `joblib.load` reads it too."""
    with path.open("wb") as file:
        _Pickler(file, protocol=5).dump(model)
