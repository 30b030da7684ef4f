"""Columns as arrays while they are drawn, and as CSV fields once they are finished."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

Columns = dict[str, list[str]]
"""All columns of an extract by name, in file order; every value is a finished CSV field."""
