"""The interval of a share is that of Jeffreys."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from luigi_tasks.monitoring.intervals import jeffreys_interval


def test_the_interval_is_that_of_jeffreys() -> None:
    low, high = jeffreys_interval([3, 0, 10, 0], [10, 10, 10, 0])
    assert low[0] == pytest.approx(beta.ppf(0.025, 3.5, 7.5))
    assert high[0] == pytest.approx(beta.ppf(0.975, 3.5, 7.5))
    assert (low[1], high[2]) == (0.0, 1.0)
    assert high[1] == pytest.approx(beta.ppf(0.975, 0.5, 10.5))
    assert np.isnan([low[3], high[3]]).all()
