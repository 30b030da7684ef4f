"""The parts of the gold table: one vintage each, and on what of silver and the flags each rests.

A vintage rests on the months in which its loans have an installment up to the observation point,
on the attributes and financials up to its prediction points, on the clickstream of its windows and
on the flags of its customers. Whatever else is delivered leaves it as it is.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column
from pyspark.sql import functions as F

from luigi_tasks.core import digests, tables
from luigi_tasks.core.parallel import in_order
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.extracts.contract import ATTRIBUTES, CLICKSTREAM, FINANCIALS, LOANS
from luigi_tasks.layers.parts_by_month import first_day, months_later

_COLUMNS = ["Customer_ID", "loan_start_date", "installment_num", "snapshot_date"]
# By customer the day from which on nothing of them reaches gold.
Flags = Mapping[str, dt.date]


@dataclass
class Vintages:
    """What silver's loans say of each vintage, such as 2025-01.

    `months` are the parts with an installment up to the observation point, `flagged` the customers
    among those that have a flag. `newest` is the newest snapshot that a flag does not keep out.
    """

    months: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    flagged: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    newest: dt.date = dt.date.min


def read_flags(path: Path) -> Flags:
    """The flags of the quality check."""
    table = tables.read(path, ["Customer_ID", "quarantined_from"]).to_pylist()
    return {row["Customer_ID"]: row["quarantined_from"] for row in table}


def vintages(loans: Path, flags: Flags, *, observation_mob: int) -> Vintages:
    """Read silver's loans, a part on each core."""
    found = Vintages()
    look = partial(_vintages_of, loans, flags, observation_mob)
    for of_part in in_order(look, tables.parts_of(loans)):
        for vintage, months in of_part.months.items():
            found.months[vintage] |= months
        for vintage, customers in of_part.flagged.items():
            found.flagged[vintage] |= customers
        found.newest = max(found.newest, of_part.newest)
    return found


def _vintages_of(loans: Path, flags: Flags, observation_mob: int, month: str) -> Vintages:
    found = Vintages()
    rows = tables.dataset(loans, [month]).to_table(columns=_COLUMNS)
    # Few days occur, so that they are looked at once each.
    starts = rows["loan_start_date"].combine_chunks().dictionary_encode()
    names = [f"{start:%Y-%m}" for start in starts.dictionary.to_pylist()]
    counts = pc.less_equal(rows["installment_num"], observation_mob)
    for code in pc.unique(starts.indices.filter(counts.combine_chunks())).to_pylist():
        found.months[names[code]].add(month)
    is_flagged = pc.is_in(rows["Customer_ID"], pa.array(list(flags), pa.string()))
    passed = rows["snapshot_date"].filter(pc.invert(is_flagged))
    found.newest = pc.max(passed).as_py() or found.newest
    borrowers = rows.select(["Customer_ID", "snapshot_date"]).append_column(
        "code", [starts.indices]
    )
    for row in borrowers.filter(is_flagged).to_pylist():
        found.flagged[names[row["code"]]].add(row["Customer_ID"])
        if row["snapshot_date"] < flags[row["Customer_ID"]]:
            found.newest = max(found.newest, row["snapshot_date"])
    return found


def started_in(vintages: Sequence[str]) -> Column:
    """Whether a loan started in one of these months: one comparison for each run of them."""
    runs: list[list[str]] = []
    for vintage in sorted(vintages):
        if runs and months_later(runs[-1][-1], 1) == vintage:
            runs[-1].append(vintage)
        else:
            runs.append([vintage])
    start = F.col("loan_start_date")
    within = (
        (start >= F.lit(first_day(run[0]))) & (start < F.lit(first_day(months_later(run[-1], 1))))
        for run in runs
    )
    return reduce(lambda a, b: a | b, within, F.lit(False))


def rests_on(
    vintage: str,
    parts: Mapping[str, Collection[str]],
    found: Vintages,
    *,
    prediction_mob: int,
    clickstream_months: int,
) -> dict[str, list[str]]:
    """Of the `parts` of silver, by extract, those that can tell something of a vintage."""
    last = months_later(vintage, prediction_mob)
    first_click = months_later(vintage, -clickstream_months)
    known = {
        LOANS.name: found.months[vintage],
        ATTRIBUTES.name: {part for part in parts[ATTRIBUTES.name] if part <= last},
        FINANCIALS.name: {part for part in parts[FINANCIALS.name] if part <= last},
        CLICKSTREAM.name: {p for p in parts[CLICKSTREAM.name] if first_click <= p <= vintage},
    }
    return {name: sorted(months) for name, months in known.items()}


def recipes(
    parts: Mapping[str, Mapping[str, str]],
    flags: Flags,
    found: Vintages,
    *,
    prediction_mob: int,
    clickstream_months: int,
) -> dict[str, Recipe]:
    """By vintage: digests of what it rests on, and the newest day on which it can be scored.

    `parts` are those of silver by extract, with their digests. Prediction points after the newest
    snapshot of the loans have not been reached.
    """
    recipes = {}
    for vintage in sorted(found.months):
        known = rests_on(
            vintage,
            parts,
            found,
            prediction_mob=prediction_mob,
            clickstream_months=clickstream_months,
        )
        flagged = [[customer, str(flags[customer])] for customer in sorted(found.flagged[vintage])]
        recipes[vintage] = {
            **{
                name: digests.of_json({part: parts[name][part] for part in months})
                for name, months in known.items()
            },
            "flags": digests.of_json(flagged),
            "reached": min(f"{found.newest}", f"{months_later(vintage, prediction_mob)}-31"),
        }
    return recipes
