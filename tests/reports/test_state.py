"""The line of plain words above the dashboards says the worst first."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from conftest import day

from luigi_tasks.reports.state import Finding, champion_state, findings, state_in_words

INCIDENT = {
    "is_open": True,
    "features": ["fe_1_mean"],
    "words": "incident since Oct 2024: feature_clickstream has no rows for new loans",
}


def live_month(**changed: Any) -> dict[str, Any]:
    return {
        "month": day("2024-10-01"),
        "sample": "live",
        "window_performing_psi": 0.02,
        "window_performing_psi_chance_limit": 0.05,
        "window_performing_psi_level": "none",
        "window_performing_auc": 0.8,
        "window_performing_auc_low": 0.75,
        "window_performing_auc_high": 0.85,
        "window_performing_calibration_gap": -0.01,
        "window_performing_calibration_z": -5.0,
        **changed,
    }


def feature(name: str, csi: float, level: str) -> dict[str, Any]:
    month = {"month": day("2024-10-01"), "sample": "live"}
    return {**month, "feature": name, "csi": csi, "level": level}


def words(
    months: list[dict[str, Any]],
    incidents: list[dict[str, Any]] = [],  # noqa: B006 (is not changed)
    features: list[dict[str, Any]] = [],  # noqa: B006 (is not changed)
) -> str:
    found = findings(
        pd.DataFrame(months),
        pd.DataFrame(incidents, columns=["is_open", "features", "words"]),
        pd.DataFrame(features or [feature("Age", 0.01, "none")]),
        min_auc=0.7,
        max_calibration_gap=0.05,
    )
    return state_in_words(found)


def test_without_trouble_it_says_so() -> None:
    assert words([live_month()]) == "no incident, no drift beyond chance"


def test_an_open_incident_comes_first_and_its_features_are_not_told_again() -> None:
    told = words(
        [live_month(window_performing_psi_level="critical", window_performing_psi=0.31)],
        [INCIDENT],
        [feature("fe_1_mean", 9.0, "critical"), feature("Age", 0.3, "critical")],
    )
    assert " ".join(told.split()) == (
        "incident since Oct 2024: feature_clickstream has no rows for new loans; critical drift of "
        "the score up to Oct 2024: PSI 0.31, chance gives up to 0.05; 1 feature has drifted in Oct "
        "2024: Age (CSI 0.30)"
    )


def test_a_closed_incident_is_no_news() -> None:
    told = words([live_month()], [{**INCIDENT, "is_open": False}])
    assert told == "no incident, no drift beyond chance"


def test_the_worst_of_several_drifted_features_is_named() -> None:
    told = words([live_month()], [], [feature("Age", 0.12, "watch"), feature("DTI", 0.2, "watch")])
    assert told == "2 features have drifted in Oct 2024: most of all DTI (CSI 0.20)"


def test_an_auc_is_told_when_all_of_its_interval_is_below_the_limit() -> None:
    below = {"window_performing_auc": 0.66, "window_performing_auc_low": 0.63}
    assert words([live_month(**below, window_performing_auc_high=0.69)]) == (
        "AUC 0.66 [0.63, 0.69] up to Oct 2024 is below 0.7"
    )
    perhaps = words([live_month(**below, window_performing_auc_high=0.71)])
    assert perhaps == "no incident, no drift beyond chance"


def test_scores_that_are_too_low_beyond_chance_are_told() -> None:
    gap = {"window_performing_calibration_gap": -0.12}
    assert words([live_month(**gap)]) == "scores are 0.12 too low up to Oct 2024"
    perhaps = words([live_month(**gap, window_performing_calibration_z=-3.0)])
    assert perhaps == "no incident, no drift beyond chance"


def test_before_the_first_live_month_it_says_that() -> None:
    assert words([live_month(sample="test")]) == "no live loan has been scored yet"


def test_two_lines_are_broken_between_two_things() -> None:
    told = words([live_month(window_performing_psi_level="critical")], [INCIDENT])
    assert told.splitlines()[0] == f"{INCIDENT['words']};"


def test_many_words_are_cut_after_two_lines() -> None:
    lines = words([live_month()], [INCIDENT] * 9).splitlines()
    assert len(lines) == 2
    assert lines[1].endswith(" …")


@pytest.mark.parametrize(
    ("about", "decided", "state"),
    [
        ([], None, "ok"),
        (["no live loan"], "ok", "ok"),
        (["features"], "ok", "watch"),
        ([], "watch", "watch"),
        (["auc"], "waiting", "retrain"),
        ([], "retrain", "retrain"),
        (["incident", "auc"], "retrain", "incident"),
        ([], "incident", "ok"),  # it was closed since
    ],
)
def test_the_state_in_a_word_is_the_worst_of_what_is_seen_and_what_was_decided(
    about: list[Any], decided: str | None, state: str
) -> None:
    assert champion_state([Finding(each, "words") for each in about], decided) == state
