"""A month of the monitoring rests on the loans that it tells of, and on no others."""

from __future__ import annotations

import datetime as dt

from test_monitoring import MODEL

from luigi_tasks.core.tables import ONE_PART
from luigi_tasks.monitoring.months import Months, parts_by_month, recipe_of


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


JANUARY, MARCH, APRIL, MAY = map(day, ("2024-01-01", "2024-03-01", "2024-04-01", "2024-05-01"))
# Live loans of May only; nobody borrowed in a February.
BOOK = Months(
    of={(1, "unseen"): {JANUARY, MARCH, APRIL}, (1, "live"): {APRIL, MAY}},
    parts={JANUARY: {"2023-10"}, MARCH: {"2023-12"}, APRIL: {"2024-01"}, MAY: {"2024-02"}},
)
SOURCES = {"gold": {part: part for part in ("2023-10", "2023-12", "2024-01", "2024-02")}}


def test_a_month_rests_on_the_newest_months_with_loans_of_the_same_kind() -> None:
    parts = parts_by_month(BOOK, 1, [], 2, by_month=True)
    assert {name: part.rests_on for name, part in parts.items()} == {
        "2024-01": {JANUARY},
        "2024-03": {JANUARY, MARCH},
        "2024-04": {MARCH, APRIL},
        "2024-05": {APRIL, MAY},
    }


def test_a_decision_day_rests_on_all_live_loans_up_to_it_and_follows_the_newest_month() -> None:
    days = [day("2024-05-01"), day("2024-06-01")]
    parts = parts_by_month(BOOK, 1, days, 1, by_month=True)
    assert {name: part.days for name, part in parts.items() if part.days} == {"2024-05": days}
    assert parts["2024-05"].rests_on == {APRIL, MAY}
    assert parts["2024-04"].rests_on == {APRIL}


def test_a_decision_day_before_the_first_loan_has_nothing_to_tell() -> None:
    parts = parts_by_month(BOOK, 1, [day("2023-12-01")], 1, by_month=True)
    assert not any(part.days for part in parts.values())


def test_what_is_not_kept_by_month_has_one_part_with_all_months() -> None:
    parts = parts_by_month(BOOK, 1, [MAY], 1, by_month=False)
    assert list(parts) == [ONE_PART]
    assert parts[ONE_PART].months == parts[ONE_PART].rests_on == {JANUARY, MARCH, APRIL, MAY}


def test_another_file_changes_the_recipes_of_the_months_that_rest_on_it_and_no_other() -> None:
    parts = parts_by_month(BOOK, 1, [MAY], 2, by_month=True)

    def recipes(**changed: str) -> dict[str, object]:
        sources = {"gold": SOURCES["gold"] | {"2023-12": changed.get("march", "2023-12")}}
        return {n: recipe_of(part, BOOK, sources, {1: MODEL}, 1) for n, part in parts.items()}

    before, after = recipes(), recipes(march="another")
    assert {name for name in before if before[name] != after[name]} == {"2024-03", "2024-04"}
