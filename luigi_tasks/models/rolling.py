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
    """row, origin and score of the vintages held out by each origin, one origin at a time.

    `frame` is a training frame, row the number of a loan in it, from 0. Raises PipelineError when
    the candidate cannot be fitted.
    """
    features = frame[features_in(frame)]

    def scores_of(origin: int) -> pd.DataFrame:
        before, held_out = frame["origin"] < origin, frame["origin"] == origin
        model = fit(name, spec, features[before], frame["label"][before], random_state)
        return pd.DataFrame(
            {
                "row": frame.index[held_out],
                "origin": origin,
                "score": score(model, features[held_out]),
            }
        )

    origins = sorted(set(frame["origin"]) - {0})
    # The limit on linear algebra is one for the process: the first fit that ends must not lift it.
    with threadpool_limits(limits=1), ThreadPoolExecutor(_at_once(spec)) as threads:
        yield from threads.map(scores_of, origins)


def _at_once(spec: dict[str, Any]) -> int:
    """How many models of a candidate are fitted at once, each on one thread and as if alone.

    Only those of scikit-learn are known to share nothing.
    """
    return (os.cpu_count() or 1) if spec["class"].startswith("sklearn.") else 1


def soft_vote(members: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The same of a vote of candidates: the mean of their scores, row by row."""
    scores = np.mean([member["score"] for member in members], axis=0)
    return members[0].assign(score=scores)
