"""A challenger and the champion are compared loan by loan, and chance is told apart."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from luigi_tasks.models.comparison import compare, paired_delong


def drawn(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, and two scores of the same quality that share half of what they know."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=n)
    labels = (risk + rng.normal(size=n) > 0.8).astype(float)
    shared = risk + rng.normal(size=n)
    return labels, *(1 / (1 + np.exp(-(shared + rng.normal(size=n)))) for _ in range(2))


def test_the_aucs_are_those_of_scikit_learn() -> None:
    labels, old, new = drawn(1)
    found = paired_delong(labels, old, new)
    assert found["champion_auc"] == pytest.approx(roc_auc_score(labels, old))
    assert found["challenger_auc"] == pytest.approx(roc_auc_score(labels, new))
    assert found["difference"] == found["challenger_auc"] - found["champion_auc"]


def test_the_interval_is_about_that_of_a_bootstrap_over_loans() -> None:
    labels, old, new = drawn(2)
    found = paired_delong(labels, old, new)
    rng = np.random.default_rng(0)
    differences = []
    for _ in range(400):
        rows = rng.integers(len(labels), size=len(labels))
        aucs = [roc_auc_score(labels[rows], scores[rows]) for scores in (old, new)]
        differences.append(aucs[1] - aucs[0])
    width = found["difference_high"] - found["difference_low"]
    assert width == pytest.approx(2 * 1.96 * np.std(differences), rel=0.15)


def test_two_models_of_one_quality_differ_beyond_chance_about_once_in_twenty() -> None:
    rejected = sum(paired_delong(*drawn(seed))["p_value"] < 0.05 for seed in range(300))
    assert 5 <= rejected <= 28  # 15 expected


def test_a_model_against_itself_differs_by_nothing() -> None:
    labels, old, _ = drawn(3)
    found = paired_delong(labels, old, old)
    assert (found["difference"], found["p_value"]) == (0, 1)
    assert (found["difference_low"], found["difference_high"]) == (0, 0)


def test_the_swap_set_holds_the_loans_that_only_one_of_both_approves() -> None:
    labels = [1, 0, 0, 1, 0]
    found = compare(labels, [0.9, 0.8, 0.1, 0.2, 0.1], [0.1, 0.2, 0.9, 0.2, 0.1], 0.5)
    assert (found.swapped_in.loans, found.swapped_in.default_rate) == (2, 0.5)
    assert (found.swapped_out.loans, found.swapped_out.default_rate) == (1, 0.0)
    assert (found.champion_approval_rate, found.challenger_approval_rate) == (0.6, 0.8)
    assert found.champion_gap == pytest.approx(0.42 - 0.4)


@pytest.mark.parametrize("labels", [[], [0, 0, 0]])
def test_loans_of_one_class_or_none_tell_no_auc(labels: list[int]) -> None:
    scores = [0.1, 0.2, 0.3][: len(labels)]
    found = compare(labels, scores, scores, 0.5)
    assert (found.loans, found.difference) == (len(labels), None)
