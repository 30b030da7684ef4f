"""What the predictions of a vintage rest on, and what leaves them as they are."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import day

from luigi_tasks.generations.registry import FIRST, Reign
from luigi_tasks.generations.releases import Batch
from luigi_tasks.models.prediction_parts import Days, recipe_of

# Loans of August, whose last label matures in February.
AUGUST = Days(day("2024-11-01"), day("2024-11-30"), day("2025-02-28"))
REIGNS = [FIRST, Reign(day("2024-12-01"), 2)]
MODELS = {1: ["model 1"], 2: ["model 2"]}


def recipe(as_of: str = "2025-03-01", **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "digest": "gold",
        "days": AUGUST,
        "as_of": day(as_of),
        "reigns": REIGNS,
        "models": MODELS,
        "published": [],
    }
    return recipe_of(**{**given, **changes})


def batch(until: str) -> Batch:
    return Batch(day(until), 1, 0, f"scores until {until}")


def test_the_day_counts_until_the_last_label_has_matured() -> None:
    assert recipe("2025-02-28") == recipe("2025-03-01")
    assert recipe("2025-02-27") != recipe("2025-02-26")


@pytest.mark.parametrize("since", ["2024-12-01", "2024-11-30", "2024-11-01"])
def test_a_champion_of_later_months_leaves_them_as_they_are(since: str) -> None:
    assert recipe(reigns=[FIRST, Reign(day(since), 2)]) == recipe(reigns=[FIRST])


def test_the_champion_of_their_month_counts_with_its_model() -> None:
    by_second = [FIRST, Reign(day("2024-10-31"), 2)]
    assert recipe(reigns=by_second)["scored by"] == {"2": ["model 2"]}
    assert recipe(models={1: ["another"], 2: ["model 2"]}) != recipe()
    assert recipe(models={1: ["model 1"], 2: ["another"]}) == recipe()


def test_of_points_in_two_months_the_champions_of_both_count() -> None:
    days = Days(day("2024-11-15"), day("2024-12-15"), day("2025-02-28"))
    reigns = [FIRST, Reign(day("2024-11-20"), 2)]
    assert recipe(days=days, reigns=reigns)["scored by"] == {"1": ["model 1"], "2": ["model 2"]}


def test_published_scores_count_that_can_be_of_their_days() -> None:
    ends = ["2024-10-31", "2024-11-15", "2024-12-15", "2025-01-15"]
    found = recipe(published=[batch(end) for end in reversed(ends)])["published"]
    assert found == ["scores until 2024-11-15", "scores until 2024-12-15"]
