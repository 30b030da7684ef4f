"""What follows from the code is written by a command, which touches nothing else."""

from __future__ import annotations

import difflib
import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from luigi_tasks.__main__ import main
from luigi_tasks.commands.generate import (
    CONTRACT,
    GRAPH,
    SCHEMA,
    SETTINGS,
    dependencies,
    with_dependencies,
)
from luigi_tasks.commands.settings_page import VARIABLES
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.parameters import RULES

MENDING = "`python -m luigi_tasks generate` writes it anew"
SMALL = """\
# what the file is about
stages:
  # the first
  load:  # from outside
    cmd: load
    deps:
      - elsewhere/table.csv
      # the extracts
      - data/a.csv     # daily
      - data/b.csv
      # the code
      - luigi_tasks/z.py
      - luigi_tasks/a.py   # by hand

      - params.yaml
    params:
      - data/b.csv

# a comment between, at the margin
  fit:
    deps:
    - models
    outs:
    - luigi_tasks/out.py

metrics:
  - data/b.csv
"""


def changed_lines(old: str, new: str) -> list[str]:
    lines = difflib.ndiff(old.splitlines(), new.splitlines())
    return [line for line in lines if line[0] in "+-"]


@pytest.fixture
def repository(empty_project: Path) -> Path:
    """The generated files of this repository in a working directory without any data."""
    (empty_project / "docs").mkdir()
    for name in (GRAPH, SCHEMA, CONTRACT, SETTINGS):
        shutil.copy(ROOT / name, empty_project / name)
    return empty_project


def test_the_generated_files_of_this_repository_are_up_to_date(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", "--check"]) == 0, capsys.readouterr().err
    assert main(["generate"]) == 0
    assert capsys.readouterr().out == "nothing is out of date\n" * 2


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (GRAPH, "      - luigi_tasks/models/metrics.py\n", ""),
        (GRAPH, "      - luigi_tasks/core/errors.py\n", "      - luigi_tasks/core/gone.py\n"),
        (GRAPH, "      - data/lms_loan_daily.csv\n", ""),
        (SCHEMA, '"maximum": 60', '"maximum": 61'),
        (CONTRACT, "constant within a loan_id", "constant"),
        (SETTINGS, "retrain below this AUC", "retrain"),
    ],
)
def test_a_line_too_few_or_too_many_is_noticed_and_mended(
    repository: Path,
    capsys: pytest.CaptureFixture[str],
    name: Path,
    old: str,
    new: str,
) -> None:
    before = name.read_text()
    assert old in before
    name.write_text(before.replace(old, new))
    assert main(["generate", "--check"]) == 1
    assert capsys.readouterr().err == f"error: out of date: {name}; {MENDING}\n"
    assert name.read_text() == before.replace(old, new), "--check writes nothing"
    assert main(["generate"]) == 0
    assert capsys.readouterr().out == f"{name}: rewritten\n"
    assert name.read_text() == before


