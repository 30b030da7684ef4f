"""What a model card is made from: the metadata of a model and tables that are published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from luigi_tasks.generations.audit_trail import Entry
from luigi_tasks.generations.registry import Reign
from luigi_tasks.models.metadata import ModelMetadata


@dataclass(frozen=True)
class Facts:
    """What is known of a generation on a day; of every table the rows of this generation.

    `reigns` say who was champion when, as of the day. `entries` are those of the audit trail
    about the generation (`audit_trail.entries_about`), `raised` the one that asked for it.
    `monitoring`,
    `grades`, `fairness` and `importance` are the tables of those stages, `baseline` that
    of the reasons. `incidents` are of all generations. `customers` are the counts of the quality
    check: total, flagged, reasons. `included` and `excluded` are all loans of gold and those that
    flags keep out: delinquent and label (NaN until it has matured). `settings` are by dotted name.
    """

    as_of: dt.date
    metadata: ModelMetadata
    reigns: Sequence[Reign]
    entries: Sequence[Entry]
    raised: Entry | None
    monitoring: pd.DataFrame
    grades: pd.DataFrame
    fairness: pd.DataFrame
    importance: pd.DataFrame
    baseline: float | None
    incidents: pd.DataFrame
    customers: Mapping[str, Any]
    included: pd.DataFrame
    excluded: pd.DataFrame
    settings: Mapping[str, Any]

    @property
    def generation(self) -> int:
        """The running number of the model."""
        return self.metadata.generation

    @property
    def live(self) -> pd.DataFrame:
        """The live months, oldest first."""
        own = self.monitoring[self.monitoring["sample"] == "live"]
        return own.sort_values("month")

    @property
    def judged(self) -> pd.Series | None:
        """The newest live month whose window has an AUC of performing loans; None without one."""
        known = self.live[self.live["window_performing_auc"].notna()]
        return known.iloc[-1] if len(known) else None

    @property
    def target_in_words(self) -> str:
        """The default that is predicted."""
        s = self.settings
        first = s["labels.prediction_mob"] + (s["labels.performance_from"] == "after")
        above = s["labels.overdue_threshold"]
        return (
            f"anything overdue above {above:g} at any installment from month {first} to month "
            f"{s['labels.observation_mob']} on book"
        )
