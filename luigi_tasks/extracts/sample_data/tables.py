"""Which function draws which extract.

To add an extract: describe it in the contract, write a function that draws its columns, and
enter both at the end of `DRAWN_BY`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from luigi_tasks.extracts.contract import ATTRIBUTES, CLICKSTREAM, FINANCIALS, LOANS, Table
from luigi_tasks.extracts.sample_data.attributes import draw_attributes
from luigi_tasks.extracts.sample_data.clickstream import draw_clickstream
from luigi_tasks.extracts.sample_data.columns import Columns
from luigi_tasks.extracts.sample_data.customers import Customers, draw_customers
from luigi_tasks.extracts.sample_data.drift import Drift
from luigi_tasks.extracts.sample_data.financials import draw_financials
from luigi_tasks.extracts.sample_data.loans import draw_loans

Draw = Callable[[np.random.Generator, Customers, Drift], Columns]
"""Draws the columns of one extract of these customers, from a random stream of its own."""

# An extract's random stream follows from its place here: one in between would change the others.
DRAWN_BY: Mapping[Table, Draw] = {
    ATTRIBUTES: draw_attributes,
    FINANCIALS: draw_financials,
    LOANS: draw_loans,
    CLICKSTREAM: draw_clickstream,
}


def draw_chunk(number: int, count: int, seed: int, drift: Drift) -> Iterator[tuple[Table, Columns]]:
    """Each extract of the `count` customers in the chunk of that number, one extract at a time."""
    children = np.random.SeedSequence([seed, number]).spawn(1 + len(DRAWN_BY))
    streams = [np.random.default_rng(child) for child in children]
    customers = draw_customers(streams[0], number, count)
    for stream, (table, draw) in zip(streams[1:], DRAWN_BY.items(), strict=True):
        yield table, draw(stream, customers, drift)
