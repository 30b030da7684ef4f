"""The scores that live loans were given, `datamart/governance/published/`: they stay.

One dataset a decision day: loan_id, generation and prediction_proba of the live loans that were
scored since the decision day before, by loan_id. A restatement lies beside it, as <day>.1 and so
on; the audit trail holds the digest of each.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from luigi_tasks.core import tables, temporary
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import file_system
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.generations.releases import Batch

PUBLISHED = pa.schema(
    [("loan_id", pa.string()), ("generation", pa.int64()), ("prediction_proba", pa.float64())]
)

KEPT = pa.schema(
    [
        ("loan_id", pa.string()),
        ("prediction_date", pa.date32()),
        ("generation", pa.int64()),
        ("prediction_proba", pa.float64()),
        ("rescored_proba", pa.float64()),
    ]
)


def as_published(
    scored: pd.DataFrame, said: pd.Series, threshold: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scored loans with the score that was published, `said`, where there is one.

    And the columns KEPT of those whose score would be another today.
    """
    proba = said.fillna(scored["prediction_proba"])
    kept = scored.assign(prediction_proba=proba, prediction=(proba >= threshold).astype("int64"))
    otherwise = kept.assign(rescored_proba=scored["prediction_proba"])
    return kept, otherwise.loc[proba != scored["prediction_proba"], KEPT.names]


def published_path(day: dt.date, version: int) -> Path:
    """datamart/governance/published/<day>.parquet, with a number from the first restatement on."""
    number = f".{version}" if version else ""
    return in_datamart("governance", "published", f"{day.isoformat()}{number}.parquet")


def digest_of(scores: pd.DataFrame) -> str:
    """The SHA-256 over the loans in order: loan_id, generation, and the score to the last bit."""
    digest = hashlib.sha256()
    for loan, generation, score in zip(*(scores[n] for n in PUBLISHED.names), strict=True):
        digest.update(f"{loan}\t{generation}\t{float(score).hex()}\n".encode())
    return digest.hexdigest()


def live_scores(predictions: Path, after: dt.date | None, until: dt.date) -> pd.DataFrame:
    """The columns PUBLISHED of live predictions between two days, by loan_id."""
    day = ds.field("prediction_date")
    is_in = (ds.field("sample") == "live") & (day <= pa.scalar(until))
    if after is not None:
        is_in &= day > pa.scalar(after)
    live: pd.DataFrame = tables.read(predictions, PUBLISHED.names, is_in).to_pandas()
    return live.sort_values("loan_id", ignore_index=True)


def write_published(scores: pd.DataFrame, day: dt.date, version: int) -> str:
    """Write the batch of a day and return its digest."""
    path = published_path(day, version)
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = temporary.beside(path)
    tables.write(staging, pa.Table.from_pandas(scores, PUBLISHED, preserve_index=False))
    file_system(path).replace(staging, path)
    return digest_of(scores)


def read_published(batches: Iterable[Batch]) -> pd.Series:
    """The published score by loan_id, of all batches that are there.

    Raises PipelineError when one is not what the audit trail says.
    """
    found = []
    for batch in batches:
        path = published_path(batch.day, batch.version)
        if not file_system(path).exists(path):
            continue
        try:
            scores = tables.read(path).to_pandas()
            is_so = digest_of(scores) == batch.digest
        except (OSError, ValueError, TypeError, LookupError, pa.ArrowException):  # damaged
            is_so = False
        if not is_so:
            raise PipelineError(
                f"{path}: these are not the scores that were published, by the digest in the "
                "audit trail; restore the file (dvc checkout)"
            )
        found.append(scores.set_index("loan_id")["prediction_proba"])
    return pd.concat(found) if found else pd.Series(dtype="float64")
