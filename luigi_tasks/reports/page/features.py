"""What the page shows of features: how far each has drifted, and its bins against the reference."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from luigi_tasks.layers.feeds import feed_of
from luigi_tasks.models.metadata import FrozenBins
from luigi_tasks.monitoring.tally import bins_of
from luigi_tasks.reports.page.facts import PageFacts, newest_month
from luigi_tasks.reports.page.values import Rows, month_name, plain, rows_of, told

_SHOWN = [
    "feature",
    "csi",
    "csi_chance_limit",
    "q_value",
    "level",
    "missing_share",
    "reference_missing_share",
]
_MONTHS = 24  # of more only the newest


def feature_drift(facts: PageFacts) -> dict[str, Any]:
    """features: those of the newest month, the most drifted first; bins; history by month."""
    drift = facts.tables["drift"]
    newest = newest_month(drift, facts.generation)
    if newest is None:
        return {"month": None, "sample": None, "n": 0, "features": [], "bins": [], "history": []}
    month, sample = newest
    own = drift[(drift["generation"] == facts.generation) & (drift["sample"] == sample)]
    rows = own[own["month"] == month].sort_values(["csi", "feature"], ascending=[False, True])
    rows = rows.assign(extract=rows["feature"].map(feed_of))
    months = sorted(own["month"].unique())[-_MONTHS:]
    history = own[own["month"].isin(months)].sort_values(["feature", "month"])
    return {
        "month": month_name(month),
        "sample": sample,
        "n": int(rows["n"].iloc[0]),
        "reference_n": int(rows["reference_n"].iloc[0]),
        "features": rows_of(rows, [*_SHOWN, "extract"]),
        "bins": _bins(facts, rows["feature"].tolist()),
        "history": rows_of(history, ["feature", "month", "csi", "csi_chance_limit", "level"]),
    }


def _bins(facts: PageFacts, features: list[str]) -> Rows:
    """feature, position, bin, reference_share, n, share: loans of the month in every frozen bin."""
    located = bins_of(facts.newest, facts.model)
    found: Rows = []
    for feature in features:
        frozen = facts.model.feature_bins[feature]
        counts = np.bincount(located[feature], minlength=len(frozen.shares))
        for position, (name, share, n) in enumerate(
            zip(bin_names(frozen), frozen.shares, told(counts.tolist()), strict=True)
        ):
            found.append(
                plain(
                    {
                        "feature": feature,
                        "position": position,
                        "bin": name,
                        "reference_share": share,
                        "n": n,
                        "share": None if n is None else n / max(len(located), 1),
                    }
                )
            )
    return found


def bin_names(frozen: FrozenBins) -> list[str]:
    """What the bins hold, the one of missing values last.

    Edges have three digits: a quantile can be the value of a single loan.
    """
    if frozen.edges is None:
        return [*(frozen.categories or []), "not seen at training", "missing"]
    ends = [
        f"{edge:,.3g}" if abs(edge) < 1000 else f"{float(f'{edge:.3g}'):,.0f}"
        for edge in frozen.edges
    ]
    if not ends:
        return ["any value", "missing"]
    inner = [f"{low} to {high}" for low, high in pairwise(ends)]
    return [f"up to {ends[0]}", *inner, f"above {ends[-1]}", "missing"]


def drifted(drift: pd.DataFrame) -> set[str]:
    """The features of some rows of feature drift that have drifted beyond chance."""
    return set(drift.loc[drift["level"] != "none", "feature"])
