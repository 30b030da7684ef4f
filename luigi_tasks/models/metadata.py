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


class SplitFacts(Record, frozen=True):
    """The loans of one split: their vintages, number and default rate."""

    first_vintage: dt.date
    last_vintage: dt.date
    loans: int
    default_rate: float


class Window(Record, frozen=True):
    """What a model has seen.

    `sampled_from` is the number of matured loans when some of them were left out, else null;
    those are neither train nor test.
    """

    train_until: dt.date
    sampled_from: int | None
    train: SplitFacts | None = None
    test: SplitFacts | None = None


class ModelMetadata(Record, frozen=True):
    """A generation's model.

    `metrics` are those of every model that took part, by name and split. `score_bins`
    (`performing_score_bins`: of performing loans alone) and `feature_bins` are the reference of
    PSI and CSI: the held-out loans, because a model knows its training rows too well and the
    newest vintages are nearest to those that come.
    """

    generation: int
    champion: str
    metrics: dict[str, dict[str, dict[str, float | None]]]
    features: list[str]
    window: Window
    parameters: dict[str, Any]
    threshold: float
    score_bins: FrozenBins
    performing_score_bins: FrozenBins
    feature_bins: dict[str, FrozenBins]
    requested_bins: int
    libraries: dict[str, str]
    provenance: Provenance | None = None
