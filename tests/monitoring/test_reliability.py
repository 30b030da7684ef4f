"""Loans are held against their scores by decile of the score and by grade of the master scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from luigi_tasks.monitoring.calibration import GRADES, RELIABILITY, rating_grades, reliability
from luigi_tasks.monitoring.populations import populations

BOUNDS = [0.1, 0.2, 0.5]


def loans(scores: Any, labels: Any, **values: Any) -> pd.DataFrame:
    """Scored loans; a label of None has not matured."""
    sound = {
        "generation": 1,
        "delinquent": False,
        "prediction_proba": np.asarray(scores, dtype=float),
        "actual_label": pd.Series(labels, dtype="float64"),
    }
    return pd.DataFrame({**sound, **values})


def of_all(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["population"] == "all"].reset_index(drop=True)


def grades(*args: Any, **values: Any) -> pd.DataFrame:
    return of_all(rating_grades(loans(*args, **values), BOUNDS)).set_index("grade")


def test_performing_loans_are_those_that_are_not_delinquent() -> None:
    found = populations(loans([0.1, 0.2], [0, 1], delinquent=[True, False]))
    assert {name: rows["prediction_proba"].tolist() for name, rows in found.items()} == {
        "all": [0.1, 0.2],
        "performing": [0.2],
    }


def test_every_decile_has_its_mean_score_and_its_default_rate_with_an_interval() -> None:
    scores = (np.arange(100) + 0.5) / 100
    labels = np.arange(100) % 10 < 3
    table = of_all(reliability(loans(scores, labels)))
    assert table["group"].tolist() == list(range(1, 11))
    assert table["n"].tolist() == [10] * 10
    assert table["mean_score"].tolist() == pytest.approx(list(np.arange(10) / 10 + 0.05))
    assert table["default_rate"].tolist() == [0.3] * 10
    assert table["low"].tolist() == pytest.approx([beta.ppf(0.025, 3.5, 7.5)] * 10)
    assert table["high"].tolist() == pytest.approx([beta.ppf(0.975, 3.5, 7.5)] * 10)


def test_only_matured_loans_are_in_a_decile() -> None:
    both = loans([0.1, 0.2, 0.9], [0, 1, None])
    matured = loans([0.1, 0.2], [0, 1])
    pd.testing.assert_frame_equal(reliability(both), reliability(matured))


def test_equal_scores_share_a_decile() -> None:
    table = of_all(reliability(loans([0.3] * 50, [0, 1] * 25)))
    assert table[["group", "n"]].to_numpy().tolist() == [[1, 50]]


def test_generations_and_populations_are_apart() -> None:
    book = loans([0.1, 0.3, 0.6], [0, 1, 1], generation=[1, 2, 2], delinquent=[True, True, False])
    keys = ["generation", "population"]
    apart = [(1, "all"), (2, "all"), (2, "performing")]
    for table in (reliability(book), rating_grades(book, BOUNDS)):
        assert list(table.groupby(keys).groups) == apart


def test_a_score_at_a_bound_is_of_the_grade_above_it() -> None:
    table = grades([0.0, 0.099, 0.1, 0.2, 0.5, 1.0], [0] * 6)
    assert table["n"].tolist() == [2, 1, 1, 2]
    assert table["pd_from"].tolist() == [0, *BOUNDS]
    assert table["pd_to"].tolist() == [*BOUNDS, 1]


def test_a_grade_counts_all_loans_and_is_judged_on_matured_ones() -> None:
    table = grades([0.12, 0.16, 0.19], [0, 1, None])
    row = table.loc[2]
    assert (row["n"], row["n_matured"], row["default_rate"]) == (3, 2, 0.5)
    assert row["mean_score"] == pytest.approx(0.14)


def test_a_grade_without_a_matured_loan_says_nothing() -> None:
    table = grades([0.05, 0.6], [0, None])
    for grade in (2, 4):
        row = table.loc[grade]
        assert row["n_matured"] == 0
        assert row[["mean_score", "default_rate", "low", "high", "is_in_line"]].isna().all()
    assert table["n"].tolist() == [1, 0, 0, 1]


def test_a_grade_is_in_line_when_its_mean_score_lies_in_the_interval() -> None:
    scores = [0.15] * 200
    assert grades(scores, [1] * 30 + [0] * 170).loc[2, "is_in_line"]
    assert not grades(scores, [1] * 60 + [0] * 140).loc[2, "is_in_line"]
    assert not grades(scores, [1] * 5 + [0] * 195).loc[2, "is_in_line"]


def test_without_a_loan_the_tables_are_empty_and_keep_their_types() -> None:
    nothing = loans([], [])
    for made, columns in (
        (reliability(nothing), RELIABILITY),
        (reliability(loans([0.1], [None])), RELIABILITY),
        (rating_grades(nothing, BOUNDS), GRADES),
    ):
        assert made.empty
        assert {name: str(kind) for name, kind in made.dtypes.items()} == columns
