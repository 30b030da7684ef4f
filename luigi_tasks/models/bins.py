"""Bins that are frozen at training: which values lie in which of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from luigi_tasks.models.metadata import FrozenBins


def freeze_bins(values: pd.Series, bins: int) -> FrozenBins:
    """The bins of these values: up to `bins` quantile bins of numbers, or the categories.

    Equal quantiles leave fewer bins.
    """
    known = values.dropna()
    edges, categories = None, None
    if values.dtype.kind in "fiub":
        inner = np.quantile(known, np.arange(1, bins) / bins) if len(known) else np.array([])
        edges = np.unique(inner).tolist()
    else:
        categories = sorted(known.unique().tolist())
    size = len(edges if edges is not None else categories or []) + 1
    counts = np.bincount(_locate(edges, categories, values), minlength=size + 1)
    shares = counts / max(len(values), 1)
    return FrozenBins(
        edges=edges, categories=categories, bins=size, n=len(values), shares=shares.tolist()
    )


def locate(frozen: FrozenBins, values: pd.Series) -> NDArray[np.int64]:
    """The position of each value's bin, shape (n,); missing is the last."""
    return _locate(frozen.edges, frozen.categories, values)


def count(frozen: FrozenBins, values: pd.Series) -> NDArray[np.int64]:
    """How many of the values lie in each bin, shape (bins + 1,)."""
    return np.bincount(locate(frozen, values), minlength=len(frozen.shares))


def _locate(
    edges: list[float] | None, categories: list[str] | None, values: pd.Series
) -> NDArray[np.int64]:
    if edges is not None:
        missing = len(edges) + 1
        position = np.searchsorted(edges, values.to_numpy(dtype=float), side="left")
        return np.where(values.isna(), missing, position)
    order = {category: i for i, category in enumerate(categories or [])}
    unseen = len(order)
    known = values.map(order).fillna(unseen).to_numpy(dtype=int)
    return np.where(values.isna(), unseen + 1, known)
