"""Governance retrains on a breach that is well decideded, once, and leaves a trail."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from conftest import day

from luigi_tasks.governance.decide import Verdict, breaches, decide

LIMITS: dict[str, Any] = {
    "population": "performing",
    "min_auc": 0.70,
    "max_psi": 0.20,
    "min_matured": 300,
    "min_scored": 300,
    "max_calibration_gap": 0.05,
    "min_new_labels": 100,
}
BREACH_LIMITS = {
    name: value
    for name, value in LIMITS.items()
    if name not in ("max_calibration_gap", "min_new_labels")
}
BAD_AUC = {"window_auc": 0.5, "window_auc_low": 0.45, "window_auc_high": 0.55, "auc": 0.5}
BAD_PSI = {"window_psi": 0.9, "psi": 0.9, "window_psi_level": "critical"}


def month(name: str = "2024-09-01", **values: Any) -> dict[str, Any]:
    """A month of monitoring that breaks no limit; `values` are those of performing loans."""
    key = {"month": day(name), "generation": 1, "sample": "live", "n_new_labels": 100}
    drift = {"drifted_features": 0, "csi_max_feature": "Age"}
    sound = {
        "auc": 0.85,
        "psi": 0.05,
        "window_n": 900,
        "window_n_matured": 500,
        "window_auc": 0.85,
        "window_auc_low": 0.80,
        "window_auc_high": 0.90,
        "window_psi": 0.05,
        "window_psi_chance_limit": 0.1,
        "window_psi_p_value": 1e-6,
        "window_psi_level": "none",
        "window_calibration_gap": 0.01,
        "window_calibration_z": 0.5,
    }
    of_loans = {name: values.pop(name, value) for name, value in sound.items()}
    renamed = {
        f"window_performing_{name.removeprefix('window_')}"
        if name.startswith("window_")
        else f"performing_{name}": value
        for name, value in of_loans.items()
    }
    # The whole book does well, whatever becomes of performing loans.
    return {**key, **drift, **sound, **renamed, **values}


def verdict(
    *months: dict[str, Any], generation: int = 1, incidents: tuple[str, ...] = (), **limits: Any
) -> Verdict:
    return decide(pd.DataFrame(months), incidents, generation, {**LIMITS, **limits})


# --- the decision -----------------------------------------------------------------------------


def test_a_sound_month_keeps_the_model() -> None:
    assert verdict(month()) == Verdict("keep", "ok", "no limit is broken", 100)


def test_an_auc_that_is_certainly_below_the_limit_retrains_and_tells_the_numbers() -> None:
    decided = verdict(month(**{**BAD_AUC, "window_auc_high": 0.6999}))
    assert (decided.action, decided.state) == ("retrain", "retrain")
    assert decided.reason == (
        "AUC 0.5000 [0.4500, 0.6999] < 0.7 on 500 matured performing live loans up to 2024-09-01"
    )


def test_an_auc_below_the_limit_that_may_be_chance_is_watched() -> None:
    decided = verdict(month(window_auc=0.68, window_auc_low=0.62, window_auc_high=0.74))
    assert (decided.action, decided.state) == ("keep", "watch")
    assert decided.reason.endswith("up to 2024-09-01, which may be chance")


def test_an_auc_of_exactly_the_limit_keeps_the_model() -> None:
    low = {"window_auc_low": 0.69, "window_auc_high": 0.7}
    assert verdict(month(window_auc=0.70, **low)).state == "ok"
    assert verdict(month(window_auc=0.6999, **low)).state == "watch"


def test_a_psi_from_the_limit_on_and_beyond_chance_retrains() -> None:
    decided = verdict(month(window_psi=0.20))
    assert decided.action == "retrain"
    assert decided.reason == (
        "PSI 0.2000 >= 0.2 (chance gives up to 0.1000) on 900 performing live loans up to "
        "2024-09-01"
    )
    assert verdict(month(window_psi=0.1999)).action == "keep"
    assert verdict(month(window_psi=0.25, window_psi_chance_limit=0.3)).state == "watch"
    assert verdict(month(window_psi=0.25, window_psi_p_value=0.01)).state == "watch"


def test_both_breaches_are_told() -> None:
    decided = verdict(month(**BAD_AUC, **BAD_PSI))
    assert decided.reason.startswith("AUC 0.5000")
    assert "; PSI 0.9000" in decided.reason


def test_performing_loans_are_judged_or_all_as_the_setting_says() -> None:
    poor = month(**BAD_AUC)
    assert verdict(poor).action == "retrain"
    assert verdict(poor, population="all").state == "ok"


def test_an_auc_on_too_few_matured_loans_does_not_count() -> None:
    assert verdict(month(**BAD_AUC, window_n_matured=299)).action == "keep"
    assert verdict(month(**BAD_AUC, window_n_matured=300)).action == "retrain"


def test_a_psi_on_too_few_scored_loans_does_not_count() -> None:
    assert verdict(month(**BAD_PSI, window_n=299)).action == "keep"
    assert verdict(month(**BAD_PSI, window_n=300)).action == "retrain"


def test_each_limit_looks_at_its_newest_month_with_enough_loans() -> None:
    poor = month("2024-08-01", **BAD_AUC, **BAD_PSI)
    recovered = month("2024-09-01")
    assert breaches(pd.DataFrame([recovered, poor]), **BREACH_LIMITS) == []
    unripe = month("2024-09-01", window_n_matured=10, window_auc=0.99)
    found = breaches(pd.DataFrame([poor, unripe]), **BREACH_LIMITS)
    assert [breach.sentence[:3] for breach in found] == ["AUC"]


@pytest.mark.parametrize("sample", ["test", "unseen"])
def test_only_live_loans_can_break_a_limit(sample: str) -> None:
    assert verdict(month(sample=sample, **BAD_AUC, **BAD_PSI)).action == "keep"


def test_only_the_current_generation_is_judged() -> None:
    old, new = month(**BAD_AUC, n_new_labels=2), month(generation=2, n_new_labels=40)
    assert verdict(old, new, generation=2) == Verdict("keep", "ok", "no limit is broken", 42)


def test_a_retrain_waits_until_enough_loans_from_after_the_break_have_matured() -> None:
    before = month("2024-07-01", n_new_labels=5_000)
    first = month("2024-08-01", **BAD_PSI, n_new_labels=60)
    second = month("2024-09-01", **BAD_PSI, n_new_labels=39)
    decided = verdict(before, first, second)
    assert (decided.action, decided.state) == ("keep", "waiting")
    assert decided.reason.endswith(
        "; waits for 100 matured loans from Aug 2024 on to learn from: now 99"
    )
    assert verdict(before, first, {**second, "n_new_labels": 40}).action == "retrain"


def test_a_break_is_as_old_as_the_months_that_break_the_limit_one_after_the_other() -> None:
    months = [
        month("2024-06-01", **BAD_PSI, n_new_labels=1_000),
        month("2024-07-01", n_new_labels=1_000),
        month("2024-08-01", **BAD_PSI, n_new_labels=10),
    ]
    assert verdict(*months).reason.endswith("from Aug 2024 on to learn from: now 10")


def test_months_whose_labels_have_not_matured_do_not_hide_since_when_the_auc_is_low() -> None:
    months = [
        month("2024-06-01", n_new_labels=1_000),
        month("2024-07-01", **BAD_AUC, n_new_labels=100),
        month("2024-08-01", **{**BAD_AUC, "auc": None}, n_new_labels=0),
    ]
    assert verdict(*months).action == "retrain"
    months[1]["n_new_labels"] = 99
    assert verdict(*months).reason.endswith("from Jul 2024 on to learn from: now 99")


def test_while_an_incident_is_open_there_is_no_retrain() -> None:
    words = "incident since Oct 2024: feature_clickstream has no rows for new loans"
    quiet = verdict(month(), incidents=(words,))
    assert (quiet.action, quiet.state, quiet.reason) == ("keep", "incident", words)
    loud = verdict(month(**BAD_PSI), incidents=(words,))
    assert (loud.action, loud.state) == ("keep", "incident")
    assert loud.reason.startswith(f"{words}; PSI 0.9000")
    assert loud.reason.endswith("; no retrain while an incident is open")


def test_features_that_have_drifted_are_watched_and_named() -> None:
    decided = verdict(month(drifted_features=3, csi_max_feature="Annual_Income"))
    assert (decided.action, decided.state) == ("keep", "watch")
    assert "3 features have drifted in Sep 2024, most of all Annual_Income" in decided.reason


def test_scores_that_are_too_low_beyond_chance_are_watched() -> None:
    decided = verdict(month(window_calibration_gap=-0.06, window_calibration_z=-5.8))
    assert decided.state == "watch"
    assert "scores are 0.060 too low (z = -5.8) up to 2024-09-01" in decided.reason
    assert verdict(month(window_calibration_gap=-0.06, window_calibration_z=-2.0)).state == "ok"
    assert verdict(month(window_calibration_gap=-0.04, window_calibration_z=-5.8)).state == "ok"


def test_before_the_first_live_loan_the_model_is_kept() -> None:
    assert verdict(month(sample="test")).reason == "no live loan has been scored yet"
