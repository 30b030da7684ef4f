"""The four strongest reasons of a score, in codes that a customer can be told."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from loan_book import FEATURES, fitted, training_frame
from running import Project

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.models.explanations import Explainer
from luigi_tasks.models.feature_columns import NOT_FEATURES
from luigi_tasks.models.loan_model import LoanModel
from luigi_tasks.models.reason_codes import REASON_CODES, codes_by_feature, matches, page
from luigi_tasks.models.reasons import SCHEMA, Explained, fitted_on, reasons, strongest

CODES = {"Occupation": "R02", "Annual_Income": "R03", "Monthly_Inhand_Salary": "R03"}
CODES |= {"DTI": "R17", "Credit_Mix": "R12", "Interest_Rate": "R08"}


def top(**values: float) -> dict[str, float]:
    """{code: contribution} of one loan, the strongest first."""
    frame = pd.DataFrame([{**dict.fromkeys(CODES, 0.0), **values}])
    (row,) = strongest(frame, CODES).to_dict("records")
    pairs = [(row[f"reason_{i}"], row[f"contribution_{i}"]) for i in range(1, 5)]
    return {code: value for code, value in pairs if code is not None}


def test_the_four_strongest_reasons_come_strongest_first() -> None:
    found = top(Occupation=0.1, Annual_Income=0.4, DTI=0.2, Credit_Mix=0.05, Interest_Rate=0.3)
    assert list(found.items()) == [("R03", 0.4), ("R08", 0.3), ("R17", 0.2), ("R02", 0.1)]


def test_what_lowers_a_score_is_no_reason_for_it() -> None:
    assert top(Occupation=0.1, DTI=-0.5, Credit_Mix=1e-12) == {"R02": 0.1}


def test_features_that_say_the_same_to_a_customer_are_added_up() -> None:
    found = top(Annual_Income=0.3, Monthly_Inhand_Salary=-0.25, DTI=0.1)
    assert list(found) == ["R17", "R03"]
    assert found["R03"] == pytest.approx(0.05)


def test_of_equal_contributions_the_first_of_the_table_comes_first() -> None:
    assert list(top(DTI=0.1, Occupation=0.1, Credit_Mix=0.1)) == ["R02", "R12", "R17"]


def test_a_model_of_fewer_codes_than_four_has_fewer_reasons() -> None:
    (row,) = strongest(pd.DataFrame({"DTI": [0.1]}), {"DTI": "R17"}).to_dict("records")
    assert [row[f"reason_{i}"] for i in range(1, 5)] == ["R17", None, None, None]


def test_every_code_and_its_words_are_there_once() -> None:
    assert max(Counter(reason.code for reason in REASON_CODES).values()) == 1
    assert max(Counter(reason.words for reason in REASON_CODES).values()) == 1


def test_every_column_of_gold_that_may_be_a_feature_has_one_code(finished: Project) -> None:
    gold = pd.read_parquet(finished.path / "datamart/gold/features.parquet")
    for name in gold.columns.difference(NOT_FEATURES):
        codes = [reason.code for reason in REASON_CODES if matches(name, reason.features)]
        assert len(codes) == 1, f"{name}: {codes}; luigi_tasks/models/reason_codes.py"


def test_a_feature_without_a_code_is_refused_unless_nobody_is_told() -> None:
    with pytest.raises(PipelineError, match=r"^shoe_size has no reason code"):
        codes_by_feature(["Age", "shoe_size"], ["Age"])
    assert codes_by_feature(["Age", "shoe_size"], ["shoe_*"]) == {"Age": "R01"}


def test_the_page_names_the_features_behind_each_code_and_what_nobody_is_told() -> None:
    text = page(["Age", "DTI", "fe_1_z", "fe_2_z"], ["Age"])
    assert "| R22 | Use of the website and the app | `fe_1_z`, `fe_2_z` |" in text
    assert "| R01 | Age | none |" in text
    assert "(`explanations.not_told`): `Age`." in text
    assert all(f"| {reason.code} | {reason.words} |" in text for reason in REASON_CODES)


def test_a_feature_that_nobody_is_told_counts_to_the_rest() -> None:
    frame = training_frame()
    models = {1: Explained(Explainer(LoanModel([fitted(frame)]), frame[FEATURES]), FEATURES)}
    loans = frame.assign(customer_id="CUS_1", month=frame["vintage"], generation=1, sample="live")
    told, hidden = reasons(loans, models, []), reasons(loans, models, ["Age"])
    age = told["reason_1"] == "R01"
    assert age.any()
    assert not (hidden.filter(like="reason_") == "R01").any(axis=None)
    assert (hidden.loc[age, "rest"] > told.loc[age, "rest"]).all()
    assert (hidden["score"] == told["score"]).all()


def test_loans_keep_their_order_and_each_is_explained_by_the_model_that_scored_it() -> None:
    frame = training_frame()
    tree = {"class": "sklearn.tree.DecisionTreeClassifier", "max_depth": 2}
    models = {
        1: Explained(Explainer(LoanModel([fitted(frame)]), frame[FEATURES]), FEATURES),
        2: Explained(Explainer(LoanModel([fitted(frame, tree)]), frame[FEATURES]), FEATURES),
    }
    generation = np.arange(len(frame)) % 2 + 1
    loans = frame.assign(
        customer_id="CUS_1", month=frame["vintage"], generation=generation, sample="live"
    )
    table = reasons(loans, models, [])
    assert list(table["loan_id"]) == list(frame["loan_id"])
    assert list(table) == SCHEMA.names
    for number, model in models.items():
        scores = model.explainer.model.predict_proba(frame[FEATURES])[:, 1]
        own = generation == number
        assert table["score"].to_numpy()[own] == pytest.approx(scores[own])


def test_a_model_is_explained_by_the_loans_that_it_was_fitted_on() -> None:
    training = pd.DataFrame({"origin": [0, 0, 1, 2], "Age": [30, 40, 50, 60]})
    assert fitted_on(training, since_break=False)["Age"].tolist() == [30, 40, 50, 60]
    assert fitted_on(training, since_break=True)["Age"].tolist() == [50, 60]


def test_a_run_explains_every_loan_that_no_model_was_fitted_on_with_its_score(
    finished: Project,
) -> None:
    gold = finished.path / "datamart/gold"
    told = pd.read_parquet(gold / "reasons.parquet")
    said = pd.read_parquet(gold / "model_predictions.parquet")
    said = said[~said["sample"].isin(["train", "left_out"])].reset_index(drop=True)
    keys = ["loan_id", "customer_id", "generation", "sample"]
    pd.testing.assert_frame_equal(told[keys], said[keys])
    assert told["score"].to_numpy() == pytest.approx(said["prediction_proba"], abs=1e-12)
    added = told.filter(like="contribution_").fillna(0).sum(axis=1)
    assert (told["baseline"] + added + told["rest"]).to_numpy() == pytest.approx(
        told["score"], abs=1e-12
    )
    assert not (told.filter(like="reason_") == "R01").any(axis=None)
    assert told["reason_1"].notna().mean() > 0.9


def test_who_may_be_told_what_is_decided_again_without_a_new_model_or_score(
    project: Project,
) -> None:
    params = (project.path / "params.yaml").read_text()
    project.edit("params.yaml", params[params.index("not_told:") :], "not_told: []\n")
    reasons, *shown = project.built_by("Pipeline")
    assert reasons.startswith("Reasons(")
    assert sorted(task.partition("(")[0] for task in shown) == ["ModelCard", "Report"]
    told = pd.read_parquet(project.path / "datamart/gold/reasons.parquet")
    assert (told.filter(like="reason_") == "R01").any(axis=None)
    assert "nobody" in (project.path / "reports/reason_codes.md").read_text()


@pytest.mark.parametrize(
    "module", ["reasons", "reason_codes", "explanations", "tree_shap", "reasons_stage"]
)
def test_no_model_is_stale_when_its_explanation_is_written_anew(module: str) -> None:
    from luigi_tasks.core import code_digests

    code = code_digests.of_code("luigi_tasks.models.champion", "luigi_tasks.models.candidates")
    assert f"luigi_tasks.models.{module}" not in code
