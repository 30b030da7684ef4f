"""Scores of loans that a model does not know, by which candidates are compared.

Rolling origin: every held-out vintage is scored by models that knew only earlier ones (Tashman,
"Out-of-sample tests of forecasting accuracy", Int. Journal of Forecasting 16, 2000). After a break
the loans since then are held out in turn instead, fold by fold (Stone, "Cross-validatory choice",
J. Royal Statistical Society B 36, 1974), by a model that knows all others and by one that knows
only those since the break.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from luigi_tasks.core.parallel import in_order
from luigi_tasks.models.estimators import fit
from luigi_tasks.models.scoring import score
from luigi_tasks.models.training_sets import features_in

ALL, SINCE = "all", "since"
"""The windows of a fit: all loans that it may know, or only those since the break."""


def out_of_time_scores(
    name: str, spec: dict[str, Any], frame: pd.DataFrame, random_state: int
) -> Iterator[pd.DataFrame]:
    """row, origin, window and score of the loans that each origin holds out, origin by origin.

    `frame` is a training frame, row the number of a loan in it, from 0. Raises PipelineError when
    the candidate cannot be fitted.
    """
    features = frame[features_in(frame)]

    def scores_of(origin: int) -> pd.DataFrame:
        held_out = frame["origin"] == origin
        parts = []
        for window, known in windows_of(frame, origin).items():
            model = fit(name, spec, features[known], frame["label"][known], random_state)
            parts.append(
                pd.DataFrame(
                    {
                        "row": frame.index[held_out],
                        "origin": origin,
                        "window": window,
                        "score": score(model, features[held_out]),
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)

    origins = sorted(set(frame["origin"]) - {0})
    yield from in_order(scores_of, origins, _at_once(spec))


def windows_of(frame: pd.DataFrame, origin: int) -> dict[str, pd.Series]:
    """Which loans the models know that score an origin, by window.

    Loans since the break are no window of their own where they are all bad or all good.
    """
    if frame["since"].isna().all():
        return {ALL: frame["origin"] < origin}
    windows = {ALL: frame["origin"] != origin}
    since = windows[ALL] & (frame["origin"] > 0)
    if all(
        frame["label"][(frame["origin"] > 0) & (frame["origin"] != each)].nunique() == 2
        for each in set(frame["origin"]) - {0}
    ):
        windows[SINCE] = since
    return windows


def _at_once(spec: dict[str, Any]) -> int:
    """How many models of a candidate are fitted at once, each on one thread and as if alone.

    Only those of scikit-learn are known to share nothing.
    """
    return (os.cpu_count() or 1) if spec["class"].startswith("sklearn.") else 1


def soft_vote(members: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The same of a vote of candidates: the mean of their scores, row by row."""
    scores = np.mean([member["score"] for member in members], axis=0)
    return members[0].assign(score=scores)
