"""Governance retrains on a breach that is well decideded, once, and leaves a trail."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from conftest import day

from luigi_tasks.governance.decide import Verdict, breaches, decide

LIMITS = {"min_auc": 0.70, "max_psi": 0.20, "min_matured": 300, "min_scored": 300}


def month(name: str = "2024-09-01", **values: Any) -> dict[str, Any]:
    """A month of monitoring that breaks no limit."""
    sound = {
        "month": day(name),
        "generation": 1,
        "sample": "live",
        "n_new_labels": 100,
        "window_n": 900,
        "window_n_matured": 500,
        "window_auc": 0.85,
        "window_auc_low": 0.80,
        "window_auc_high": 0.90,
        "window_psi": 0.05,
    }
    return {**sound, **values}


def verdict(*months: dict[str, Any], generation: int = 1) -> Verdict:
    return decide(pd.DataFrame(months), generation, LIMITS)


# --- the decision -----------------------------------------------------------------------------


def test_a_sound_month_keeps_the_model() -> None:
    assert verdict(month()) == Verdict("keep", "no limit is broken", 100)


def test_an_auc_below_the_limit_retrains_and_tells_the_numbers() -> None:
    decided = verdict(month(window_auc=0.65, window_auc_low=0.6, window_auc_high=0.7))
    assert decided.action == "retrain"
    assert decided.reason == (
        "AUC 0.6500 [0.6000, 0.7000] < 0.7 on 500 matured live loans up to 2024-09-01"
    )


def test_an_auc_of_exactly_the_limit_keeps_the_model() -> None:
    assert verdict(month(window_auc=0.70)).action == "keep"
    assert verdict(month(window_auc=0.6999)).action == "retrain"


def test_a_psi_of_exactly_the_limit_retrains() -> None:
    decided = verdict(month(window_psi=0.20))
    assert decided.action == "retrain"
    assert decided.reason == "PSI 0.2000 >= 0.2 on 900 live loans up to 2024-09-01"
    assert verdict(month(window_psi=0.1999)).action == "keep"


def test_both_breaches_are_told() -> None:
    decided = verdict(month(window_auc=0.6, window_psi=0.3))
    assert decided.reason.startswith("AUC 0.6000")
    assert "; PSI 0.3000" in decided.reason


def test_an_auc_on_too_few_matured_loans_does_not_count() -> None:
    assert verdict(month(window_auc=0.5, window_n_matured=299)).action == "keep"
    assert verdict(month(window_auc=0.5, window_n_matured=300)).action == "retrain"


def test_a_psi_on_too_few_scored_loans_does_not_count() -> None:
    assert verdict(month(window_psi=0.9, window_n=299)).action == "keep"
    assert verdict(month(window_psi=0.9, window_n=300)).action == "retrain"


def test_each_limit_looks_at_its_newest_month_with_enough_loans() -> None:
    poor = month("2024-08-01", window_auc=0.5, window_psi=0.9)
    recovered = month("2024-09-01")
    assert breaches(pd.DataFrame([recovered, poor]), **LIMITS) == []
    unripe = month("2024-09-01", window_n_matured=10, window_auc=0.99)
    assert [b[:3] for b in breaches(pd.DataFrame([poor, unripe]), **LIMITS)] == ["AUC"]


@pytest.mark.parametrize("sample", ["test", "unseen"])
def test_only_live_loans_can_break_a_limit(sample: str) -> None:
    assert verdict(month(sample=sample, window_auc=0.5, window_psi=0.9)).action == "keep"


def test_only_the_current_generation_is_judged() -> None:
    old, new = month(window_auc=0.5, n_new_labels=2), month(generation=2, n_new_labels=40)
    assert verdict(old, new, generation=2) == Verdict("keep", "no limit is broken", 42)


def test_without_a_newly_matured_label_there_is_no_retrain() -> None:
    tested = month("2023-12-01", sample="test", n_new_labels=0)
    blind = month(n_new_labels=0, window_n_matured=0, window_auc=None, window_psi=0.5)
    decided = verdict(tested, blind)
    assert (decided.action, decided.newly_matured_labels) == ("keep", 0)
    assert decided.reason.endswith("but no label has matured since")


def test_before_the_first_live_loan_the_model_is_kept() -> None:
    assert verdict(month(sample="test")).reason == "no live loan has been scored yet"
