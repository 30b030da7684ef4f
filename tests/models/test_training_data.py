"""The training data hold what a generation may know, and what is left out stays known."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from loan_book import FEATURES, gold
from running import ROOT

from luigi_tasks.core import tables
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.models.contest import window_of
from luigi_tasks.models.training_data import TrainingData
from luigi_tasks.models.training_sets import read_samples, read_training_frame, with_features

FEW = "features: [" + ", ".join(FEATURES) + "]"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_max_rows_leaves_out_is_not_trained_on_and_stays_known(
    tmp_path: Path,
) -> None:
    text = (ROOT / "params.yaml").read_text().replace("max_rows: 500000", "max_rows: 1000")
    (tmp_path / "params.yaml").write_text(re.sub(r"features: .*(\n  - .*)+", FEW, text))
    book = gold(loans=150)
    path = GoldFeatures().path()
    path.parent.mkdir(parents=True)
    tables.write_frame(path, book)
    task = TrainingData(generation=1)
    folder = task.path()
    folder.parent.mkdir(parents=True)
    task.build({"sets": folder})
    frame, splits = read_training_frame(folder), read_samples(folder)
    known = book[book["label_date"] <= frame["train_until"].iloc[0]]
    assert set(splits.index) == set(known["loan_id"])
    assert 950 <= len(frame) <= 1000
    assert len(known) == 1800
    assert (splits == "left_out").sum() == len(known) - len(frame)
    values = book.set_index("loan_id").loc[frame["loan_id"], FEATURES]
    pd.testing.assert_frame_equal(frame.set_index("loan_id")[FEATURES], values)
    assert window_of(frame, frame, len(known) - len(frame)).sampled_from == len(known)


def test_a_champion_that_has_scored_no_loan_yet_has_no_loan_to_look_up(tmp_path: Path) -> None:
    gold_table = tmp_path / "features.parquet"
    tables.write_frame(gold_table, pd.DataFrame({"loan_id": ["a", "b"], "fe_1": [1.0, 2.0]}))
    nobody = pd.DataFrame({"loan_id": pd.Series([], dtype=object)})
    found = with_features(nobody, gold_table, ["fe_1"])
    assert (list(found.columns), len(found)) == (["loan_id", "fe_1"], 0)
