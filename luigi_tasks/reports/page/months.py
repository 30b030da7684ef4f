"""What the page shows by month: AUC, PSI, and what happened when."""

from __future__ import annotations

from typing import Any

import pandas as pd

from luigi_tasks.reports.page.facts import PageFacts
from luigi_tasks.reports.page.values import Rows, around, plain, rows_of

_KEY = ["month", "generation", "sample"]
_AUC = ["n", "n_matured", "auc", "auc_low", "auc_high", "default_rate", "mean_score"]
_PSI = ["n", "psi", "psi_by_chance", "psi_chance_limit", "psi_p_value", "psi_level"]


def performance(facts: PageFacts) -> dict[str, Any]:
    """auc: realised by month, of performing loans. estimated: before labels have matured."""
    estimates = facts.tables["estimates"]
    own = estimates[(estimates["population"] == "performing") & (estimates["metric"] == "auc")]
    own = own[own["estimated"].notna()].sort_values(_KEY)
    columns = [*_KEY, "estimated", "low", "high", "n", "realised", "n_matured"]
    inside = own[own["realised"].notna() & (own["n_matured"] == own["n"])]
    return {
        "min_auc": facts.settings["governance.min_auc"],
        "auc": _of_performing(facts, _AUC, "auc"),
        "estimated": rows_of(own, columns),
        "estimates_that_held": int(inside["realised"].between(inside["low"], inside["high"]).sum()),
        "estimates_that_matured": len(inside),
        **marks(facts),
    }


def score_drift(facts: PageFacts) -> dict[str, Any]:
    """psi: of the score of performing loans by month."""
    return {
        "watch": facts.settings["monitoring.watch"],
        "critical": facts.settings["monitoring.critical"],
        "psi": _of_performing(facts, _PSI, "psi"),
        **marks(facts),
    }


def _of_performing(facts: PageFacts, columns: list[str], known: str) -> Rows:
    table = facts.tables["monitoring"]
    own = table[table[f"performing_{known}"].notna()].sort_values(_KEY)
    named = own[[*_KEY, *(f"performing_{name}" for name in columns)]]
    return rows_of(named.rename(columns=lambda name: str(name).removeprefix("performing_")))


def marks(facts: PageFacts) -> dict[str, Any]:
    """The incidents, and the months from which on another model scored."""
    incidents = facts.tables["incidents"].sort_values(["first_month", "extract", "kind"])
    return {
        "incidents": [
            {
                **plain(
                    {
                        name: row[name]
                        for name in (
                            "extract",
                            "kind",
                            "first_month",
                            "last_month",
                            "closed_month",
                            "closed_because",
                            "words",
                        )
                    }
                ),
                "state": "open incident" if row["is_open"] else "closed incident",
                **around(row["first_month"], row["last_month"]),
            }
            for row in incidents.to_dict("records")
        ],
        "retrains": _retrains(facts.tables["monitoring"]),
    }


def _retrains(monitoring: pd.DataFrame) -> Rows:
    firsts = monitoring.groupby("generation")["month"].min().sort_index().iloc[1:]
    return [
        {
            "generation": int(str(generation)),
            "month": month.isoformat(),
            "from": around(month, month)["from"],
            "what": "another model scores",
        }
        for generation, month in firsts.items()
    ]
