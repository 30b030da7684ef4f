"""Who the customers are: ids, the month of the only loan, and two latent variables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luigi_tasks.extracts.sample_data.columns import Floats, Ints
from luigi_tasks.extracts.sample_data.months import VINTAGE_COUNT

CHUNK_SIZE = 12_500
"""Customers made in memory at once. Part of the data's definition: changing it changes them."""


@dataclass(frozen=True)
class Customers:
    """One chunk of customers.

    `vintage` is the month in which the only loan starts, counted from January 2023; credit
    `quality` and `engagement` are standard normal and show only through the extracts.
    """

    ids: list[str]
    vintage: Ints
    quality: Floats
    engagement: Floats

    def __len__(self) -> int:
        return len(self.ids)


def draw_customers(rng: np.random.Generator, chunk: int, count: int) -> Customers:
    """Customers of a chunk: ids from the range of its number, vintages equally likely."""
    first_id, ids_per_customer = 0x1000, 4
    span = ids_per_customer * CHUNK_SIZE
    ids = first_id + chunk * span + np.sort(rng.choice(span, count, replace=False))
    return Customers(
        ids=[f"CUS_0x{number:x}" for number in ids.tolist()],
        vintage=rng.integers(0, VINTAGE_COUNT, count),
        quality=rng.standard_normal(count),
        engagement=rng.standard_normal(count),
    )
