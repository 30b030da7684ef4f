"""What each feature adds to a score: the exact values where there are such, and always the sum."""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from loan_book import FEATURES, FOREST, fitted, training_frame
from scipy.special import expit, logit

from luigi_tasks.models import explanations
from luigi_tasks.models.calibration import fit_calibrator
from luigi_tasks.models.estimators import fit
from luigi_tasks.models.explanations import Explainer
from luigi_tasks.models.feature_columns import model_input
from luigi_tasks.models.loan_model import LoanModel

LOGISTIC = {"class": "sklearn.linear_model.LogisticRegression"}
BOOSTING = {"class": "sklearn.ensemble.HistGradientBoostingClassifier", "min_samples_leaf": 5}
# The encoded occupation as a category, which TreeSHAP as it is published does not know.
CATEGORIES = {**BOOSTING, "categorical_features": [1, 2, 3]}
SPECS: dict[str, dict[str, Any]] = {
    "linear": LOGISTIC,
    "boosting": BOOSTING,
    "forest": FOREST,
    "older boosting": {"class": "sklearn.ensemble.GradientBoostingClassifier"},
    "boosting of categories": CATEGORIES,
    "any other": {"class": "sklearn.naive_bayes.GaussianNB"},
}
TRAITS = ["Age", "Occupation"]
FRAME = training_frame()
LOANS = model_input(FRAME[FEATURES])


def model_of(*specs: dict[str, Any], calibration: str = "none") -> LoanModel:
    members = [fitted(FRAME, spec) for spec in specs]
    scores = LoanModel(members).predict_proba(LOANS)[:, 1]
    return LoanModel(members, fit_calibrator(calibration, scores, FRAME["label"]))


def application(spec: dict[str, Any]) -> Any:
    """A candidate without a history, fitted on the loans that `fitted` is."""
    rows = FRAME[FRAME["origin"] == 0]
    return fit("it", spec, rows[TRAITS], rows["label"], random_state=42)


def shapley(value: Any, players: int) -> list[float]:
    """Shapley values of a game by their definition, over all coalitions."""
    found = []
    for player in range(players):
        others = [other for other in range(players) if other != player]
        total = 0.0
        for size in range(players):
            weight = factorial(size) * factorial(players - size - 1) / factorial(players)
            for coalition in combinations(others, size):
                total += weight * (value({*coalition, player}) - value(set(coalition)))
        found.append(total)
    return found


@pytest.mark.parametrize("calibration", ["none", "sigmoid", "isotonic"])
@pytest.mark.parametrize("kind", SPECS)
def test_the_baseline_and_what_the_features_add_make_the_score(kind: str, calibration: str) -> None:
    model = model_of(SPECS[kind], calibration=calibration)
    found = Explainer(model, LOANS).explain(LOANS)
    scores = model.predict_proba(LOANS)[:, 1]
    assert found.baseline + found.values.sum(axis=1).to_numpy() == pytest.approx(scores, abs=1e-9)
    assert list(found.values) == FEATURES


def test_the_members_of_a_vote_are_explained_alike() -> None:
    one, other = model_of(LOGISTIC), model_of(BOOSTING)
    both = Explainer(model_of(LOGISTIC, BOOSTING), LOANS).explain(LOANS)
    parts = [Explainer(model, LOANS).explain(LOANS) for model in (one, other)]
    assert both.baseline == pytest.approx(np.mean([part.baseline for part in parts]))
    mean = (parts[0].values + parts[1].values) / 2
    assert both.values.to_numpy() == pytest.approx(mean.to_numpy())


def test_a_linear_model_is_explained_as_the_definition_of_shapley_values_says() -> None:
    model, loan = model_of(LOGISTIC), 7
    classify = model.members[0].named_steps["classify"]
    prepared = model.members[0][:-1].transform(LOANS)
    sources = explanations.columns_by_feature(model.members[0])

    def mean_log_odds(coalition: set[int]) -> float:
        known = [source in {FEATURES[i] for i in coalition} for source in sources]
        mixed = np.where(known, prepared[loan], prepared)  # the rest as of every training loan
        return float(classify.decision_function(mixed).mean())

    exact = np.array(shapley(mean_log_odds, len(FEATURES)))
    found = Explainer(model, LOANS).explain(LOANS)
    assert logit(found.baseline) == pytest.approx(mean_log_odds(set()))
    told = found.values.iloc[loan].to_numpy()
    assert told / told.sum() == pytest.approx(exact / exact.sum())


