"""A model learns only from labels known on its train_until; the newest vintages compare models."""

from __future__ import annotations

import pandas as pd
import pytest
from conftest import day
from loan_book import FIRST, gold, training_frame

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.models.splits import (
    first_train_until,
    is_kept,
    matured_loans,
    origins_of,
)


def test_auto_is_the_first_day_on_which_twelve_vintages_have_matured() -> None:
    # the twelfth vintage is of December 2023, and known six months later
    assert first_train_until(gold(vintages=15)) == day("2024-06-01")


def test_auto_stays_the_same_when_later_vintages_arrive() -> None:
    assert first_train_until(gold(vintages=12)) == first_train_until(gold(vintages=20))


def test_auto_does_not_look_at_what_the_labels_are() -> None:
    book = gold()
    assert first_train_until(book.assign(label=1 - book["label"])) == first_train_until(book)


def test_auto_counts_matured_vintages_only() -> None:
    book = gold(vintages=12)
    book.loc[book["vintage"] == FIRST, "label_date"] = None
    with pytest.raises(PipelineError, match=r"train_until = auto needs 12 matured .* have 11"):
        first_train_until(book)


def test_a_training_frame_holds_the_labels_known_on_its_day_and_no_other() -> None:
    frame = matured_loans(gold(), day("2023-09-01"))
    assert sorted(set(frame["vintage"])) == [
        day("2023-01-01"),
        day("2023-02-01"),
        day("2023-03-01"),
    ]
    before = matured_loans(gold(), day("2023-08-31"))
    assert before["vintage"].max() == day("2023-02-01")


def test_perturbing_all_that_became_known_after_train_until_changes_nothing() -> None:
    until = day("2024-01-01")
    book = gold()
    later = book["label_date"] > until
    changed = book.copy()
    changed.loc[later, "label"] = 1 - changed.loc[later, "label"]
    changed.loc[later, ["Age", "hist_total_paid"]] = 99
    changed.loc[later, "Occupation"] = "Astronaut"
    assert later.any()
    pd.testing.assert_frame_equal(matured_loans(changed, until), matured_loans(book, until))
    pd.testing.assert_frame_equal(matured_loans(book[~later], until), matured_loans(book, until))


def test_the_order_of_gold_does_not_matter() -> None:
    shuffled = gold().sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(
        matured_loans(shuffled, day("2024-01-01")),
        matured_loans(gold(), day("2024-01-01")),
    )


def test_a_loan_whose_label_has_not_matured_is_no_training_row() -> None:
    book = gold()
    book.loc[0, ["label", "label_date"]] = None
    frame = matured_loans(book, day("2024-01-01"))
    assert "LOAN_00_00" not in set(frame["loan_id"])
    assert frame["label"].notna().all()


@pytest.mark.parametrize(
    ("book", "until"),
    [(gold(), "2023-06-30"), (gold().assign(label=0.0), "2024-06-01")],
    ids=["nothing matured", "one class"],
)
def test_without_loans_of_both_classes_there_is_no_training(book: pd.DataFrame, until: str) -> None:
    with pytest.raises(PipelineError, match=f"until {until} .* labels have matured"):
        matured_loans(book, day(until))


def test_each_of_the_newest_vintages_is_held_out_by_an_origin_of_its_own() -> None:
    frame = training_frame("2023-12-01", origins=2)  # six vintages have matured
    by_origin = {origin: sorted(set(rows["vintage"])) for origin, rows in frame.groupby("origin")}
    assert by_origin == {
        0: [day(f"2023-0{month}-01") for month in range(1, 5)],
        1: [day("2023-05-01")],
        2: [day("2023-06-01")],
    }


def test_origins_without_a_vintage_to_fit_on_name_the_setting() -> None:
    frame = matured_loans(gold(), day("2023-09-01"))
    with pytest.raises(PipelineError, match=r"training\.origins = 3 leaves no vintage to fit on"):
        origins_of(frame, 3)


def test_beyond_max_rows_every_vintage_and_label_keeps_its_share() -> None:
    frame = pd.DataFrame(
        {"vintage": ["a"] * 800 + ["b"] * 200, "label": ([1] + [0] * 3) * 250},
    )
    kept = is_kept(frame, 500, random_state=1)
    assert frame[kept].groupby(["vintage", "label"]).size().to_list() == [300, 100, 75, 25]
    assert kept.equals(is_kept(frame, 500, random_state=1))
    assert is_kept(frame, 1_000, random_state=1).all()
