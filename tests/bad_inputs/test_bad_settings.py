"""A wrong params.yaml is refused at the start with the name, the value and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_settings import spoil
from corpus import by_name
from running import Project
from small_tables import gold_frame, silver
from told import keeps_its_outputs, refused

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.settings import params
from luigi_tasks.models.estimators import estimator
from luigi_tasks.models.feature_columns import select_features

CASES = by_name("settings")


@pytest.fixture(scope="module")
def gold_columns() -> list[str]:
    return list(gold_frame(silver()).columns)


def look(columns: list[str]) -> None:
    """All that the start of a run looks at in params.yaml."""
    found = params()
    for name, spec in found["training.candidates"].items():
        if "class" in spec:
            estimator(name, spec, random_state=0)
    select_features(columns, found["training.features"])


def test_the_settings_as_shipped_are_sound(empty_project: Path, gold_columns: list[str]) -> None:
    look(gold_columns)
    spoil(empty_project / "params.yaml", {"set": "monitoring.bins", "to": "20"})
    assert params()["monitoring.bins"] == 20


@pytest.mark.parametrize("name", CASES)
def test_a_setting_that_cannot_be_is_refused_in_the_sentence_of_the_table(
    empty_project: Path, gold_columns: list[str], name: str
) -> None:
    case = CASES[name]
    spoil(empty_project / "params.yaml", case)
    with pytest.raises(PipelineError) as error:
        look(gold_columns)
    told = str(error.value)
    assert told.startswith((f"params.yaml: {case['refused']}", f"params.yaml {case['refused']}"))
    assert "\n" not in told
    assert len(told) < 2_000


# --- the whole command ------------------------------------------------------------------------


@pytest.mark.nightly
@pytest.mark.parametrize("name", CASES)
def test_the_command_refuses_a_setting_in_one_sentence_and_keeps_the_outputs(
    project: Project, name: str
) -> None:
    case = CASES[name]
    spoil(project.path / "params.yaml", case)
    with keeps_its_outputs(project):
        done = project.luigi("Pipeline")
    refused(done, f"params.yaml: {case['refused']}", f"params.yaml {case['refused']}")
