"""Only what is stale reruns, and the system can say why it is stale."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from running import BIN, Project

from luigi_tasks.extracts.contract import TABLES

PIPELINE = "Pipeline"
AS_OF = "as_of=2025-11-01, generation=1"
FOREST = "TrainCandidate(name=random_forest, generation=1)"
AFTER_TRAINING = [
    "BestModel(generation=1)",
    f"Predictions({AS_OF})",
    f"Monitoring({AS_OF})",
]


def test_after_a_run_every_target_is_fresh_and_a_second_run_builds_nothing(
    project: Project,
) -> None:
    assert project.stale() == {}
    before = project.digests()
    assert project.built_by(PIPELINE) == []
    assert project.digests() == before


def test_changing_one_argument_of_one_candidate_refits_that_candidate_only(
    project: Project,
) -> None:
    project.edit("params.yaml", "max_depth: 10", "max_depth: 3")
    stale = project.stale()
    assert stale[FOREST] == "params: training.candidates.random_forest.max_depth 10 → 3"
    assert stale["BestModel(generation=1)"] == f"upstream: {FOREST} is stale"
    built = project.built_by(PIPELINE)
    assert [task for task in built if task in (FOREST, *AFTER_TRAINING)] == [
        FOREST,
        *AFTER_TRAINING,
    ]
    assert not [task for task in built if task.startswith(("Bronze", "Silver", "Gold", "Quality"))]
    assert [task for task in built if task.startswith("TrainCandidate")] == [FOREST]


def test_scores_and_reasons_of_the_same_model_are_kept_when_another_candidate_changes(
    project: Project,
) -> None:
    files = [
        project.path / "datamart" / "gold" / name / "part-00000.parquet"
        for name in ("model_predictions.parquet", "reasons.parquet")
    ]
    before = [file.stat().st_ino for file in files]
    project.edit("params.yaml", "max_depth: 10", "max_depth: 1")
    assert f"Predictions({AS_OF})" in project.built_by(PIPELINE)
    assert [file.stat().st_ino for file in files] == before
    assert project.stale() == {}


def test_reverting_a_change_before_running_leaves_nothing_to_do(project: Project) -> None:
    project.edit("params.yaml", "max_depth: 10", "max_depth: 3")
    project.edit("params.yaml", "max_depth: 3", "max_depth: 10")
    assert project.built_by(PIPELINE) == []


def test_a_setting_makes_stale_only_the_tasks_that_read_it(project: Project) -> None:
    project.edit("params.yaml", "window_months: 3", "window_months: 2")
    assert set(project.stale()) == {
        f"Monitoring({AS_OF})",
        f"Incidents({AS_OF})",
        f"Dashboard({AS_OF})",
        f"DriftDashboard({AS_OF})",
        f"Plots({AS_OF})",
        f"Governance({AS_OF})",
        f"ModelCard({AS_OF})",
        f"Report({AS_OF})",
    }


def test_touching_an_extract_without_changing_it_runs_nothing(project: Project) -> None:
    for path in (project.path / "data").iterdir():
        os.utime(path)
    assert project.built_by(PIPELINE) == []


def test_a_stage_that_comes_out_as_before_stops_the_run_there(project: Project) -> None:
    path = project.path / "data" / "features_attributes.csv"
    lines = path.read_text().splitlines(keepends=True)
    number, name, rest = lines[1].split(",", 2)
    assert '"' not in lines[1]
    lines[1] = ",".join([number, f"{name}x", rest])
    path.write_text("".join(lines))
    assert project.stale()["Bronze(table=features_attributes)"] == (
        "input: RawCsv(table=features_attributes) changed"
    )
    # The name goes no further than bronze. The check reads bronze's row counts, and so reruns.
    assert project.built_by(PIPELINE) == [
        "Bronze(table=features_attributes)",
        "Silver(table=features_attributes)",
        "QualityCheck()",
    ]


def test_new_months_of_data_do_not_refit_a_model_that_may_not_know_them(
    project: Project,
) -> None:
    path = project.path / "data" / "lms_loan_daily.csv"
    header, *rows = path.read_text().splitlines(keepends=True)
    path.write_text(header + "".join(row for row in rows if not row.endswith(",1/11/2025\n")))
    built = project.built_by(PIPELINE)
    assert "Silver(table=lms_loan_daily)" in built
    assert not [task for task in built if task.startswith("TrainCandidate")]


def test_comments_docstrings_and_layout_of_the_code_rerun_nothing(project: Project) -> None:
    project.edit("luigi_tasks/layers/cleaning.py", '"""Cleaning: typed', '"""Cleaning. Typed')
    project.edit(
        "luigi_tasks/layers/gold.py",
        "from luigi_tasks.core import locks, tables\n",
        "# a comment\n\nfrom luigi_tasks.core import locks, tables\n",
    )
    assert project.built_by(PIPELINE) == []


def test_changing_a_helper_makes_stale_all_that_uses_it_and_nothing_else(
    project: Project,
) -> None:
    project.edit("luigi_tasks/layers/flags.py", 'lit("age missing")', 'lit("no age")')
    stale = project.stale()
    assert stale["QualityCheck()"] == "code: luigi_tasks.layers.flags changed"
    assert stale["GoldFeatures()"] == "upstream: QualityCheck() is stale"
    assert not [task for task in stale if task.startswith(("Bronze", "Silver"))]


def test_a_metric_is_measured_anew_without_refitting_a_candidate(project: Project) -> None:
    project.edit("luigi_tasks/models/confidence.py", "Z95 = 1.959963984540054", "Z95 = 1.96")
    stale = project.stale()
    assert stale["BestModel(generation=1)"] == "code: luigi_tasks.models.confidence changed"
    before = ("Bronze", "Silver", "Quality", "Gold", "TrainingData", "TrainCandidate")
    assert not [task for task in stale if task.startswith(before)]


@pytest.mark.parametrize(
    "text",
    [
        "from luigi_tasks.layers.extra import helper",
        "from luigi_tasks.layers import extra",
        "import luigi_tasks.layers.extra",
        "import luigi_tasks.layers.extra as more",
        "from .extra import helper",
        "from . import extra",
        "def use():\n    from luigi_tasks.layers.extra import helper\n    return helper",
        "from luigi_tasks.layers.shelf import helper",
    ],
)
def test_a_helper_is_code_however_it_is_imported(project: Project, text: str) -> None:
    layers = project.path / "luigi_tasks" / "layers"
    (layers / "extra.py").write_text("def helper():\n    return 1\n")
    (layers / "shelf").mkdir()
    shelf = "from luigi_tasks.layers.extra import helper\n\n__all__ = ['helper']\n"
    (layers / "shelf" / "__init__.py").write_text(shelf)
    labels = layers / "labels.py"
    labels.write_text(f"{labels.read_text()}\n\n{text}\n")
    reason = project.stale()["GoldFeatures()"]
    assert "code: luigi_tasks.layers.extra is new" in reason
    assert "code: luigi_tasks.layers.labels changed" in reason


def test_an_import_that_cannot_be_followed_is_refused_with_its_place(project: Project) -> None:
    labels = project.path / "luigi_tasks" / "layers" / "labels.py"
    labels.write_text(labels.read_text() + "\n\nfrom luigi_tasks.core.files import *\n")
    done = project.command("status")
    assert done.returncode == 1
    assert "luigi_tasks/layers/labels.py:" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_code_of_a_stage_before_is_an_input_not_code(project: Project) -> None:
    """A silver rewritten to the same effect leaves gold as it is."""
    project.edit(
        "luigi_tasks/layers/cleaning.py",
        'REASONS.index("out of range")',
        'REASONS.index("out of" + " range")',
    )
    built = project.built_by(PIPELINE)
    assert sorted(built) == sorted(f"Silver(table={table})" for table in TABLES)


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("datamart/silver/lms_loan_daily.parquet/part-00000.parquet", "Silver"),
        ("datamart/gold/features.parquet/_SUCCESS", "GoldFeatures"),
        ("model_store/best_model_1.pkl", "BestModel"),
        ("model_store/label_encoders_1.pkl", "BestModel"),
        ("reports/data_quality.json", "QualityCheck"),
        ("reports/performance_dashboard.png", "Dashboard"),
        ("reports/index.html", "Report"),
        ("reports/report.json", "Report"),
    ],
)
def test_an_output_that_was_altered_or_removed_is_stale_and_is_built_again_as_it_was(
    project: Project, name: str, task: str
) -> None:
    path = project.path / name
    before = project.digests()
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + b"0123" + data[middle + 4 :])
    assert any(key.startswith(f"{task}(") for key in project.stale())
    path.unlink()
    assert any(key.startswith(f"{task}(") for key in project.stale())
    built = project.built_by(PIPELINE)
    assert [key for key in built if key.startswith(f"{task}(")]
    assert project.digests() == before


@pytest.mark.slow
def test_two_runs_from_scratch_give_the_same_bytes_with_one_worker_and_with_four(
    finished: Project, tmp_path: Path
) -> None:
    again = Project.create(tmp_path / "again")
    again.edit("params.yaml", "released: keep ", "released: refit")  # as in the other
    assert again.luigi(PIPELINE, "--workers", "4").returncode == 0
    assert again.digests() == finished.digests()


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_whole_outputs_and_the_next_one_finishes(
    finished: Project, project: Project
) -> None:
    for name in ("models/metrics", "layers/silver"):
        source = project.path / "luigi_tasks" / f"{name}.py"
        source.write_text(source.read_text() + "\n_UNUSED = 1\n")
    words = [str(BIN / "luigi"), "--module", "luigi_tasks", PIPELINE, "--local-scheduler"]
    for seconds in (2.0, 3.5, 5.0, 6.5):
        running = subprocess.Popen(
            words,
            cwd=project.path,
            env=project.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(seconds)
        running.send_signal(signal.SIGKILL)
        running.wait()
        damaged = [r for r in project.stale().values() if "was changed" in r or "missing" in r]
        assert damaged == []
    assert project.luigi(PIPELINE).returncode == 0
    assert project.stale() == {}
    before, after = (
        {k: v for k, v in p.digests().items() if k.endswith((".parquet", ".pkl"))}
        for p in (finished, project)
    )
    assert after == before
