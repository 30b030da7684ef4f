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

    `train_until` is the day whose labels the generation was chosen by, `fitted_until` the one whose
    labels its model was fitted on: earlier when it is an incumbent that has kept its place.
    `sampled_from` is the number of matured loans when some of them were left out, else null.
    `train` are the loans that it was fitted on, `test` those of the comparison that chose it; the
    comparison was between models that did not know them, and a candidate that won was then
    fitted on them too.
    """

    train_until: dt.date
    sampled_from: int | None
    fitted_until: dt.date | None = None
    train: LoanFacts | None = None
    test: LoanFacts | None = None


# Metrics by population (all, performing), and by metric.
Metrics = dict[str, dict[str, float | None]]


class Origin(Record, frozen=True):
    """One origin of the comparison: the vintage that it held out, and the metrics by candidate."""

    loans: LoanFacts
    metrics: dict[str, Metrics]


class Duel(Record, frozen=True):
    """The best candidate and the champion before, on the held-out loans that are new to both."""

    loans: LoanFacts | None
    metrics: dict[str, Metrics]


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
    against_incumbent: Duel | None = None
    calibration: str = "none"
    calibrated_metrics: Metrics = {}
    provenance: Provenance | None = None
