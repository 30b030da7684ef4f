"""The extract of clickstream features."""

from __future__ import annotations

import numpy as np

from luigi_tasks.extracts.contract import CLICKSTREAM_FEATURES
from luigi_tasks.extracts.sample_data.columns import Columns
from luigi_tasks.extracts.sample_data.customers import Customers
from luigi_tasks.extracts.sample_data.drift import CLICKSTREAM_OUTAGE, Drift
from luigi_tasks.extracts.sample_data.months import day_first_date
from luigi_tasks.extracts.sample_data.text import date_text, integer_text

_MONTHS = 24
_OBSERVED_SHARE = 0.72
_MEAN = 100
_STANDARD_DEVIATION = 100
_ENGAGEMENT_EFFECT = (2, 5, 8, 10, 12, -2, -5, -8, -10, -12, *(0,) * 10)
"""Shift of fe_1 … fe_20 per standard deviation of engagement."""


def draw_clickstream(rng: np.random.Generator, customers: Customers, drift: Drift) -> Columns:
    """fe_1 … fe_20: one row a month and observed customer, by month from January 2023."""
    observed = np.flatnonzero(rng.random(len(customers)) < _OBSERVED_SHARE)
    effect = np.array(_ENGAGEMENT_EFFECT, dtype=np.float64)
    mean = _MEAN + customers.engagement[observed, np.newaxis] * effect
    noise = rng.standard_normal((_MONTHS, *mean.shape))
    values = np.rint(mean + _STANDARD_DEVIATION * noise).astype(np.int64)

    kept = ~drift.affects(CLICKSTREAM_OUTAGE, customers.vintage[observed])
    values = values[:, kept]
    ids = [customers.ids[row] for row in observed[kept].tolist()]
    months = np.repeat(np.arange(_MONTHS), len(ids))
    columns = {
        name: integer_text(feature.ravel())
        for name, feature in zip(CLICKSTREAM_FEATURES, np.moveaxis(values, 2, 0), strict=True)
    }
    columns["Customer_ID"] = ids * _MONTHS
    columns["snapshot_date"] = date_text(months, day_first_date)
    return columns
