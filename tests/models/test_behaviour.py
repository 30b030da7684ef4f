"""An application score learns from all defaults, and the repayment history updates it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from loan_book import fitted, training_frame
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from luigi_tasks.models.behaviour import BehaviouralScore
from luigi_tasks.models.estimators import fit
from luigi_tasks.models.scoring import score

LOGISTIC = {"class": "sklearn.linear_model.LogisticRegression", "C": 0.03}


def book(n: int, seed: int) -> pd.DataFrame:
    """Loans with ten weak traits; half of those that will default are in arrears already."""
    random = np.random.default_rng(seed)
    traits = random.standard_normal((n, 10))
    label = random.random(n) < 1 / (1 + np.exp(1.2 - 0.4 * traits.sum(axis=1)))
    late = label & (random.random(n) < 0.5)
    frame = pd.DataFrame(traits, columns=[f"trait_{i}" for i in range(10)])
    return frame.assign(hist_max_overdue=1000.0 * late, label=label.astype(int), late=late)


def scores(train: pd.DataFrame, new: pd.DataFrame, spec: dict[str, Any] = LOGISTIC) -> np.ndarray:
    features = [name for name in train if name.startswith(("trait_", "hist_"))]
    model = fit("it", spec, train[features], train["label"], random_state=0)
    return score(model, new[features])


def test_a_loan_in_arrears_scores_above_all_others_when_all_such_default() -> None:
    new = book(2000, 2)
    found = scores(book(600, 1), new)
    assert found[new["late"]].min() > found[~new["late"]].max()


def test_what_brought_loans_into_arrears_is_learnt_for_those_that_are_not() -> None:
    """The same classifier, fitted on both together, orders performing loans worse."""
    gains = []
    for seed in range(8):
        train, new = book(400, seed), book(4000, 100 + seed)
        performing = new[~new["late"]]
        other = LogisticRegression(C=0.03)
        columns = [name for name in train if name not in ("label", "late")]
        scaled = (train[columns] - train[columns].mean()) / train[columns].std()
        other.fit(scaled.to_numpy(), train["label"])
        at = (performing[columns] - train[columns].mean()) / train[columns].std()
        together = other.predict_proba(at.to_numpy())[:, 1]
        gains.append(
            roc_auc_score(performing["label"], scores(train, performing))
            - roc_auc_score(performing["label"], together)
        )
    assert np.mean(gains) > 0.003


def test_the_scores_of_performing_loans_are_as_high_as_they_default() -> None:
    new = book(20_000, 2)
    found, performing = scores(book(5000, 1), new), ~new["late"]
    assert found[performing].mean() == pytest.approx(new["label"][performing].mean(), abs=0.02)


def test_log_odds_are_those_of_both_parts_less_those_of_the_default_rate() -> None:
    random = np.random.default_rng(3)
    prepared, labels = random.standard_normal((200, 4)), np.arange(200) % 4 == 0
    model = BehaviouralScore(LogisticRegression(), 1).fit(prepared, labels)
    application = LogisticRegression().fit(prepared[:, 1:], labels).decision_function
    history = LogisticRegression(max_iter=1000).fit(prepared[:, :1], labels).decision_function
    expected = application(prepared[:, 1:]) + history(prepared[:, :1]) - np.log(0.25 / 0.75)
    found = model.predict_proba(prepared)
    assert np.log(found[:, 1] / found[:, 0]) == pytest.approx(expected)
    assert found.sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("features", [["Age", "Occupation"], ["hist_total_paid", "hist_total_due"]])
def test_without_a_history_or_without_anything_else_the_classifier_has_all_columns(
    features: list[str],
) -> None:
    frame = training_frame()
    model = fit("it", LOGISTIC, frame[features], frame["label"], random_state=0)
    assert isinstance(model.named_steps["classify"], LogisticRegression)
    both = fitted(frame).named_steps["classify"]
    assert both.history == 2
