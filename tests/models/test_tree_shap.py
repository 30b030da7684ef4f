"""TreeSHAP of all loans at once: the values of the definition, and those of `shap`."""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pytest
import shap
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier

from luigi_tasks.models import tree_shap as module
from luigi_tasks.models.tree_shap import tree_shap

RANDOM = np.random.default_rng(11)
PREPARED = RANDOM.standard_normal((300, 5)).round(1)
LABELS = (PREPARED[:, 0] * PREPARED[:, 1] + PREPARED[:, 2] + RANDOM.standard_normal(300)) > 0.5
CLASSIFIERS = [
    DecisionTreeClassifier(max_depth=1),
    DecisionTreeClassifier(),
    RandomForestClassifier(10, max_depth=4, random_state=1),
    RandomForestClassifier(5, random_state=1, class_weight="balanced"),
    ExtraTreesClassifier(5, random_state=1),
    GradientBoostingClassifier(n_estimators=10),
    HistGradientBoostingClassifier(max_iter=20, min_samples_leaf=5),
]


def explainer_of(classifier: Any) -> Any:
    return shap.TreeExplainer(classifier, feature_perturbation="tree_path_dependent")


def expected(tree: Any, row: np.ndarray, known: set[int], node: int = 0) -> float:
    """The probability of a loan of which some columns are known, as path-dependent SHAP has it."""
    left, right, column = tree.children_left[node], tree.children_right[node], tree.feature[node]
    if left < 0:
        return float(tree.value[node][0, -1])
    if column in known:
        child = left if np.float32(row[column]) <= tree.threshold[node] else right
        return expected(tree, row, known, child)
    reached = tree.weighted_n_node_samples
    ways = [reached[child] * expected(tree, row, known, child) for child in (left, right)]
    return float(sum(ways) / reached[node])


@pytest.mark.parametrize("depth", [1, 2, 3, 8])
def test_the_values_are_those_of_the_definition(depth: int) -> None:
    classifier = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(PREPARED, LABELS)
    found = tree_shap(explainer_of(classifier).model, PREPARED[:8])
    players = range(PREPARED.shape[1])
    for row, values in zip(PREPARED, found, strict=False):
        for player in players:
            others = [other for other in players if other != player]
            value = 0.0
            for size in range(len(others) + 1):
                for known in map(set, combinations(others, size)):
                    with_it = expected(classifier.tree_, row, known | {player})
                    gain = with_it - expected(classifier.tree_, row, known)
                    value += gain / comb(len(others), size) / len(players)
            assert values[player] == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=lambda one: type(one).__name__)
def test_the_values_are_those_of_shap(classifier: Any) -> None:
    explainer = explainer_of(classifier.fit(PREPARED, LABELS))
    theirs = explainer.shap_values(PREPARED)
    theirs = theirs[:, :, -1] if theirs.ndim == 3 else theirs
    assert tree_shap(explainer.model, PREPARED) == pytest.approx(theirs, abs=1e-9)


def test_a_tree_without_a_split_adds_nothing() -> None:
    classifier = RandomForestClassifier(2, max_depth=1, min_samples_split=400)
    explainer = explainer_of(classifier.fit(PREPARED, LABELS))
    assert not tree_shap(explainer.model, PREPARED).any()


def test_loans_are_explained_alike_in_one_block_or_several(monkeypatch: pytest.MonkeyPatch) -> None:
    trees = explainer_of(CLASSIFIERS[2].fit(PREPARED, LABELS)).model
    together = tree_shap(trees, PREPARED)
    monkeypatch.setattr(module, "_BLOCK", 7)
    assert tree_shap(trees, PREPARED) == pytest.approx(together, abs=1e-12)
