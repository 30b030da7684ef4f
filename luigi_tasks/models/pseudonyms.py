"""Pseudonyms of customers and loans in all that leaves gold, when predictions.identifiers says so.

A pseudonym is HMAC-SHA256(key, column name + NUL + id), the first LENGTH hex digits of it: the same
id has the same pseudonym in every run with the same key, in another column another one. Without
the key nobody can tell by trying ids which one a pseudonym stands for, so the key is no setting:
it is in the environment or in a file. RFC 2104.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from luigi_tasks.core import keys
from luigi_tasks.core.errors import PipelineError

if TYPE_CHECKING:
    import pandas as pd

KEY = "LOAN_PIPELINE_PSEUDONYM_KEY"
IDS = ("customer_id", "loan_id")
LENGTH = 32
"""Hex digits of a pseudonym: 128 bits, so that even among 10⁹ ids no two are expected to meet."""


def key() -> bytes:
    """The key; raises PipelineError when there is none, or as `keys.read`."""
    found = keys.read(KEY, "key of the pseudonyms")
    if found is None:
        raise PipelineError(
            "params.yaml: predictions.identifiers = pseudonyms needs a key; set "
            f"{KEY}_FILE or {KEY} (docs/security.md)"
        )
    return found


def fingerprint() -> str:
    """What tells two keys apart and none of them: the pseudonym of nobody, 16 hex digits."""
    return _digest(key(), "fingerprint", "")[:16]


def pseudonyms_of(ids: pd.Series) -> pd.Series:
    """The pseudonyms of the ids of a column; the name of the column counts."""
    secret, column = key(), str(ids.name)
    made = {each: _digest(secret, column, each)[:LENGTH] for each in ids.unique()}
    return ids.map(made)


def pseudonymised(loans: pd.DataFrame) -> pd.DataFrame:
    """The rows with pseudonyms for IDS, by loan_id: in the order of gold the rank tells the id."""
    hidden = {column: pseudonyms_of(loans[column]) for column in IDS}
    return loans.assign(**hidden).sort_values("loan_id", ignore_index=True)


def as_in_predictions(loans: pd.DataFrame, identifiers: str) -> pd.DataFrame:
    """Rows of gold with the loan_id that the predictions have, by predictions.identifiers."""
    if identifiers == "plain":
        return loans
    return loans.assign(loan_id=pseudonyms_of(loans["loan_id"]))


def _digest(secret: bytes, column: str, text: str) -> str:
    return hmac.digest(secret, f"{column}\0{text}".encode(), "sha256").hex()