def test_files_that_are_out_of_date_are_named_together(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    SCHEMA.unlink()
    GRAPH.write_text(GRAPH.read_text().replace("      - luigi_tasks/core/errors.py\n", ""))
    assert main(["generate", "--check"]) == 1
    assert capsys.readouterr().err == f"error: out of date: {GRAPH}, {SCHEMA}; {MENDING}\n"


def test_without_a_graph_there_is_nothing_to_generate(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    GRAPH.unlink()
    assert main(["generate"]) == 1
    assert capsys.readouterr().err.startswith("error: dvc.yaml is missing in ")


def test_a_stage_depends_on_the_code_and_the_extracts_of_the_tasks_that_it_adds(
    repository: Path,
) -> None:
    found = dependencies(yaml.safe_load(GRAPH.read_text())["stages"])
    assert [name for name in found["bronze"] if name.startswith("data/")] == sorted(
        f"data/{table.file}" for table in TABLES.values()
    )
    assert "luigi_tasks/layers/bronze.py" in found["bronze"]
    assert "luigi_tasks/layers/__init__.py" in found["bronze"]
    assert not [name for name in found["gold"] if name.startswith("data/")]
    assert "luigi_tasks/layers/silver.py" in found["gold"]
    assert "luigi_tasks/layers/bronze.py" not in found["gold"]


def test_of_an_extract_that_is_a_folder_of_files_the_folder_is_depended_on(
    repository: Path,
) -> None:
    (repository / "data/lms_loan_daily").mkdir()
    (repository / "data/lms_loan_daily/2025-01.csv").touch()
    assert main(["generate"]) == 0
    stages = yaml.safe_load(GRAPH.read_text())["stages"]
    deps = {name for name in stages["bronze"]["deps"] if name.startswith("data/")}
    assert "data/lms_loan_daily" in deps
    assert "data/lms_loan_daily.csv" not in deps
    assert len(deps) == 4


def test_the_page_of_settings_has_every_setting_and_every_variable_that_the_code_reads(
    repository: Path,
) -> None:
    text = SETTINGS.read_text()
    for name in RULES.by_name:
        section, _, key = name.partition(".")
        block = text.partition(f"### {section}\n")[2].partition("###")[0]
        assert f"| `{key}` |" in block, name
    for file in (ROOT / "luigi_tasks").rglob("*.py"):
        for name in re.findall(r'"(LOAN_PIPELINE_[A-Z_]*[A-Z])"', file.read_text()):
            assert name in VARIABLES, f"{file}: {name}"
    assert "| `memory_mb` |" in text.partition("### [engine]\n")[2].partition("###")[0]


def test_the_schema_is_json_that_ends_in_one_line_feed(repository: Path) -> None:
    text = SCHEMA.read_text()
    assert json.loads(text)["additionalProperties"] is False
    assert text.endswith("}\n")


# --- the lines of dvc.yaml --------------------------------------------------------------------


def test_only_generated_lines_change_and_all_else_stays_byte_for_byte() -> None:
    wanted = {
        "load": ["data/a.csv", "data/c.csv", "luigi_tasks/a.py", "luigi_tasks/b.py"],
        "fit": ["luigi_tasks/b.py"],
    }
    new = with_dependencies(SMALL, wanted)
    assert changed_lines(SMALL, new) == [
        "-       - data/b.csv",
        "+       - data/c.csv",
        "-       - luigi_tasks/z.py",
        "+       - luigi_tasks/b.py",
        "+     - luigi_tasks/b.py",
    ]
    assert with_dependencies(new, wanted) == new
    assert list(yaml.safe_load(new)["stages"]["load"]["deps"]) == [
        "elsewhere/table.csv",
        "data/a.csv",
        "data/c.csv",
        "luigi_tasks/a.py",
        "luigi_tasks/b.py",
        "params.yaml",
    ]


def test_the_first_generated_lines_of_a_list_have_their_places() -> None:
    graph = "stages:\n  load:\n    deps:\n      - table\n    outs:\n      - out\n"
    new = with_dependencies(graph, {"load": ["data/a.csv", "luigi_tasks/a.py"]})
    assert yaml.safe_load(new)["stages"]["load"] == {
        "deps": ["data/a.csv", "table", "luigi_tasks/a.py"],
        "outs": ["out"],
    }


def test_what_is_no_longer_depended_on_goes() -> None:
    new = with_dependencies(SMALL, {"load": []})
    assert yaml.safe_load(new)["stages"]["load"]["deps"] == ["elsewhere/table.csv", "params.yaml"]
    assert yaml.safe_load(new)["metrics"] == ["data/b.csv"]


@pytest.mark.parametrize("graph", [SMALL.replace("    deps:\n    - models\n", ""), "stages: {}\n"])
def test_a_stage_without_dependencies_is_refused(graph: str) -> None:
    with pytest.raises(PipelineError, match=r"dvc\.yaml: stage fit has no list `deps:`"):
        with_dependencies(graph, {"fit": ["luigi_tasks/a.py"]})