def test_the_baseline_of_boosting_is_its_mean_log_odds_over_what_it_was_fitted_on() -> None:
    model = model_of(BOOSTING)
    fitted_on = LOANS[FRAME["origin"] == 0]
    prepared = model.members[0][:-1].transform(fitted_on)
    log_odds = model.members[0].named_steps["classify"].decision_function(prepared)
    baseline = Explainer(model, fitted_on).explain(LOANS).baseline
    assert baseline == pytest.approx(expit(log_odds.mean()))


def test_one_split_adds_to_its_feature_what_the_leaf_is_away_from_the_mean() -> None:
    stump = {"class": "sklearn.tree.DecisionTreeClassifier", "max_depth": 1}
    model = LoanModel([application(stump)])
    scores = model.predict_proba(LOANS[TRAITS])[:, 1]
    values = Explainer(model, LOANS[TRAITS]).explain(LOANS[TRAITS]).values
    mean = scores[FRAME["origin"] == 0].mean()
    moved = [name for name in TRAITS if values[name].abs().max() > 0]
    assert len(moved) == 1
    assert values[moved[0]].to_numpy() == pytest.approx(scores - mean)


@pytest.mark.parametrize("kind", ["linear", "boosting", "forest"])
def test_of_a_behavioural_score_the_history_adds_its_own_log_odds(kind: str) -> None:
    model = model_of(SPECS[kind])
    classify = model.members[0].named_steps["classify"]
    prepared = model.members[0][:-1].transform(LOANS)
    found = Explainer(model, LOANS).explain(LOANS)
    total = classify.decision_function(prepared) - logit(found.baseline)
    share = found.values.div(found.values.sum(axis=1), axis=0)
    history = share[["hist_total_paid", "hist_total_due"]].to_numpy() * total[:, None]
    weights = classify.update_.coef_[0]
    assert history == pytest.approx((prepared - prepared.mean(axis=0))[:, :2] * weights)


@pytest.mark.parametrize("kind", ["linear", "boosting", "forest"])
def test_of_a_behavioural_score_the_traits_stand_as_in_its_application_score(kind: str) -> None:
    both = Explainer(model_of(SPECS[kind]), LOANS).explain(LOANS).values[TRAITS]
    first = LoanModel([application(SPECS[kind])])
    alone = Explainer(first, LOANS[TRAITS]).explain(LOANS[TRAITS]).values
    ratio = both["Age"] / alone["Age"]
    assert (ratio > 0).all()
    assert both["Occupation"].to_numpy() == pytest.approx(alone["Occupation"] * ratio, abs=1e-9)


def test_what_no_exact_method_explains_rightly_is_explained_by_orders_of_the_features(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    original = explanations._by_orders

    def by_orders(classifier: Any, *rest: Any) -> Any:
        asked.append(type(classifier.application).__name__)
        return original(classifier, *rest)

    monkeypatch.setattr(explanations, "_by_orders", by_orders)
    for spec in SPECS.values():
        Explainer(model_of(spec), LOANS).explain(LOANS)
    assert asked == ["HistGradientBoostingClassifier", "GaussianNB"]


def test_orders_of_the_features_find_nearly_the_exact_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = model_of(LOGISTIC)
    exact = Explainer(model, LOANS).explain(LOANS)
    monkeypatch.setattr(explanations, "_linear", lambda *_: None)
    found = Explainer(model, LOANS).explain(LOANS)
    assert found.baseline == pytest.approx(exact.baseline, abs=0.02)
    assert np.corrcoef(found.values.to_numpy().ravel(), exact.values.to_numpy().ravel())[0, 1] > 0.9


@pytest.mark.parametrize("kind", SPECS)
def test_a_feature_that_has_one_value_in_all_loans_adds_nothing(kind: str) -> None:
    same = FRAME.assign(hist_total_due=5.0)
    model = LoanModel([fitted(same, SPECS[kind])])
    values = Explainer(model, same[FEATURES]).explain(same[FEATURES]).values
    assert values["hist_total_due"].abs().max() < 1e-12
    assert values["Age"].abs().max() > 0.01


@pytest.mark.parametrize("kind", SPECS)
def test_a_loan_is_explained_alone_as_among_others(kind: str) -> None:
    model = model_of(SPECS[kind])
    together = Explainer(model, LOANS).explain(LOANS).values
    alone = pd.concat([Explainer(model, LOANS).explain(LOANS.iloc[[i]]).values for i in range(3)])
    assert alone.to_numpy() == pytest.approx(together.iloc[:3].to_numpy(), abs=1e-12)
