"""The files of one candidate in the model store: its scores of the held-out vintages."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd

from luigi_tasks.core import signing
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import MARKER
from luigi_tasks.core.records import from_json
from luigi_tasks.core.targets import Provenance

SCORES, PARAMETERS = "scores.parquet", "parameters.json"


def write_candidate(folder: Path, scores: pd.DataFrame, parameters: dict[str, Any]) -> None:
    """Make the folder: row, origin, window and score of held-out loans; the parameters.

    The model store names no loan: row is its number in the training data.
    """
    folder.mkdir()
    scores.to_parquet(folder / SCORES, index=False)
    (folder / PARAMETERS).write_text(json.dumps(parameters), encoding="utf-8")


def check(folder: Path) -> dict[str, str]:
    """The SHA-256 of the files by name, as published and as they are.

    Raises PipelineError when one of them is another, or when they are not signed although there
    is a key: they decide which model is signed as the champion.
    """
    digests = from_json(signing.read(folder / MARKER), Provenance, folder / MARKER).files
    for name, digest in digests.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            raise PipelineError(f"{folder / name}: refused, it was changed after it was published")
    return digests


def read_scores(folder: Path) -> pd.DataFrame:
    """row, origin, window and score: the probability of default of every held-out loan."""
    return pd.read_parquet(folder / SCORES)


def read_parameters(folder: Path) -> dict[str, Any]:
    """The candidate's entry in params.yaml, as it was fitted."""
    parameters: dict[str, Any] = json.loads((folder / PARAMETERS).read_bytes())
    return parameters
