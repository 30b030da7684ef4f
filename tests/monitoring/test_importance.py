"""How much worse a model orders loans when one feature is shuffled among them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from loan_book import FEATURES, fitted, training_frame
from running import Project
from sklearn.metrics import roc_auc_score

from luigi_tasks.models.loan_model import LoanModel
from luigi_tasks.monitoring.importance import COLUMNS, MOST_LOANS, feature_importance, sampled

FRAME = training_frame().assign(hist_total_due=5.0)
# The label follows the occupation, and a little the age.
LABELS = ((FRAME["Occupation"] == "Lawyer") | (FRAME["Age"] > 70)).astype(int)
STUMP = {"class": "sklearn.tree.DecisionTreeClassifier", "max_depth": 1}
LOGISTIC = {"class": "sklearn.linear_model.LogisticRegression"}


def model() -> LoanModel:
    learnt = FRAME.assign(label=LABELS)
    return LoanModel([fitted(learnt, STUMP), fitted(learnt, LOGISTIC)])


def test_the_feature_that_decides_is_needed_most_and_a_constant_one_not_at_all() -> None:
    table = feature_importance(3, model(), FRAME[FEATURES], LABELS).set_index("feature")
    assert list(table.index[:2]) == ["Occupation", "Age"]
    assert table.loc["Occupation", "auc_drop"] > 0.2
    assert table.loc["hist_total_due", "auc_drop"] == 0
    assert table.loc["hist_total_due", "auc_drop_std"] == 0
    assert sorted(table.index) == sorted(FEATURES)
    assert set(table["generation"]) == {3}
    assert set(table["n"]) == {len(FRAME)}
    assert set(table["n_defaults"]) == {LABELS.sum()}


def test_a_drop_is_that_of_the_whole_model_on_loans_whose_feature_was_exchanged() -> None:
    voted, drops = model(), []
    table = feature_importance(1, voted, FRAME[FEATURES], LABELS).set_index("feature")
    before = roc_auc_score(LABELS, voted.predict_proba(FRAME[FEATURES])[:, 1])
    assert table.loc["Occupation", "auc"] == pytest.approx(before)
    for seed in range(200):
        order = np.random.default_rng(seed).permutation(len(FRAME))
        mixed = FRAME[FEATURES].assign(Occupation=FRAME["Occupation"].to_numpy()[order])
        drops.append(before - roc_auc_score(LABELS, voted.predict_proba(mixed)[:, 1]))
    error = 4 * np.std(drops) / np.sqrt(5)
    assert table.loc["Occupation", "auc_drop"] == pytest.approx(np.mean(drops), abs=error)
    assert 0 < table.loc["Occupation", "auc_drop_std"] < 3 * np.std(drops)


def test_the_same_loans_give_the_same_table() -> None:
    first, second = (feature_importance(1, model(), FRAME[FEATURES], LABELS) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("loans", [FRAME[:0], FRAME[:5]], ids=["none", "of one class"])
def test_loans_without_an_auc_give_an_empty_table(loans: pd.DataFrame) -> None:
    table = feature_importance(1, model(), loans[FEATURES], np.zeros(len(loans)))
    assert list(table) == list(COLUMNS)
    assert table.empty


def test_of_many_loans_some_are_taken_at_equal_steps() -> None:
    many = pd.DataFrame({"loan": range(2 * MOST_LOANS + 1)})
    taken = sampled(many)
    assert len(taken) == MOST_LOANS
    assert set(np.diff(taken["loan"])) <= {2, 3}
    assert len(sampled(many[:10])) == 10


def test_a_run_tries_the_champion_on_performing_loans_that_it_was_not_fitted_on(
    finished: Project,
) -> None:
    gold = finished.path / "datamart/gold"
    table = pd.read_parquet(gold / "feature_importance.parquet")
    said = pd.read_parquet(gold / "model_predictions.parquet")
    judged = said[~said["sample"].isin(["train", "left_out"]) & ~said["delinquent"]]
    judged = judged[judged["actual_label"].notna()]
    assert set(table["n"]) == {len(judged)}
    area = roc_auc_score(judged["actual_label"].astype(int), judged["prediction_proba"])
    assert table["auc"].to_numpy() == pytest.approx(area)
    assert table["auc_drop"].is_monotonic_decreasing
    assert table["auc_drop"].iloc[0] > 0.005


def test_before_a_label_has_matured_out_of_time_the_table_is_empty(project: Project) -> None:
    done = project.luigi("FeatureImportance", "--as-of", "2024-06-01")
    assert done.returncode == 0, done.stderr
    log = (project.path / "logs" / "luigi.log").read_text()
    assert "no out-of-time loans to try generation 1 on" in log
    table = pd.read_parquet(
        project.path / "datamart/gold/as_of=2024-06-01/feature_importance.parquet"
    )
    assert list(table) == list(COLUMNS)
    assert table.empty
