"""The files of one fitted candidate in the model store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from luigi_tasks.models import artefacts

MODEL, ENCODERS = "model.pkl", "label_encoders.pkl"
SCORES, PARAMETERS = "scores.parquet", "parameters.json"


def write_candidate(
    folder: Path, model: Any, encoders: Any, scores: pd.DataFrame, parameters: dict[str, Any]
) -> None:
    """Make the folder: the whole pipeline, its encoders, loan_id and score, its parameters."""
    folder.mkdir()
    artefacts.dump(model, folder / MODEL)
    artefacts.dump(encoders, folder / ENCODERS)
    scores.to_parquet(folder / SCORES, index=False)
    (folder / PARAMETERS).write_text(json.dumps(parameters), encoding="utf-8")


def read_scores(folder: Path) -> NDArray[np.float64]:
    """The probability of default of each row of the training frame, in that order."""
    scores: NDArray[np.float64] = pd.read_parquet(folder / SCORES)["score"].to_numpy()
    return scores


def read_parameters(folder: Path) -> dict[str, Any]:
    """The candidate's entry in params.yaml, as it was fitted."""
    parameters: dict[str, Any] = json.loads((folder / PARAMETERS).read_bytes())
    return parameters
