"""A model reads the columns that params.yaml names, numbers as numbers and texts as texts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from loan_book import gold

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.models.feature_columns import model_input, select_features


def test_patterns_select_columns_in_the_order_of_gold() -> None:
    columns = list(gold().columns)
    assert select_features(columns, ["hist_*", "Age"]) == [
        "Age",
        "hist_total_paid",
        "hist_total_due",
    ]
    assert select_features(columns, ["hist_total_d?e"]) == ["hist_total_due"]


@pytest.mark.parametrize("pattern", ["Agee", "fe_*_mean", "age"])
def test_a_pattern_that_matches_nothing_is_refused_and_told_what_there_is(pattern: str) -> None:
    with pytest.raises(PipelineError, match=r"training\.features: ") as error:
        select_features(list(gold().columns), ["Age", pattern])
    assert repr(pattern) in str(error.value)
    assert "Age, Occupation, hist_total_paid" in str(error.value)


@pytest.mark.parametrize("name", ["label", "label_date", "loan_id", "customer_id", "vintage"])
def test_keys_and_labels_are_never_features_not_even_by_a_wildcard(name: str) -> None:
    columns = list(gold().columns)
    assert name not in select_features(columns, ["*"])
    with pytest.raises(PipelineError):
        select_features(columns, [name])


def test_features_are_numbers_or_texts_and_missing_is_nan() -> None:
    found = model_input(pd.DataFrame({"n": [1, 2], "flag": [True, False], "text": ["a", None]}))
    assert [str(kind) for kind in found.dtypes] == ["float64", "float64", "object"]
    assert np.isnan(found.loc[1, "text"])
