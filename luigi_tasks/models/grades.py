"""The grade of a score on the master scale (monitoring.grades)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def grade_of(scores: Any, bounds: Sequence[float]) -> NDArray[np.int64]:
    """The grade of each score, shape (n,): 1 is the best.

    `bounds` are the ascending upper bounds of all grades but the last; a score on a bound has the
    grade above it.
    """
    return np.searchsorted(bounds, np.asarray(scores, dtype=float), side="right") + 1
