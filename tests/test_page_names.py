"""On luigid's page tasks stand under their layer, and none has the name of another."""

from __future__ import annotations

import sqlite3
import urllib.request
from pathlib import Path

import pytest
from running import BIN, Project, luigid, tasks_on

from luigi_tasks.page_names import family_of, page_name

pytest.importorskip("sqlalchemy", reason="luigid keeps no history without it")


@pytest.fixture(scope="module")
def seen(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What luigid tells of a run from silver on: names, and what /history shows."""
    project = finished.copy(tmp_path_factory.mktemp("seen") / "project")
    project.edit("params.yaml", "latest_snapshot: auto", "latest_snapshot: 2025-11-01")
    with luigid(project.path) as url:
        words = ["--module", "luigi_tasks", "Pipeline", "--scheduler-url", url, "--workers", "2"]
        done = project.run(str(BIN / "luigi"), *words)
        assert done.returncode == 0, done.stderr[-3000:]
        with urllib.request.urlopen(f"{url}/history") as page:
            history = page.read().decode().splitlines()
        names = [task["name"] for task in tasks_on(url, "DONE")]
    with sqlite3.connect(project.path / "logs" / "luigid_history.db") as database:
        kept = [name for (name,) in database.execute("select name from tasks")]
    assert (project.path / "logs" / "luigid_state.pickle").exists()
    return {"names": names, "history": history, "kept": kept}


def test_no_two_tasks_of_a_run_have_one_name(seen: dict[str, list[str]]) -> None:
    assert len(set(seen["names"])) == len(seen["names"]) > 30


def test_the_page_groups_them_by_layer_and_has_no_others(seen: dict[str, list[str]]) -> None:
    assert all("." in name for name in seen["names"])
    groups = {name.partition(".")[0] for name in seen["names"]}
    assert groups == {
        "bronze",
        "silver",
        "quality",
        "gold",
        "models",
        "monitoring",
        "governance",
        "reports",
        "pipeline",
    }


def test_the_history_has_every_task_that_ran(seen: dict[str, list[str]]) -> None:
    assert "models.TrainCandidate.random_forest.1" in seen["kept"]
    assert any("models.BestModel.1" in line for line in seen["history"])


def test_a_page_name_leads_back_to_the_task() -> None:
    named = page_name("Bronze", "luigi_tasks.layers.bronze", {"table": "lms_loan_daily"})
    assert named == "bronze.Bronze.lms_loan_daily"
    assert family_of(named) == "Bronze"


def test_an_assistant_runs_what_another_has_scheduled(finished: Project, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "project")
    project.edit("params.yaml", "max_depth: 10", "max_depth: 3")
    code = (
        "import luigi_tasks, sys\n"
        "from luigi.rpc import RemoteScheduler\n"
        "from luigi.worker import Worker\n"
        "from luigi_tasks import Pipeline\n"
        "away = Worker(scheduler=RemoteScheduler(sys.argv[1]), worker_id='away')\n"
        "away.add(Pipeline())\n"
        "helper = Worker(scheduler=RemoteScheduler(sys.argv[1]), assistant=True)\n"
        "task = helper._scheduled_tasks[helper._get_work().task_id]\n"
        "print(task)\n"
    )
    with luigid(project.path) as url:
        done = project.run(str(BIN / "python"), "-c", code, url)
    assert done.stdout.startswith("TrainCandidate("), done.stderr[-2000:]
