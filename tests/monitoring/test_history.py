"""What was known on a decision day is what a run on that day would have found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import day
from test_monitoring import FLOOR, LIMITS, MODEL, NEWEST, loans

from luigi_tasks.generations.registry import decision_days
from luigi_tasks.monitoring.history import history
from luigi_tasks.monitoring.table import monitor
from luigi_tasks.monitoring.tally import tally

MONTHS = ["2024-12-01", "2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01"]
DAYS = decision_days(day("2024-11-30"), day("2025-08-15"))


def book(*, daily: bool) -> pd.DataFrame:
    """Live loans of five months whose labels mature over three months, in an order of their own."""
    rng = np.random.default_rng(1)
    parts = []
    for number, month in enumerate(MONTHS):
        start = pd.Timestamp(month)
        days = rng.integers(0, 28, 90) if daily else np.zeros(90, dtype=int)
        dates = [(start + pd.Timedelta(days=int(d))).date() for d in days]
        known = [(start + pd.DateOffset(months=3) + pd.Timedelta(days=int(d))).date() for d in days]
        part = loans(month, n=90, income=rng.normal(50 + 10 * number, 20, 90))
        parts.append(part.assign(prediction_date=dates, label_date=known))
    return pd.concat(parts, ignore_index=True).sample(frac=1, random_state=2)


def as_of(rows: pd.DataFrame, today: object) -> pd.DataFrame:
    """The same as a run on a day sees them."""
    known = rows[rows["prediction_date"] <= today]
    label = known["actual_label"].where(known["label_date"] <= today)
    return known.assign(actual_label=label)


@pytest.mark.parametrize("daily", [False, True])
def test_the_history_has_the_table_that_a_run_on_each_day_makes(daily: bool) -> None:
    rows = book(daily=daily)
    tallies = tally([rows[:200], rows[200:]], {1: MODEL}, NEWEST, FLOOR)
    found = history(tallies, 1, DAYS, window_months=3, **LIMITS)
    assert found
    for today in DAYS:
        seen = as_of(rows, today)
        of_day = tally([seen], {1: MODEL}, NEWEST, FLOOR)
        table, drift = monitor(of_day, window_months=3, **LIMITS)
        own = found[0][found[0]["known_on"] == today].drop(columns="known_on")
        own = own.drop(columns="n_new_labels").reset_index(drop=True)
        expected = table.drop(columns="n_new_labels")
        pd.testing.assert_frame_equal(own, expected, check_dtype=False, rtol=1e-12)
        newest = found[1][found[1]["known_on"] == today].drop(columns="known_on")
        if len(newest):
            expected = drift[drift["month"] == today].reset_index(drop=True)
            pd.testing.assert_frame_equal(newest.reset_index(drop=True), expected)


def test_before_the_first_live_loan_there_is_no_history() -> None:
    tallies = tally([book(daily=False)], {1: MODEL}, NEWEST, FLOOR)
    assert history(tallies, 1, DAYS[:0], window_months=3, **LIMITS) is None
    assert history(tallies, 2, DAYS, window_months=3, **LIMITS) is None
