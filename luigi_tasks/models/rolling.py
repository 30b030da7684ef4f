"""Rolling origin: every held-out vintage is scored by models that knew only earlier ones.

Tashman, "Out-of-sample tests of forecasting accuracy", Int. Journal of Forecasting 16 (2000).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from luigi_tasks.models.estimators import fit
from luigi_tasks.models.scoring import score
from luigi_tasks.models.training_sets import features_in


def out_of_time_scores(
    name: str, spec: dict[str, Any], frame: pd.DataFrame, random_state: int
) -> Iterator[pd.DataFrame]:
    """loan_id, origin and score of the vintages held out by each origin, one origin at a time.

    `frame` is a training frame. Origins are fitted side by side, each on one thread: what comes
    out does not depend on the number of cores. Raises PipelineError when the candidate cannot be
    fitted.
    """
    features = frame[features_in(frame)]

    def scores_of(origin: int) -> pd.DataFrame:
        before, held_out = frame["origin"] < origin, frame["origin"] == origin
        model = fit(name, spec, features[before], frame["label"][before], random_state)
        return frame.loc[held_out, ["loan_id", "origin"]].assign(
            score=score(model, features[held_out])
        )

    # The limit around all fits: each of them gives back the one that it has found.
    with threadpool_limits(limits=1), ThreadPoolExecutor(os.cpu_count()) as threads:
        yield from threads.map(scores_of, sorted(set(frame["origin"]) - {0}))


def soft_vote(members: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The same of a vote of candidates: the mean of their scores, row by row."""
    scores = np.mean([member["score"] for member in members], axis=0)
    return members[0].assign(score=scores)
