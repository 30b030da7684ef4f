"""Rolling origin: every held-out vintage is scored by models that knew only earlier ones.

Tashman, "Out-of-sample tests of forecasting accuracy", Int. Journal of Forecasting 16 (2000).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

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
    for origin in sorted(set(frame["origin"]) - {0}):
        before, held_out = frame["origin"] < origin, frame["origin"] == origin
        model = fit(name, spec, features[before], frame["label"][before], random_state)
        yield pd.DataFrame(
            {
                "row": frame.index[held_out],
                "origin": origin,
                "score": score(model, features[held_out]),
            }
        )


def soft_vote(members: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The same of a vote of candidates: the mean of their scores, row by row."""
    scores = np.mean([member["score"] for member in members], axis=0)
    return members[0].assign(score=scores)
