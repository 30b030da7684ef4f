"""Clickstream features compare a customer with everybody, over a fixed number of months."""

from __future__ import annotations

from statistics import stdev
from typing import Any

import pytest
from conftest import CLICKSTREAM, LOANS
from small_tables import Row, attributes, book, clicks, collected, gold_of, installments, silver

from luigi_tasks.layers.clickstream import clickstream_statistics, sums_by_day
from luigi_tasks.layers.prediction_points import prediction_points

LOAN_OF = {"CUS_1": "LOAN_1", "CUS_2": "LOAN_2"}


def statistics(*rows: Row, months: int = 12, start: str = "2023-01-01") -> dict[str, Row]:
    """The statistics of one loan each of CUS_1 and CUS_2, by customer."""
    loans = [
        row
        for customer, loan in LOAN_OF.items()
        for row in installments(loan=loan, customer=customer, start=start)
    ]
    tables = silver(**{LOANS: loans, CLICKSTREAM: rows})
    points = prediction_points(tables[LOANS], prediction_mob=3, overdue_threshold=0)
    feed = tables[CLICKSTREAM]
    found = clickstream_statistics(points, feed, sums_by_day(feed), months=months)
    by_loan = {row["loan_id"]: row for row in collected(found, "loan_id")}
    return {customer: by_loan[loan] for customer, loan in LOAN_OF.items()}


def both(on: str, first: int, second: int, **values: Any) -> list[Row]:
    return [clicks(on=on, fe_1=first, **values), clicks("CUS_2", on=on, fe_1=second, **values)]


def test_a_z_score_is_the_distance_from_everybody_in_standard_errors() -> None:
    rows = [*both("2022-11-01", 10, 20), *both("2022-12-01", 14, 40)]
    found = statistics(*rows)
    standard_error = stdev([10, 20, 14, 40]) / 2**0.5
    assert found["CUS_1"]["fe_1_z"] == pytest.approx((12 - 21) / standard_error)
    assert found["CUS_2"]["fe_1_z"] == pytest.approx((30 - 21) / standard_error)


def test_the_start_date_itself_and_what_lies_before_the_window_do_not_count() -> None:
    inside = [*both("2022-10-01", 1, 2), *both("2022-12-31", 3, 9)]
    outside = [*both("2022-09-30", 500, 2), *both("2023-01-01", 500, 2)]
    assert statistics(*inside, *outside, months=3) == statistics(*inside, months=3)
    assert statistics(*inside)["CUS_1"]["fe_snapshots"] == 2


def test_a_longer_history_changes_nothing() -> None:
    window = [row for month in range(7, 10) for row in both(f"2022-{month:02}-01", month, 5)]
    history = [row for month in range(1, 7) for row in both(f"2022-{month:02}-01", 90, -90)]
    short = statistics(*window, months=3, start="2022-10-01")
    assert short["CUS_1"]["fe_1_z"] is not None
    assert statistics(*window, *history, months=3, start="2022-10-01") == short


def test_a_feed_that_moves_for_everybody_moves_nobody() -> None:
    rows = [*both("2022-11-01", 10, 20), *both("2022-12-01", 14, 40)]
    moved = [{**row, "fe_1": 3 * row["fe_1"] + 700} for row in rows]
    before, after = statistics(*rows), statistics(*moved)
    for customer in LOAN_OF:
        assert after[customer]["fe_1_z"] == pytest.approx(before[customer]["fe_1_z"])


def test_a_customer_without_snapshots_has_none_and_covers_nothing() -> None:
    rows = [clicks(on="2022-11-01", fe_1=1), clicks(on="2022-12-01", fe_1=2)]
    absent = statistics(*rows)["CUS_2"]
    assert (absent["fe_1_z"], absent["fe_snapshots"], absent["fe_coverage"]) == (None, 0, 0)


def test_coverage_is_the_share_of_the_months_of_the_feed() -> None:
    rows = [
        *both("2022-10-01", 1, 2),
        *both("2022-11-01", 1, 2),
        clicks(on="2022-12-01"),
        clicks(on="2022-12-15"),
    ]
    found = statistics(*rows)
    assert (found["CUS_1"]["fe_snapshots"], found["CUS_1"]["fe_coverage"]) == (4, 1)
    assert (found["CUS_2"]["fe_snapshots"], found["CUS_2"]["fe_coverage"]) == (2, 2 / 3)


def test_a_window_without_any_snapshot_has_no_coverage_at_all() -> None:
    found = statistics(*both("2022-12-01", 1, 2), months=2, start="2023-06-01")["CUS_1"]
    assert (found["fe_1_z"], found["fe_snapshots"], found["fe_coverage"]) == (None, 0, None)


def test_where_everybody_has_the_same_value_nobody_deviates() -> None:
    big = [*both("2022-11-01", 999_983, 999_983), *both("2022-12-01", 999_983, 999_983)]
    assert {row["fe_1_z"] for row in statistics(*big).values()} == {None}


@pytest.mark.parametrize("second", [None, 7])
def test_a_window_with_one_value_or_none_has_no_z_score_beside_loans_that_have_one(
    second: int | None,
) -> None:
    later = [
        row
        for i in range(3)
        for row in installments(loan=f"LATER_{i}", customer=f"CUS_{i}", start="2023-02-01")
    ]
    early = [
        clicks("CUS_0", on="2022-12-01", fe_1=second),
        clicks("CUS_1", "2022-12-01", fe_1=None),
    ]
    rows = [*early, *(clicks(f"CUS_{i}", on="2023-01-15", fe_1=i) for i in range(3))]
    first = installments(loan="EARLY", customer="CUS_0", start="2023-01-01")
    tables = silver(**{LOANS: [*first, *later], CLICKSTREAM: rows})
    points = prediction_points(tables[LOANS], prediction_mob=3, overdue_threshold=0)
    feed = tables[CLICKSTREAM]
    found = collected(clickstream_statistics(points, feed, sums_by_day(feed), months=12), "loan_id")
    assert [row["fe_1_z"] is None for row in found] == [True, False, False, False]


@pytest.mark.parametrize("extreme", [1_000_000, -1_000_000])
def test_values_at_the_limit_of_the_contract_have_exact_statistics(extreme: int) -> None:
    rows = [*both("2022-11-01", extreme, -extreme), *both("2022-12-01", extreme, -extreme)]
    found = statistics(*rows)["CUS_1"]["fe_1_z"]
    spread = stdev([extreme, -extreme, extreme, -extreme])
    assert found == pytest.approx(extreme / (spread / 2**0.5))


def test_who_is_flagged_changes_no_feature_of_another_customer() -> None:
    other = {"customer": "CUS_2"}
    rows = [*both("2022-11-01", 10, 20), *both("2022-12-01", 14, 40)]
    tables = book(
        **{
            "features_attributes": [attributes(), attributes(**other)],
            LOANS: [*installments(), *installments(loan="LOAN_2", **other)],
            CLICKSTREAM: rows,
        }
    )
    flagged = {**tables, "features_attributes": [attributes(Age=-500), attributes(**other)]}
    before = [row for row in gold_of(tables) if row["loan_id"] == "LOAN_2"]
    assert gold_of(flagged) == before
    assert before[0]["fe_1_z"] is not None
