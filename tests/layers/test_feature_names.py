"""The names of features that are known beforehand are those that gold has."""

from __future__ import annotations

from pathlib import Path

from running import Project
from small_tables import gold_frame, silver

from luigi_tasks.layers.feature_names import feature_names
from luigi_tasks.models.feature_columns import NOT_FEATURES


def test_they_are_the_columns_of_gold_that_are_no_keys_and_no_labels() -> None:
    columns = gold_frame(silver()).columns
    assert feature_names() == [name for name in columns if name not in NOT_FEATURES]


def test_a_misspelt_feature_ends_a_first_run_before_anything_is_built(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project", customers=60)
    project.edit("params.yaml", "- Annual_Income", "- Anual_Income")
    done = project.luigi("Pipeline")
    assert done.returncode != 0
    sentence = "training.features: 'Anual_Income' matches no column of gold; did you mean Annual_I"
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((project.path / "datamart").rglob("*.parquet"))
