"""The real commands, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running import BIN, Project, luigid, tasks_on

from luigi_tasks.__main__ import COMMANDS, main

STAGES = [
    "Bronze",
    "Silver",
    "QualityCheck",
    "GoldFeatures",
    "TrainingData",
    "TrainCandidate",
    "BestModel",
    "Predictions",
    "Monitoring",
    "Dashboard",
    "DriftDashboard",
    "Governance",
]


def test_status_lists_every_target_inputs_first(finished: Project) -> None:
    rows = json.loads(finished.command("status", "--json").stdout)
    families = [row["task"].partition("(")[0] for row in rows]
    assert set(STAGES) <= set(families)
    assert [families.index(name) for name in STAGES] == sorted(
        families.index(name) for name in STAGES
    )
    assert all(row["fresh"] and row["reason"] is None for row in rows)


def test_status_for_people_counts_what_is_fresh(finished: Project) -> None:
    told = finished.command("status").stdout.splitlines()
    assert told[-1] == f"{len(told) - 1} fresh, 0 stale"
    assert all(line.startswith("fresh  ") for line in told[:-1])


def test_the_summary_names_the_champion_the_decision_and_paths_that_exist(
    finished: Project,
) -> None:
    told = finished.command("summary").stdout
    assert "\nchampion  " in told
    assert "\ndecision  keep" in told
    paths = told.partition("look at:\n")[2].split()
    assert "reports/performance_dashboard.png" in paths
    assert all((finished.path / path).exists() for path in paths)


@pytest.mark.parametrize(
    ("task", "last"),
    [
        ("TrainingPipeline", "BestModel(generation=1)"),
        ("InferencePipeline", "Reasons(as_of=2025-11-01, generation=1)"),
    ],
)
def test_a_pipeline_builds_what_it_is_named_after_and_no_more(
    finished: Project, tmp_path: Path, task: str, last: str
) -> None:
    project = finished.copy(tmp_path / "project")
    project.edit("params.yaml", "max_depth: 10", "max_depth: 3")
    assert project.built_by(task)[-1] == last


def test_help_shows_the_parameters_and_starts_without_the_slow_imports(finished: Project) -> None:
    done = finished.luigi("Pipeline", "--help")
    assert done.returncode == 0
    assert "--as-of" in done.stdout
    heavy = ["pandas", "pyarrow", "pyspark", "sklearn", "matplotlib", "numpy"]
    code = f"import luigi_tasks, sys; print([m for m in {heavy} if m in sys.modules])"
    assert finished.run(str(BIN / "python"), "-c", code).stdout.strip() == "[]"


def test_luigid_shows_every_task_of_a_run_as_done(finished: Project, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "project")
    project.edit("params.yaml", "max_depth: 10", "max_depth: 3")
    with luigid(project.path) as url:
        words = ["--module", "luigi_tasks", "Pipeline", "--scheduler-url", url, "--workers", "2"]
        done = project.run(str(BIN / "luigi"), *words)
        assert done.returncode == 0, done.stderr[-3000:]
        names = {task["name"] for task in tasks_on(url, "DONE")}
    assert {
        "models.TrainCandidate.random_forest.1",
        "models.BestModel.1",
        "models.Predictions",
        "monitoring.Monitoring",
        "pipeline.Pipeline",
    } <= names


def test_the_help_of_the_commands_is_their_first_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as done:
        main(["--help"])
    assert done.value.code == 0
    told = " ".join(capsys.readouterr().out.split())
    for name, command in COMMANDS.items():
        assert f"{name} {command.__doc__}" in told


def test_wrong_words_are_told_from_what_could_not_be_done(
    empty_project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as done:
        main(["statuss"])
    assert done.value.code == 2
    assert main(["status"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: data/")
