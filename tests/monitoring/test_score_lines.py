"""Scores are moved to what known labels say, as far as they are many, with an honest doubt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import day
from scipy.special import expit

from luigi_tasks.models.calibration import log_odds
from luigi_tasks.monitoring.estimation import estimate, estimated_performance, realised
from luigi_tasks.monitoring.score_lines import AS_SCORED, belief_from, most_probable

MONTHS = [f"2024-{month:02}-01" for month in range(1, 9)]


def loans(n: int, seed: int, month: str = "2024-01-01", **values: Any) -> pd.DataFrame:
    """Loans whose log-odds of default are one and a half times those of their timid scores."""
    random = np.random.default_rng(seed)
    odds = random.normal(-1.5, 1.0, n)
    sound = {
        "month": day(month),
        "generation": 1,
        "sample": "live",
        "delinquent": False,
        "prediction_proba": expit(odds),
        "actual_label": (random.random(n) < expit(1.5 * odds)).astype(float),
    }
    return pd.DataFrame({**sound, **values})


def book(n: int = 1000) -> pd.DataFrame:
    return pd.concat([loans(n, i, month) for i, month in enumerate(MONTHS)], ignore_index=True)


def table(scored: pd.DataFrame, population: str = "performing") -> pd.DataFrame:
    found = estimated_performance(scored, threshold=0.5, prediction_mob=3, observation_mob=6)
    own = found[(found["population"] == population) & (found["metric"] == "auc")]
    return own.set_index(own["month"].astype(str))


def test_without_a_label_a_score_is_taken_for_the_probability() -> None:
    scores, late = np.array([0.0, 0.1, 0.6, 1.0]), np.array([False, True, False, True])
    for belief in (AS_SCORED, belief_from(loans(5, 1, actual_label=np.nan))):
        assert belief.expected(scores, late) == pytest.approx(scores)
    assert (AS_SCORED.drawn(scores, late).std(axis=0) < 1e-12).all()
    assert (belief_from(loans(0, 1)).drawn(scores, late).std(axis=0) > 0.01).tolist() == [
        False,
        True,
        True,
        False,
    ]


def test_many_labels_say_the_line_and_leave_little_doubt() -> None:
    known = loans(20_000, 1)
    line, covariance = most_probable(
        log_odds(known["prediction_proba"].to_numpy()), known["actual_label"].to_numpy()
    )
    assert line == pytest.approx([0, 1.5], abs=0.1)
    assert np.sqrt(np.diag(covariance)).max() < 0.05


def test_labels_that_the_scores_separate_leave_a_line() -> None:
    odds = np.array([-30.0, -9.0, 9.0, 30.0])
    line, covariance = most_probable(odds, (odds < 0).astype(float))
    assert np.isfinite(line).all()
    assert (np.linalg.eigvalsh(covariance) > 0).all()


def test_delinquent_and_performing_loans_have_a_line_each() -> None:
    known = pd.concat([loans(5000, 1), loans(500, 2, delinquent=True, actual_label=1.0)])
    found = belief_from(known).expected(np.array([0.1, 0.1]), np.array([False, True]))
    assert found[0] < 0.1 < found[1]


def test_the_order_of_the_loans_changes_no_line() -> None:
    known = loans(500, 1)
    there, back = belief_from(known), belief_from(known.iloc[::-1])
    assert there.lines.tobytes() == back.lines.tobytes()
    assert there.draws.tobytes() == back.draws.tobytes()


def test_the_order_of_loans_with_equal_scores_changes_no_byte_of_the_estimate() -> None:
    random = np.random.default_rng(1)
    scores, late = random.random(5000).round(2), random.random(5000) < 0.2
    belief = belief_from(pd.concat([loans(500, 1), loans(50, 2, delinquent=True)]))
    there = estimate(scores, 0.5, late, belief)
    back = estimate(scores[::-1], 0.5, late[::-1], belief)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(there, back, strict=True))


def test_once_labels_are_known_the_estimate_of_timid_scores_is_right() -> None:
    found = table(book(4000))
    distance = (found["estimated"] - found["realised"]).abs()
    assert distance["2024-01-01"] > 0.04
    assert distance["2024-06-01":].max() < 0.02


def test_a_month_is_estimated_without_the_labels_that_came_after_it() -> None:
    scored = book(200)
    later = scored["month"] > day("2024-03-01")
    asked = scored.assign(actual_label=scored["actual_label"].where(~later, 1.0))
    columns = ["estimated", "low", "high"]
    there, changed = table(scored)[columns], table(asked)[columns]
    # What was scored in March has matured by the end of June, and what came in April has not.
    assert there.loc[:"2024-06-01"].equals(changed.loc[:"2024-06-01"])
    assert not there.loc["2024-07-01"].equals(changed.loc["2024-07-01"])


def test_the_labels_of_another_generation_move_nothing() -> None:
    own = loans(300, 1, "2024-08-01", generation=2)
    alone, beside = table(own), table(pd.concat([book(), own], ignore_index=True))
    beside = beside[beside["generation"] == 2]
    assert alone[["estimated", "low", "high"]].equals(beside[["estimated", "low", "high"]])


def test_95_percent_of_the_realised_values_are_in_the_interval_when_the_line_is_learnt() -> None:
    """Learnt of a hundred labels, from lines that are spread as the belief expects."""
    random = np.random.default_rng(7)
    inside, sharp, runs = 0, 0, 300
    for run in range(runs):
        intercept, slope = random.normal(0, 0.2), random.normal(1, 0.15)
        both = loans(500, run)
        chance = expit(intercept + slope * log_odds(both["prediction_proba"].to_numpy()))
        both["actual_label"] = (random.random(500) < chance).astype(float)
        scores = both["prediction_proba"].to_numpy()[100:]
        truth = realised(both[100:], 0.5)[3]
        late = np.zeros(400, dtype=bool)
        found = estimate(scores, 0.5, late, belief_from(both[:100]))
        without = estimate(scores, 0.5, late)
        inside += found.low[3] <= truth <= found.high[3]
        sharp += without.low[3] <= truth <= without.high[3]
    # A share of 300 has a standard error of 1.3 %.
    assert 0.92 < inside / runs < 0.985
    assert sharp / runs < 0.9
