"""A challenger takes the champion's place when it has earned it, and the reason says how."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import day

from luigi_tasks.governance.gate import Ruling, judge, shadow_comparison
from luigi_tasks.models.comparison import compare
from luigi_tasks.models.metadata import AgainstChampion, Comparison, Swap

LIMITS: dict[str, Any] = {
    "population": "performing",
    "min_auc": 0.70,
    "min_auc_gain": 0.01,
    "max_approval_change": 0.10,
    "max_calibration_loss": 0.02,
}


def comparison(**values: Any) -> Comparison:
    """A challenger that is better in every way; `values` say in which it is not."""
    sound = {
        "loans": 500,
        "default_rate": 0.2,
        "champion_auc": 0.75,
        "challenger_auc": 0.80,
        "difference": 0.05,
        "difference_low": 0.02,
        "difference_high": 0.08,
        "p_value": 0.001,
        "champion_gap": 0.02,
        "challenger_gap": -0.01,
        "champion_approval_rate": 0.80,
        "challenger_approval_rate": 0.82,
        "swapped_in": Swap(loans=20, default_rate=0.1),
        "swapped_out": Swap(loans=10, default_rate=0.3),
    }
    return Comparison(**{**sound, **values})


def ruled(found: Comparison, *, condemned: bool = False, **limits: Any) -> Ruling:
    against = AgainstChampion(champion=1, loans=None, all=comparison(), performing=found)
    return judge(against, is_condemned=condemned, **{**LIMITS, **limits})


def test_a_challenger_that_is_better_beyond_chance_is_promoted_and_the_figures_are_told() -> None:
    ruling = ruled(comparison())
    assert ruling.is_promoted
    assert ruling.reason == (
        "AUC 0.8000 against 0.7500, difference +0.0500 [+0.0200, +0.0800] on 500 loans that are "
        "new to both: better beyond chance"
    )
    assert ruling.facts["swapped_in"] == {"loans": 20, "default_rate": 0.1}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"difference_low": 0.01}, "not 0.01 better beyond chance"),
        ({"difference": 0.01, "difference_low": 0.002}, "not 0.01 better beyond chance"),
        ({"challenger_approval_rate": 0.91}, "it would approve +11.0% of the loans"),
        ({"challenger_approval_rate": 0.69}, "it would approve -11.0% of the loans"),
        ({"challenger_gap": -0.05}, "its scores are 0.030 further from the default rate"),
    ],
)
def test_a_challenger_that_misses_one_limit_is_not_promoted(
    values: dict[str, float], words: str
) -> None:
    ruling = ruled(comparison(**values))
    assert not ruling.is_promoted
    assert words in ruling.reason


def test_where_the_champion_is_condemned_reaching_the_floor_is_enough() -> None:
    as_good = comparison(
        challenger_auc=0.70, difference=0.0, difference_low=-0.03, challenger_approval_rate=0.5
    )
    assert ruled(as_good, condemned=True).is_promoted
    assert not ruled(as_good).is_promoted
    low = {"difference": 0.0, "difference_low": -0.03}
    below = ruled(comparison(challenger_auc=0.6999, **low), condemned=True)
    assert not below.is_promoted
    assert below.reason.endswith("below 0.7")


def test_a_challenger_that_is_worse_beyond_chance_never_replaces_a_condemned_champion() -> None:
    worse = comparison(difference=-0.05, difference_low=-0.08, difference_high=-0.01)
    assert not ruled(worse, condemned=True).is_promoted


def test_without_a_loan_that_is_new_to_both_nothing_is_promoted() -> None:
    nothing = compare([], [], [], 0.5)
    assert ruled(nothing, condemned=True).reason.startswith("no two classes")


def test_the_population_that_governance_judges_decides() -> None:
    poor = comparison(difference=-0.1, difference_low=-0.2)
    assert ruled(poor, population="all").is_promoted
    assert not ruled(poor).is_promoted


def test_months_in_shadow_are_judged_by_the_labels_that_were_known_then() -> None:
    scores = pd.DataFrame(
        {
            "label": [0, 1, 1, 1, None],
            "label_date": [day("2025-01-01")] * 2 + [day("2025-02-01")] * 3,
            "delinquent": [False, False, False, True, False],
            "prediction_proba": [0.1, 0.2, 0.3, 0.9, 0.5],
            "shadow_proba": [0.2, 0.9, 0.8, 0.9, 0.5],
        }
    )
    limits: dict[str, Any] = {"champion": 1, "threshold": 0.5}
    early = shadow_comparison(scores, day("2025-01-15"), min_matured=2, **limits)
    assert early
    assert (early.all.loans, early.performing.loans) == (2, 2)
    late = shadow_comparison(scores, day("2025-02-01"), min_matured=3, **limits)
    assert late
    assert (late.all.loans, late.performing.loans) == (4, 3)
    assert shadow_comparison(scores, day("2025-02-01"), min_matured=4, **limits) is None


@pytest.mark.parametrize("seed", range(20))
def test_a_challenger_of_shuffled_labels_is_never_promoted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    risk = rng.random(500)
    labels = (rng.random(500) < risk * 0.5).astype(float)
    champion, blind = risk * 0.5, rng.permutation(risk * 0.5)
    for condemned in (False, True):
        assert not ruled(compare(labels, champion, blind, 0.5), condemned=condemned).is_promoted
