"""A month is scored by the model of its time, and every loan knows what it was to that model."""

from __future__ import annotations

import pandas as pd
from conftest import day

from luigi_tasks.generations.registry import FIRST, Reign
from luigi_tasks.models.scored_loans import generation_of, months_of, sample_of

REIGNS = [
    FIRST,
    Reign(day("2024-09-01"), 2),
    Reign(day("2024-11-15"), 3),
    Reign(day("2025-03-01"), 1),
]


def scored_by(*months: str) -> list[int]:
    return generation_of(pd.Series([day(m) for m in months]), REIGNS).tolist()


def test_a_month_is_its_first_day() -> None:
    found = months_of(pd.Series([day("2024-02-29"), day("2024-03-01")]))
    assert found.tolist() == [day("2024-02-01"), day("2024-03-01")]


def test_a_month_is_scored_by_the_champion_on_the_day_before_it_begins() -> None:
    assert scored_by("2024-08-01", "2024-10-01", "2025-01-01", "2025-04-01") == [1, 2, 3, 1]


def test_months_before_the_first_model_are_scored_by_the_first() -> None:
    assert scored_by("2022-01-01", "2024-03-01", "2024-04-01") == [1, 1, 1]


def test_a_month_that_begins_on_the_day_of_a_promotion_stays_with_the_model_before() -> None:
    assert scored_by("2024-09-01") == [1]


def test_a_month_in_which_a_promotion_falls_stays_with_the_model_before() -> None:
    assert scored_by("2024-11-01", "2024-12-01") == [2, 3]


def test_a_later_champion_does_not_rewrite_the_months_of_an_earlier_one() -> None:
    months = pd.Series([day(f"2024-{m:02}-01") for m in range(1, 13)])
    before, after = generation_of(months, REIGNS[:2]), generation_of(months, REIGNS[:3])
    until = months < REIGNS[2].since
    assert after[until].tolist() == before[until].tolist()
    assert after[11] == 3


def test_a_loan_is_train_unseen_or_live_to_its_model() -> None:
    loans = pd.Series(["FITTED", "LEFT_OUT", "TOO_YOUNG", "ON_THE_DAY", "NEXT_MONTH"])
    months = pd.Series(
        [day(m) for m in ("2023-05-01", "2023-11-01", "2024-02-01", "2024-03-01", "2024-04-01")]
    )
    known = pd.Series({"FITTED": "train", "LEFT_OUT": "left_out", "ANOTHER": "train"})
    assert sample_of(loans, months, day("2024-03-01"), known).tolist() == [
        "train",
        "left_out",
        "unseen",
        "unseen",
        "live",
    ]


def test_the_samples_keep_the_rows_that_they_belong_to() -> None:
    loans = pd.Series(["B", "A"], index=[7, 3])
    months = pd.Series([day("2024-04-01"), day("2023-01-01")], index=[7, 3])
    found = sample_of(loans, months, day("2024-03-01"), pd.Series({"A": "train"}))
    assert found.to_dict() == {7: "live", 3: "train"}
