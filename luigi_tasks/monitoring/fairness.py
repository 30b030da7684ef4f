"""How alike a model treats groups of customers: by age band, by occupation, or any other column.

All measures are of out-of-time loans. What they amount to is for people to judge: the table says no
verdict. Measures by group: Barocas, Hardt & Narayanan, "Fairness and Machine Learning" (2023),
chapter 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.monitoring.intervals import jeffreys_interval, ratio_interval
from luigi_tasks.monitoring.populations import populations

COLUMNS = {
    "generation": "int64",
    "population": "object",
    "column": "object",
    "group": "object",
    "n": "int64",
    "approval_rate": "float64",
    "approval_low": "float64",
    "approval_high": "float64",
    "reference_group": "object",
    "approval_ratio": "float64",
    "ratio_low": "float64",
    "ratio_high": "float64",
    "n_matured": "int64",
    "mean_score": "float64",
    "default_rate": "float64",
    "default_low": "float64",
    "default_high": "float64",
    "calibration_gap": "float64",
    "gap_low": "float64",
    "gap_high": "float64",
    "auc": "float64",
    "auc_low": "float64",
    "auc_high": "float64",
}
# Of fewer loans nothing is said but how many there are, and of fewer of a class no AUC.
LEAST_LOANS = 30
LEAST_OF_A_CLASS = 10
MISSING = "missing"
CATEGORIES = "categories"


def fairness(
    scored: pd.DataFrame, columns: Mapping[str, str | Sequence[float]], threshold: float
) -> pd.DataFrame:
    """One row a generation, population, column and group: COLUMNS.

    `scored` has generation, delinquent, prediction_proba, actual_label (NaN until it has matured)
    and the `columns`, each with the bounds of its bands, or `categories`. A loan is approved when
    its score is below the threshold. Raises PipelineError for bands of a text, and for categories
    of a number.
    """
    rows: list[dict[str, Any]] = []
    for column, bounds in columns.items():
        grouped = scored.assign(group=groups(scored[column], bounds))
        for generation, own in grouped.groupby("generation"):
            for population, loans in populations(own).items():
                key = {
                    "generation": generation,
                    "population": population,
                    "column": column,
                }
                rows += [{**key, **row} for row in _by_group(loans, threshold)]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    return table.sort_values(["generation", "population"], kind="stable", ignore_index=True)


def groups(values: pd.Series, bounds: str | Sequence[float]) -> pd.Series:
    """The group of each value as an ordered category.

    A number's is its band, from a bound on and below the next; without a value it is `missing`,
    the last of them.
    """
    setting = f"params.yaml: fairness.columns.{values.name}"
    is_text = values.dtype == object
    if isinstance(bounds, str):
        if not is_text:
            raise PipelineError(f"{setting} = {CATEGORIES}: it is a number; give bounds of bands")
        names = sorted(values.dropna().unique())
        return _ordered(values.fillna(MISSING), [*names, MISSING])
    if is_text and values.notna().any():
        raise PipelineError(f"{setting} = {list(bounds)}: it is a text; give {CATEGORIES}")
    edges = [f"{bound:g}" for bound in bounds]
    names = [
        f"below {edges[0]}",
        *(f"{low} to below {high}" for low, high in pairwise(edges)),
        f"{edges[-1]} and above",
    ]
    numbers = values.astype("float64")
    found = np.array(names, dtype=object)[np.searchsorted(bounds, numbers, side="right")]
    return _ordered(
        pd.Series(found, values.index).where(numbers.notna(), MISSING), [*names, MISSING]
    )


def _ordered(values: pd.Series, names: Sequence[str]) -> pd.Series:
    return values.astype(pd.CategoricalDtype(list(dict.fromkeys(names)), ordered=True))


def _by_group(loans: pd.DataFrame, threshold: float) -> Iterator[dict[str, Any]]:
    """The columns from `group` on, in the order of the groups, of groups that have a loan."""
    own = {str(name): rows for name, rows in loans.groupby("group", observed=True)}
    counts = {
        name: (int((rows["prediction_proba"] < threshold).sum()), len(rows))
        for name, rows in own.items()
    }
    rates = {
        name: approved / n
        for name, (approved, n) in counts.items()
        if n >= LEAST_LOANS and name != MISSING
    }
    reference = max(rates, key=rates.__getitem__, default=None)  # the first of several
    for name, rows in own.items():
        yield {
            "group": name,
            "n": len(rows),
            **_approval(counts, name, reference),
            **_of_matured(rows[rows["actual_label"].notna()]),
        }


def _approval(
    counts: Mapping[str, tuple[int, int]], name: str, reference: str | None
) -> dict[str, Any]:
    approved, n = counts[name]
    if n < LEAST_LOANS:
        return {}
    low, high = jeffreys_interval(approved, n)
    found = {"approval_rate": approved / n, "approval_low": low, "approval_high": high}
    if reference is None or not counts[reference][0]:
        return found
    most, of = counts[reference]
    ends = (np.nan, np.nan) if name == reference else ratio_interval(approved, n, most, of)
    return {
        **found,
        "reference_group": reference,
        "approval_ratio": (approved / n) / (most / of),
        "ratio_low": ends[0],
        "ratio_high": ends[1],
    }


def _of_matured(matured: pd.DataFrame) -> dict[str, Any]:
    labels = matured["actual_label"].to_numpy(dtype=float)
    scores = matured["prediction_proba"].to_numpy(dtype=float)
    n, defaults = len(labels), int(labels.sum())
    found: dict[str, Any] = {"n_matured": n}
    if n < LEAST_LOANS:
        return found
    low, high = jeffreys_interval(defaults, n)
    mean = scores.mean()
    found |= {
        "mean_score": mean,
        "default_rate": defaults / n,
        "default_low": low,
        "default_high": high,
        "calibration_gap": mean - defaults / n,
        "gap_low": mean - high,
        "gap_high": mean - low,
    }
    if min(defaults, n - defaults) >= LEAST_OF_A_CLASS:
        # Slow, and the model card asks for none.
        from luigi_tasks.models.metrics import auc_interval

        found |= dict(
            zip(("auc", "auc_low", "auc_high"), auc_interval(labels, scores), strict=True)
        )
    return found
