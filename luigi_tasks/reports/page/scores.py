"""What the page shows of scores: calibration by grade, their distribution, every threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from luigi_tasks.monitoring.intervals import jeffreys_interval
from luigi_tasks.monitoring.populations import populations
from luigi_tasks.reports.page.facts import PageFacts
from luigi_tasks.reports.page.values import FEWEST, Rows, plain, rows_of

_GRADES = ["grade", "pd_from", "pd_to", "n", "n_matured"]
_RATES = ["mean_score", "default_rate", "low", "high", "is_in_line"]
_WIDTH = 0.025  # of a bar of the distribution


def calibration(facts: PageFacts) -> dict[str, Any]:
    """grades: of the newest generation that has a matured loan, performing loans."""
    table = facts.tables["grades"]
    own = table[table["population"] == "performing"]
    judged = own[own["n_matured"] > 0]
    if judged.empty:
        return {"generation": None, "grades": []}
    generation = int(judged["generation"].max())
    rows = own[own["generation"] == generation].sort_values("grade")
    few = rows["n_matured"] < FEWEST
    rows = rows.astype(dict.fromkeys(_RATES, "object"))
    rows.loc[few, _RATES] = None
    return {
        "generation": generation,
        "grades": [
            {**row, "pd": f"{row['pd_from']:.0%} to {row['pd_to']:.0%}"}
            for row in rows_of(rows, [*_GRADES, *_RATES])
        ],
    }


def scores(facts: PageFacts) -> dict[str, Any]:
    """distribution: matured loans by score and outcome; thresholds: what each would predict.

    Of performing and of all loans that no model was fitted on and whose label has matured.
    """
    threshold = facts.settings["predictions.threshold"]
    matured = facts.scored[facts.scored["actual_label"].notna()]
    distribution: Rows = []
    thresholds: Rows = []
    for name, loans in populations(matured).items():
        bad = loans["actual_label"].to_numpy(dtype=float) == 1
        score = loans["prediction_proba"].to_numpy(dtype=float)
        distribution += [{"population": name, **row} for row in _distribution(bad, score)]
        thresholds += [
            {"population": name, **row} for row in of_thresholds(bad, score, grid(threshold))
        ]
    return {"threshold": threshold, "distribution": distribution, "thresholds": thresholds}


def grid(threshold: float) -> NDArray[np.float64]:
    """The thresholds of the slider: 0.00 to 1.00, and that of params.yaml."""
    return np.unique([*(np.arange(101) / 100), threshold])


def _distribution(bad: NDArray[np.bool_], score: NDArray[np.float64]) -> Rows:
    """from, to, outcome, loans: how many of the loans have a score there."""
    edges = np.arange(round(1 / _WIDTH) + 1) * _WIDTH
    return [
        plain({"from": edges[i], "to": edges[i + 1], "outcome": outcome, "loans": int(n)})
        for outcome, own in (("good", ~bad), ("default", bad))
        for i, n in enumerate(np.histogram(score[own], edges)[0])
    ]


def of_thresholds(
    bad: NDArray[np.bool_], score: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> Rows:
    """What every threshold says of matured loans: a default from it on, approved below it.

    The counts of the confusion matrix, approval_rate, bad_rate (defaults among the approved) with
    its 95 % interval (Jeffreys), precision and recall; null where there is nothing to divide by.
    """
    if not len(score):
        return []
    approved = np.searchsorted(np.sort(score), thresholds, side="left")
    missed = np.searchsorted(np.sort(score[bad]), thresholds, side="left")
    low, high = jeffreys_interval(missed, approved)
    defaults = int(bad.sum())
    table = pd.DataFrame(
        {
            "threshold": thresholds,
            "loans": len(score),
            "true_good": approved - missed,
            "missed_default": missed,
            "false_alarm": len(score) - defaults - (approved - missed),
            "caught_default": defaults - missed,
            "approved": approved,
        }
    )
    refused = len(score) - table["approved"]
    return rows_of(
        table.assign(
            approval_rate=table["approved"] / len(score),
            bad_rate=table["missed_default"] / table["approved"].where(table["approved"] > 0),
            bad_rate_low=low,
            bad_rate_high=high,
            precision=table["caught_default"] / refused.where(refused > 0),
            recall=table["caught_default"] / (defaults or np.nan),
        )
    )
