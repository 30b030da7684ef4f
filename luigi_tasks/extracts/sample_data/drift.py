"""The drifts that can be asked for, and the loans that they affect."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luigi_tasks.extracts.sample_data.months import VINTAGE_COUNT, month_name

if TYPE_CHECKING:  # numpy takes a while to load, and the command line reads DRIFTS at start
    from luigi_tasks.extracts.sample_data.columns import Bools, Ints

INCOME_SHIFT = "income-shift"
CLICKSTREAM_OUTAGE = "clickstream-outage"
CONCEPT = "concept"
DRIFTS = (INCOME_SHIFT, CLICKSTREAM_OUTAGE, CONCEPT)


@dataclass(frozen=True)
class Drift:
    """Which drift, if any, and the first vintage that it affects."""

    kind: str | None
    first_vintage: int

    def affects(self, kind: str, vintage: Ints) -> Bools:
        """Whether each loan, given its vintage in months, is under a drift of that kind."""
        affected: Bools = (vintage >= self.first_vintage) & (self.kind == kind)
        return affected


def parse_drift(kind: str | None, month: str | None) -> Drift:
    """The drift that the command line asks for: `kind` one of `DRIFTS`, `month` YYYY-MM.

    Raises ValueError naming the argument that is missing or impossible.
    """
    if kind is None:
        if month is not None:
            raise ValueError("--drift-from: needs --drift")
        return Drift(None, 0)
    if kind not in DRIFTS:
        raise ValueError(f"--drift: {kind!r} is not one of {', '.join(DRIFTS)}")
    if month is None:
        raise ValueError(f"--drift: {kind} needs --drift-from (YYYY-MM)")
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", month):
        raise ValueError(f"--drift-from: {month!r} is not a month (YYYY-MM)")
    vintages = [month_name(vintage) for vintage in range(VINTAGE_COUNT)]
    if month not in vintages:
        raise ValueError(
            f"--drift-from: {month} is outside the vintages {vintages[0]} to {vintages[-1]}"
        )
    return Drift(kind, vintages.index(month))
