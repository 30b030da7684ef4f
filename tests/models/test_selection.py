"""The champion is the model with the highest out-of-time AUC; a tie stays with the incumbent."""

from __future__ import annotations

import numpy as np
import pandas as pd

from luigi_tasks.models.selection import choose_champion, measure_splits


def test_the_highest_auc_wins() -> None:
    assert choose_champion({"forest": 0.81, "boosting": 0.83, "logistic": 0.80}) == "boosting"


def test_an_incumbent_that_is_better_stays() -> None:
    assert choose_champion({"forest": 0.81, "generation_1": 0.82}, "generation_1") == (
        "generation_1"
    )


def test_a_tie_stays_with_the_incumbent_wherever_it_is_named() -> None:
    for aucs in (
        {"forest": 0.81, "generation_1": 0.81},
        {"generation_1": 0.81, "forest": 0.81},
    ):
        assert choose_champion(aucs, "generation_1") == "generation_1"


def test_the_smallest_lead_beats_the_incumbent() -> None:
    aucs = {"forest": float(np.nextafter(0.81, 1)), "generation_1": 0.81}
    assert choose_champion(aucs, "generation_1") == "forest"


def test_between_candidates_a_tie_goes_to_the_one_named_first() -> None:
    assert choose_champion({"logistic": 0.8, "forest": 0.8}) == "logistic"
    assert choose_champion({"forest": 0.8, "logistic": 0.8}) == "forest"


def test_a_model_without_an_auc_loses_to_any_with_one() -> None:
    assert choose_champion({"forest": None, "logistic": 0.4}) == "logistic"
    assert choose_champion({"forest": None, "generation_1": None}, "generation_1") == (
        "generation_1"
    )


def test_each_model_is_measured_on_training_and_on_held_out_rows_apart() -> None:
    labels, splits = pd.Series([0, 1, 0, 1]), pd.Series(["train", "train", "test", "test"])
    metrics = measure_splits({"forest": [0.1, 0.9, 0.9, 0.1]}, labels, splits, threshold=0.5)
    assert metrics["forest"]["train"]["auc"] == 1
    assert metrics["forest"]["test"]["auc"] == 0
