"""A pseudonym is the same for the same id and key, and tells nothing without the key."""

from __future__ import annotations

import hashlib
import hmac

import pandas as pd
import pytest

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.models import pseudonyms

SECRET = "fedcba9876543210" * 2
LOANS = pd.DataFrame(
    {
        "loan_id": ["CUS_1_2023", "CUS_1_2024", "CUS_2_2023"],
        "customer_id": ["CUS_1", "CUS_1", "CUS_2"],
        "prediction_proba": [0.1, 0.2, 0.3],
    }
)


@pytest.fixture(autouse=True)
def _a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"{pseudonyms.KEY}_FILE", raising=False)
    monkeypatch.setenv(pseudonyms.KEY, SECRET)


def test_a_pseudonym_is_half_of_the_hmac_of_column_and_id() -> None:
    hidden = pseudonyms.pseudonyms_of(LOANS["customer_id"])
    digest = hmac.new(SECRET.encode(), b"customer_id\0CUS_1", hashlib.sha256).hexdigest()
    assert hidden[0] == hidden[1] == digest[:32]
    assert hidden.nunique() == 2


def test_the_same_text_as_customer_and_as_loan_has_two_pseudonyms() -> None:
    ids = pd.Series(["CUS_1"])
    customer, loan = (pseudonyms.pseudonyms_of(ids.rename(name))[0] for name in pseudonyms.IDS)
    assert customer != loan


def test_the_rows_are_in_the_order_of_the_pseudonyms_and_keep_all_else() -> None:
    hidden = pseudonyms.pseudonymised(LOANS)
    assert hidden["loan_id"].is_monotonic_increasing
    by_loan = hidden.set_index("loan_id").loc[pseudonyms.pseudonyms_of(LOANS["loan_id"])]
    assert by_loan["prediction_proba"].tolist() == LOANS["prediction_proba"].tolist()
    assert pseudonyms.pseudonymised(LOANS[::-1]).equals(hidden)


def test_another_key_gives_other_pseudonyms_and_another_fingerprint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = set(pseudonyms.pseudonymised(LOANS)["customer_id"]), pseudonyms.fingerprint()
    assert len(before[1]) == 16
    monkeypatch.setenv(pseudonyms.KEY, SECRET[::-1])
    after = set(pseudonyms.pseudonymised(LOANS)["customer_id"]), pseudonyms.fingerprint()
    assert before[0].isdisjoint(after[0])
    assert before[1] != after[1]


def test_without_a_key_the_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(pseudonyms.KEY)
    with pytest.raises(PipelineError, match=r"predictions\.identifiers = pseudonyms needs a key"):
        pseudonyms.key()


@pytest.mark.parametrize("variable", [pseudonyms.KEY, f"{pseudonyms.KEY}_FILE"])
def test_no_error_tells_a_key_in_the_wrong_place(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(pseudonyms.KEY)
    monkeypatch.setenv(variable, SECRET[1:])  # too short, and the name of no file
    with pytest.raises(PipelineError) as error:
        pseudonyms.key()
    assert variable in str(error.value)
    assert SECRET[1:] not in str(error.value)
