"""What is known of a champion on a decision day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luigi_tasks.core import code_digests, digests, tables

if TYPE_CHECKING:
    import pandas as pd

    from luigi_tasks.monitoring.incidents import Closure


@dataclass(frozen=True)
class Evidence:
    """The live months as they stood on a day, and the incidents that were open, in words."""

    day: dt.date
    months: pd.DataFrame
    incidents: list[str]

    def digest(self, limits: Mapping[str, Any]) -> str:
        """The digest of all that a decision is taken on, with the limits and the rule."""
        return digests.of_json(
            {
                "day": self.day.isoformat(),
                "months": self.months.to_csv(index=False, lineterminator="\n"),
                "incidents": self.incidents,
                "limits": dict(limits),
                "code": code_digests.of_code("luigi_tasks.governance.decide"),
            }
        )


class Book:
    """The monitoring outputs that evidence is taken from."""

    def __init__(self, history: Path, drift: Path, drift_history: Path) -> None:
        from luigi_tasks.monitoring.incidents import feeds_in

        self._history = tables.read(history).to_pandas()
        self._feeds = feeds_in(tables.read(drift).to_pandas())
        newest = tables.read(drift_history).to_pandas()
        self._newest = feeds_in(newest) if len(newest) else {}

    def on(
        self,
        day: dt.date,
        learnt: dt.date | None,
        closures: Iterable[Closure],
        limits: Mapping[str, float],
    ) -> Evidence:
        """The evidence of a day.

        `n_new_labels` are the labels of live loans that have matured since the day `learnt`, on
        which a challenger was last trained on those before; None when there was none since this
        champion came.
        """
        from luigi_tasks.monitoring.incidents import incidents_in

        months = self._months(day)
        before = self._months(learnt).set_index("month")["n_matured"] if learnt else None
        months["n_new_labels"] = months["n_matured"] - (
            months["month"].map(before).fillna(0).astype("int64") if before is not None else 0
        )
        feeds = {
            key: {
                **{month: shares for month, shares in feed.items() if month < day},
                **{m: shares for m, shares in self._newest.get(key, {}).items() if m == day},
            }
            for key, feed in self._feeds.items()
        }
        known = [closure for closure in closures if closure.day <= day]
        found = incidents_in(feeds, known, **limits)
        return Evidence(day, months, [str(each) for each in found if each.is_open])

    def _months(self, day: dt.date) -> pd.DataFrame:
        rows: pd.DataFrame = self._history[self._history["known_on"] == day]
        return rows.drop(columns="known_on").reset_index(drop=True)
