"""The best candidate is the one with the highest out-of-time AUC of performing loans."""

from __future__ import annotations

import pandas as pd
import pytest

from luigi_tasks.models.selection import aucs_of, choose_champion, measure


def test_the_highest_auc_wins() -> None:
    assert choose_champion({"forest": 0.81, "boosting": 0.83, "logistic": 0.80}) == "boosting"


def test_between_candidates_a_tie_goes_to_the_one_named_first() -> None:
    assert choose_champion({"logistic": 0.8, "forest": 0.8}) == "logistic"
    assert choose_champion({"forest": 0.8, "logistic": 0.8}) == "forest"


def test_a_model_without_an_auc_loses_to_any_with_one() -> None:
    assert choose_champion({"forest": None, "logistic": 0.4}) == "logistic"


def test_a_loan_whose_label_is_known_at_scoring_does_not_decide() -> None:
    loans = pd.DataFrame(
        {"label": [0, 1, 0, 1, 1], "delinquent": [False, False, False, False, True]}
    )
    sees_arrears, sees_risk = [0.5, 0.1, 0.2, 0.3, 1.0], [0.1, 0.9, 0.2, 0.8, 0.0]
    measured = {
        "arrears": measure(loans, sees_arrears, threshold=0.5),
        "risk": measure(loans, sees_risk, threshold=0.5),
    }
    assert measured["arrears"]["all"]["auc"] == pytest.approx(3 / 6)
    assert measured["risk"]["all"]["auc"] == pytest.approx(4 / 6)
    assert aucs_of(measured) == {"arrears": 0.25, "risk": 1.0}
