"""Calibration: whether loans default as often as their score says, by score decile and by grade.

Both tables are of loans that no model was fitted on. A default rate comes with Jeffreys' 95 %
interval, the prior with which probabilities of default are back-tested in ECB, "Instructions for
reporting the validation results of internal models" (2019).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from luigi_tasks.models.grades import grade_of
from luigi_tasks.models.metrics import score_groups
from luigi_tasks.monitoring.intervals import jeffreys_interval
from luigi_tasks.monitoring.populations import populations

RELIABILITY = {
    "generation": "int64",
    "population": "object",
    "group": "int64",
    "n": "int64",
    "mean_score": "float64",
    "default_rate": "float64",
    "low": "float64",
    "high": "float64",
}
GRADES = {
    "generation": "int64",
    "population": "object",
    "grade": "int64",
    "pd_from": "float64",
    "pd_to": "float64",
    "n": "int64",
    "n_matured": "int64",
    "mean_score": "float64",
    "default_rate": "float64",
    "low": "float64",
    "high": "float64",
    "is_in_line": "boolean",
}


def reliability(scored: pd.DataFrame) -> pd.DataFrame:
    """One row a generation, population and decile of the score, over matured loans.

    `scored` has generation, delinquent, prediction_proba and actual_label (NaN until it has
    matured). generation; population (all, performing); group (from 1, the lowest scores; equal
    scores leave fewer than ten); n (matured loans); mean_score; default_rate; low and high (the
    95 % interval of the default rate). A reliability diagram is default_rate over mean_score:
    Bröcker & Smith, Weather and Forecasting 22 (2007).
    """
    matured = scored[scored["actual_label"].notna()]
    found = []
    for generation, population, loans in _by_population(matured):
        scores = loans["prediction_proba"].to_numpy(dtype=float)
        groups = score_groups(scores)
        rates = _rates(groups, int(groups.max()) + 1, loans)
        found.append(
            rates.assign(
                generation=generation,
                population=population,
                group=np.arange(len(rates)) + 1,
                n=rates["n_matured"],
            )
        )
    return _table(found, RELIABILITY)


def rating_grades(scored: pd.DataFrame, bounds: Sequence[float]) -> pd.DataFrame:
    """One row a generation, population and grade of the master scale, empty grades as well.

    `scored` as of `reliability`; `bounds` are the ascending upper bounds of the probability of
    default of each grade but the last. generation; population; grade (1 is the best); pd_from and
    pd_to (pd_from <= score < pd_to, the last grade with 1); n (scored loans); n_matured; of the
    matured loans mean_score, default_rate, low and high (the 95 % interval of the default rate)
    and is_in_line (whether the mean score lies in it); these are null without a matured loan.
    """
    edges = np.array([0.0, *bounds, 1.0])
    size = len(edges) - 1
    found = []
    for generation, population, loans in _by_population(scored):
        grade = grade_of(loans["prediction_proba"], bounds) - 1
        matured = loans["actual_label"].notna().to_numpy()
        rates = _rates(grade[matured], size, loans[matured])
        in_line = rates["mean_score"].between(rates["low"], rates["high"]).astype("boolean")
        found.append(
            rates.assign(
                generation=generation,
                population=population,
                grade=np.arange(size) + 1,
                pd_from=edges[:-1],
                pd_to=edges[1:],
                n=np.bincount(grade, minlength=size),
                is_in_line=in_line.where(rates["n_matured"] > 0),
            )
        )
    return _table(found, GRADES)


def _by_population(scored: pd.DataFrame) -> Iterator[tuple[int, str, pd.DataFrame]]:
    """(generation, population, its loans), in order; a population without a loan is left out."""
    for generation, own in scored.groupby("generation"):
        for population, loans in populations(own).items():
            if len(loans):
                yield int(str(generation)), population, loans


def _rates(groups: NDArray[np.int64], size: int, matured: pd.DataFrame) -> pd.DataFrame:
    """n_matured, mean_score, default_rate, low and high of groups 0 to size − 1."""
    n = np.bincount(groups, minlength=size)
    defaults = np.bincount(groups, matured["actual_label"].to_numpy(float), minlength=size)
    scores = np.bincount(groups, matured["prediction_proba"].to_numpy(float), minlength=size)
    low, high = jeffreys_interval(defaults, n)
    known = np.where(n > 0, n, np.nan)
    return pd.DataFrame(
        {
            "n_matured": n,
            "mean_score": scores / known,
            "default_rate": defaults / known,
            "low": low,
            "high": high,
        }
    )


def _table(parts: list[pd.DataFrame], columns: dict[str, str]) -> pd.DataFrame:
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(columns))
    return table[list(columns)].astype(columns)
