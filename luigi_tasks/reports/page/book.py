"""What the page shows of the loan book: vintages at equal maturity, roll rates, quarantine."""

from __future__ import annotations

from typing import Any

from luigi_tasks.monitoring.roll_rates import overall
from luigi_tasks.reports.page.facts import PageFacts
from luigi_tasks.reports.page.values import FEWEST, plain, rows_of

_VINTAGES = 36  # of more only the newest


def vintages(facts: PageFacts) -> dict[str, Any]:
    """vintages: cumulative default by month on book. rolls: all months on book together."""
    table = facts.tables["vintages"]
    table = table[table["loans"] >= FEWEST].sort_values(["vintage", "mob"])
    newest = sorted(table["vintage"].unique())[-_VINTAGES:]
    rolls = facts.tables["roll rates"]
    together = overall(rolls) if len(rolls) else rolls
    rows = rows_of(together, ["from_state", "to_state", "loans", "share"])
    for state in {row["from_state"] for row in rows}:
        own = [row for row in rows if row["from_state"] == state]
        if sum(row["loans"] for row in own) < FEWEST:
            for row in own:
                row["loans"] = row["share"] = None
    return {
        "vintages": rows_of(table[table["vintage"].isin(newest)]),
        "rolls": rows,
    }


def data_quality(facts: PageFacts) -> dict[str, Any]:
    """extracts: rows in, out and set aside. set_aside: by reason and month. nulls: by column."""
    quality = facts.quality
    nulls = [
        {
            "extract": extract,
            "column": column,
            "reason": reason,
            "values": n,
            "share": n / max(quality["tables"][extract]["bronze"], 1),
        }
        for extract, columns in quality["nulls"].items()
        for column, reasons in columns.items()
        for reason, n in reasons.items()
    ]
    nulls.sort(key=lambda row: (row["extract"], row["column"], row["reason"]))
    customers = quality["customers"]
    found: dict[str, Any] = plain(
        {
            "extracts": [
                {
                    "extract": name,
                    "rows": counts["csv"],
                    "malformed": counts["malformed"],
                    "not_keyed_or_dated": counts["not keyed or dated"],
                    "of_flagged_customers": counts["of flagged customers"],
                    "passed": counts["passed"],
                }
                for name, counts in quality["tables"].items()
            ],
            "customers": {
                "total": customers["total"],
                "flagged": customers["flagged"],
                "share": customers["flagged"] / max(customers["total"], 1),
                "limit": customers["limit"],
            },
            "set_aside": facts.set_aside,
            "nulls": nulls,
        }
    )
    return found
