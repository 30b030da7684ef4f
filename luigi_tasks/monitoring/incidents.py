"""Data incidents: a feed or a column is broken, which no new model mends.

An incident is a jump of the missing share, or of categories that training had not seen, in the
live months of one extract. It is open from the first month that shows it until the first month
that does not, or until a person closes it. While it is open its features are held against what
was usual before it, whatever a newer model has learnt from.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import cast

import pandas as pd
import pyarrow as pa

from luigi_tasks.layers.feeds import feed_of
from luigi_tasks.monitoring.drift import more_often

# Of a million months without an incident, one shows a jump that is not there.
_CHANCE = 1e-6
# From this share on, an extract has no rows for new loans.
_ALL = 0.999
_WORDS = {"missing": "missing values", "unseen": "values that training had not seen"}

# {feature: (share in the reference, loans of the reference)}
Usual = Mapping[str, tuple[float, int]]


SCHEMA = pa.schema(
    [
        ("extract", pa.string()),
        ("kind", pa.string()),
        ("first_month", pa.date32()),
        ("last_month", pa.date32()),
        ("features", pa.list_(pa.string())),
        ("n", pa.int64()),
        ("share", pa.float64()),
        ("usual_share", pa.float64()),
        ("closed_month", pa.date32()),
        ("closed_because", pa.string()),
        ("is_open", pa.bool_()),
        ("words", pa.string()),
    ]
)


@dataclass(frozen=True)
class Closure:
    """What a person has said of an extract on a day: its incidents are accepted, and why."""

    extract: str
    day: dt.date
    reason: str


@dataclass
class Incident:
    """What is wrong with an extract, and in which months.

    `share` and `usual_share` are those of the feature that is hit hardest, in the first month and
    in the reference. `closed_month` and `closed_because` are empty while it is open.
    """

    extract: str
    kind: str
    first_month: dt.date
    last_month: dt.date
    features: list[str]
    n: int
    share: float
    usual_share: float
    closed_month: dt.date | None = None
    closed_because: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether neither the feed is back nor a person has closed it."""
        return self.closed_month is None

    def __str__(self) -> str:
        since = f"{self.first_month:%b %Y}"
        when = f"since {since}" if self.is_open else f"from {since} to {self.last_month:%b %Y}"
        if self.kind == "missing" and self.share >= _ALL and len(self.features) > 1:
            return f"incident {when}: {self.extract} has no rows for new loans"
        named = ", ".join(self.features[:3])
        more = f" and {len(self.features) - 3} more" if len(self.features) > 3 else ""
        what = f"{self.share:.0%} {_WORDS[self.kind]}"
        return f"incident {when}: {what} in {named}{more} ({self.extract})"


def find_incidents(
    drift: pd.DataFrame,
    closures: Iterable[Closure] = (),
    *,
    max_missing_jump: float,
    max_unseen_share: float,
) -> list[Incident]:
    """The incidents in the drift of features (`monitoring.table.monitor`), oldest first.

    Only live months count. A feature takes part when its missing share is more than
    `max_missing_jump` above what is usual, or when more than `max_unseen_share` of its values are
    of categories that training had not seen; in both cases beyond chance.
    """
    return incidents_in(
        feeds_in(drift),
        closures,
        max_missing_jump=max_missing_jump,
        max_unseen_share=max_unseen_share,
    )


Feed = dict[dt.date, tuple[Usual, Usual]]
"""The shares of a feed's features and their reference, by month."""


def feeds_in(drift: pd.DataFrame) -> dict[tuple[str, str], Feed]:
    """The live months of every extract and kind of incident, in order."""
    live = drift[drift["sample"] == "live"]
    feeds: dict[tuple[str, str], Feed] = {}
    for key, rows in live.groupby([live["feature"].map(feed_of), "month"]):
        extract, month = cast(tuple[str, dt.date], key)
        for kind in _WORDS:
            shares = _shares(rows, kind), _reference(rows, kind)
            feeds.setdefault((extract, kind), {})[month] = shares
    return feeds


def incidents_in(
    feeds: Mapping[tuple[str, str], Feed],
    closures: Iterable[Closure],
    *,
    max_missing_jump: float,
    max_unseen_share: float,
) -> list[Incident]:
    """The same for what `feeds_in` gives."""
    limits = {"missing": max_missing_jump, "unseen": max_unseen_share}
    by_day = sorted(closures, key=lambda closure: closure.day)
    found: list[Incident] = []
    for (extract, kind), feed in feeds.items():
        own = [closure for closure in by_day if closure.extract == extract]
        found += _in_feed(feed, extract, kind, limits[kind], own)
    return sorted(found, key=lambda each: (each.first_month, each.extract, each.kind))


def _in_feed(
    feed: Feed, extract: str, kind: str, limit: float, closures: list[Closure]
) -> list[Incident]:
    """The incidents of one kind in one extract, month after month."""
    found: list[Incident] = []
    running: Incident | None = None
    # What is held to be usual, while that is not simply the reference of the model.
    usual: Usual | None = None
    shares: Usual = {}
    for month, (now, reference) in feed.items():
        if running and _close_by_person(running, closures, before=month):
            running, usual = None, shares  # as it is now is accepted
        shares = now
        broken = _broken(shares, usual or reference, limit)
        if running and broken:
            running.last_month = month
        elif running:
            running.closed_month, running.closed_because = month, "the feed is back"
            running, usual = None, None
        elif broken:
            usual = usual or reference
            worst = max(broken, key=lambda name: shares[name][0])
            running = Incident(
                extract=extract,
                kind=kind,
                first_month=month,
                last_month=month,
                features=broken,
                n=shares[worst][1],
                share=shares[worst][0],
                usual_share=usual[worst][0],
            )
            found.append(running)
        elif not _broken(shares, reference, limit):
            usual = None
    if running:
        _close_by_person(running, closures)
    return found


def _close_by_person(
    incident: Incident, closures: list[Closure], before: dt.date | None = None
) -> bool:
    """Close an incident when somebody has done so since it began, and before a month."""
    for closure in closures:
        if incident.first_month <= closure.day and (before is None or closure.day < before):
            incident.closed_month = closure.day.replace(day=1)
            incident.closed_because = closure.reason
            return True
    return False


def _shares(rows: pd.DataFrame, kind: str) -> dict[str, tuple[float, int]]:
    """{feature: (its share in a month, the loans of the month)}."""
    known = rows[rows[f"{kind}_share"].notna()]
    columns = (known["feature"], known[f"{kind}_share"], known["n"])
    return {name: (share, n) for name, share, n in zip(*columns, strict=True)}


def _reference(rows: pd.DataFrame, kind: str) -> Usual:
    shares = rows["reference_missing_share"] if kind == "missing" else rows["unseen_share"] * 0
    columns = (rows["feature"], shares, rows["reference_n"])
    return {name: (share, n) for name, share, n in zip(*columns, strict=True)}


def _broken(shares: Usual, usual: Usual, limit: float) -> list[str]:
    """The features whose share is more than `limit` above what is usual, beyond chance."""
    return [
        name
        for name, (share, n) in shares.items()
        if name in usual
        and share - usual[name][0] > limit
        and more_often(share, n, *usual[name]) < _CHANCE
    ]


def as_table(incidents: list[Incident]) -> pa.Table:
    """Incidents as a table: the fields of Incident, is_open, and in `words` what they say."""
    rows = [{**asdict(each), "is_open": each.is_open, "words": str(each)} for each in incidents]
    return pa.Table.from_pylist(rows, SCHEMA)
