"""Each held-out vintage is scored by models that knew only the vintages before it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from conftest import day
from loan_book import FEATURES, FOREST, training_frame

from luigi_tasks.models import rolling
from luigi_tasks.models.estimators import fit
from luigi_tasks.models.rolling import out_of_time_scores, soft_vote
from luigi_tasks.models.scoring import score


def scores(frame: pd.DataFrame, spec: dict[str, Any] = FOREST) -> pd.DataFrame:
    return pd.concat(out_of_time_scores("forest", spec, frame, random_state=42))


def test_every_held_out_loan_is_scored_once_by_the_model_of_the_vintages_before_it() -> None:
    frame = training_frame()
    found = scores(frame)
    assert sorted(found["row"]) == sorted(frame.index[frame["origin"] > 0])
    before, second = frame[frame["origin"] < 2], frame[frame["origin"] == 2]
    model = fit("forest", FOREST, before[FEATURES], before["label"], 42)
    own = found[found["origin"] == 2]
    assert own["row"].tolist() == second.index.tolist()
    assert own["score"].tolist() == score(model, second[FEATURES]).tolist()


@pytest.mark.parametrize(
    "path",
    ["linear_model.LogisticRegression", "ensemble.HistGradientBoostingClassifier"],
)
def test_a_machine_with_more_cores_gives_the_same_scores(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for cores in (1, 3):
        monkeypatch.setattr(rolling.os, "cpu_count", lambda cores=cores: cores)
        found.append(scores(training_frame(), {"class": f"sklearn.{path}"}))
    pd.testing.assert_frame_equal(*found, check_exact=True)


def test_what_a_vintage_became_changes_no_score_of_it_or_of_an_earlier_one() -> None:
    frame = training_frame()
    changed = frame.copy()
    late = changed["origin"] >= 2
    changed.loc[late, "label"] = 1 - changed.loc[late, "label"]
    before, after = scores(frame), scores(changed)
    early = before["origin"] <= 2
    pd.testing.assert_frame_equal(after[early], before[early])
    assert not after[~early].equals(before[~early])


def test_after_a_break_every_loan_since_is_scored_by_models_that_do_not_know_it() -> None:
    frame = training_frame().assign(since=day("2024-01-01"))  # origins are folds then
    found = scores(frame)
    for window, own in found.groupby("window"):
        assert sorted(own["row"]) == sorted(frame.index[frame["origin"] > 0]), window
    first = frame["origin"] == 1
    for window, known in (("all", ~first), ("since", ~first & (frame["origin"] > 0))):
        model = fit("forest", FOREST, frame[FEATURES][known], frame["label"][known], 42)
        own = found[(found["window"] == window) & (found["origin"] == 1)]
        assert own["score"].tolist() == score(model, frame[FEATURES][first]).tolist()


def test_loans_since_a_break_that_are_all_good_are_no_window_of_their_own() -> None:
    frame = training_frame().assign(since=day("2024-01-01"))
    frame.loc[frame["origin"] > 0, "label"] = 0
    assert set(scores(frame)["window"]) == {"all"}


def test_a_soft_vote_is_the_mean_of_its_members() -> None:
    one = pd.DataFrame({"row": [7, 8], "origin": [1, 2], "score": [0.2, 0.4]})
    voted = soft_vote([one, one.assign(score=[0.6, 0.0])])
    assert voted["score"].tolist() == pytest.approx([0.4, 0.2])
    assert voted["row"].tolist() == [7, 8]
