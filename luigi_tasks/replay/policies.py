"""What months have come to under a policy, and policies beside each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from luigi_tasks.generations.registry import decision_days
from luigi_tasks.replay.lived import EVENTS, NOTHING

GOVERNED, UNGOVERNED = "governance_on", "governance_off"
ROWS = {
    "retrains": "retrains",
    "promotions": "promotions",
    "rejections": "rejections",
    "first_promotion": "first promotion",
    "incidents": "months with an incident",
    "mean_auc_on": "mean AUC, governance on",
    "mean_auc_off": "mean AUC, governance off",
    "months_since_promotion": "matured months after the first promotion",
    "mean_difference": "mean difference after it, on - off",
}
"""The lines of the comparison and what they say."""


def in_span(
    months: Sequence[Mapping[str, Any]], start: dt.date, end: dt.date
) -> list[dict[str, Any]]:
    """The months from one to another, each once; of one without an entry nothing is known."""
    known = {month["month"]: dict(month) for month in months}
    return [
        known.get(
            f"{day:%Y-%m}",
            {
                "month": f"{day:%Y-%m}",
                **NOTHING,
                "incidents": [],
                **{name: [] for name in EVENTS.values()},
            },
        )
        for day in decision_days(start - dt.timedelta(days=1), end)
    ]


def summary(on: Sequence[Mapping[str, Any]], off: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """ROWS of the same months with and without governance.

    AUCs are those of the performing live loans of a month that have matured; their means count
    every month alike, of those whose AUC is known both ways. The new champion scores from the
    month after its promotion on; the difference is None without one.
    """
    pairs = [
        (month["month"], month["auc"], other["auc"])
        for month, other in zip(on, off, strict=True)
        if month["auc"] is not None and other["auc"] is not None
    ]
    promoted = [month["month"] for month in on if month["promotions"]]
    since = [a - b for month, a, b in pairs if promoted and month > promoted[0]]
    return {
        **{name: sum(len(month[name]) for month in on) for name in EVENTS.values()},
        "first_promotion": promoted[0] if promoted else None,
        "incidents": sum(bool(month["incidents"]) for month in on),
        "mean_auc_on": _mean([a for _, a, _ in pairs]),
        "mean_auc_off": _mean([b for _, _, b in pairs]),
        "months_since_promotion": len(since),
        "mean_difference": _mean(since),
    }


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def differing(settings: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The settings that are not the same in all, each with its values in order."""
    names = sorted({name for each in settings for name in each})
    found = {name: [each.get(name) for each in settings] for name in names}
    return {n: values for n, values in found.items() if any(v != values[0] for v in values)}


def as_rows(policies: Sequence[Mapping[str, Any]], differs: Mapping[str, Any]) -> list[list[str]]:
    """The comparison as words: a heading, the settings that differ, then ROWS."""
    return [
        ["", *(policy["params"] for policy in policies)],
        *([name, *map(str, values)] for name, values in differs.items()),
        *(
            [words, *(_shown(policy["summary"][name], name) for policy in policies)]
            for name, words in ROWS.items()
        ),
    ]


def _shown(value: Any, name: str) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:+.4f}" if name == "mean_difference" else f"{value:.4f}"
    return str(value)


def as_text(rows: Sequence[Sequence[str]]) -> str:
    """Rows of words in columns, the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            word.rjust(width) if number else word.ljust(width)
            for number, (word, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
