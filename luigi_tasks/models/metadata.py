"""What is recorded of a generation's model: `model_store/model_metadata_N.json`."""

from __future__ import annotations

import datetime as dt
from typing import Any

from luigi_tasks.core.records import Record
from luigi_tasks.core.targets import Provenance

LIBRARIES = ("scikit-learn", "numpy", "scipy", "pandas", "pyarrow", "joblib")


class FrozenBins(Record, frozen=True, kw_only=True):
    """The reference distribution of a feature or score: its bins, and what lay in them at training.

    Numbers: bin i holds edges[i − 1] < x <= edges[i], with open outer edges. Texts: a bin for
    each category and one for those not seen. Missing is the last bin. `shares` are the shares of
    the `n` values by bin, `bins` is the number of bins without the one for missing.
    """

    edges: list[float] | None = None
    categories: list[str] | None = None
    bins: int
    n: int
    shares: list[float]


class LoanFacts(Record, frozen=True):
    """Some loans: their vintages, number and default rate."""

    first_vintage: dt.date
    last_vintage: dt.date
    loans: int
    default_rate: float


class Window(Record, frozen=True):
    """What a model has seen.

    `train_until` is the day whose labels the generation knows. `since` is the month from which on
    the loans are different, null unless the model was fitted on those alone.
    `sampled_from` is the number of matured loans when some of them were left out, else null.
    `train` are the loans that it was fitted on, `test` those of the comparison that chose it; the
    comparison was between models that did not know them, and the one that won was then fitted
    on them too.
    """

    train_until: dt.date
    sampled_from: int | None
    since: dt.date | None = None
    train: LoanFacts | None = None
    test: LoanFacts | None = None


# Metrics by population (all, performing), and by metric.
Metrics = dict[str, dict[str, float | None]]


class Origin(Record, frozen=True):
    """One origin of the comparison: the vintage that it held out, and the metrics by candidate."""

    loans: LoanFacts
    metrics: dict[str, Metrics]


class Swap(Record, frozen=True):
    """Loans that one model would approve and the other not, and how many of them default."""

    loans: int
    default_rate: float | None


class Comparison(Record, frozen=True, kw_only=True):
    """A challenger and the champion on loans that are new to both (`comparison.compare`).

    The gaps are mean score less default rate; `swapped_in` are the loans that only the challenger
    approves, `swapped_out` those that only the champion does.
    """

    loans: int
    default_rate: float | None
    champion_auc: float | None = None
    challenger_auc: float | None = None
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p_value: float | None = None
    champion_gap: float | None
    challenger_gap: float | None
    champion_approval_rate: float | None
    challenger_approval_rate: float | None
    swapped_in: Swap
    swapped_out: Swap


class AgainstChampion(Record, frozen=True):
    """How a challenger compares with the champion of its day, on all loans and performing ones.

    `loans` are None when no loan was new to both.
    """

    champion: int
    loans: LoanFacts | None
    all: Comparison
    performing: Comparison


class ModelMetadata(Record, frozen=True):
    """A generation's model.

    `metrics` are those of every candidate by name, on the loans of all held-out vintages
    together, each scored by a model that knew only earlier vintages; `origins` are the same by
    vintage. `calibrated_metrics` are those of the champion as it was published, on the loans of
    `score_bins`.

    `score_bins`, `performing_score_bins` and `feature_bins` are the reference of PSI and CSI: the
    held-out loans and their out-of-time scores, because a model knows its training rows too well
    and the newest vintages are nearest to those that come.
    """

    generation: int
    champion: str
    metrics: dict[str, Metrics]
    features: list[str]
    window: Window
    parameters: dict[str, Any]
    threshold: float
    score_bins: FrozenBins
    performing_score_bins: FrozenBins
    feature_bins: dict[str, FrozenBins]
    requested_bins: int
    libraries: dict[str, str]
    origins: list[Origin] = []
    against_champion: AgainstChampion | None = None
    calibration: str = "none"
    calibrated_metrics: Metrics = {}
    provenance: Provenance | None = None

    @property
    def model_in_words(self) -> str:
        """The candidate, and since when the loans began that it has learnt from, if not all did."""
        candidate, _, window = self.champion.partition(", ")
        if not window or self.window.since is None:
            return candidate
        return f"{candidate} of loans since {self.window.since:%b %Y}"
