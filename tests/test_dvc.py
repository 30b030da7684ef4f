"""The same pipeline through the real `dvc` command, in repositories of their own."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import luigi
import pytest
import yaml
from luigi.task_register import Register
from repositories import Repository
from running import BIN, OUTPUTS, ROOT, Project

import luigi_tasks  # noqa: F401 (registers the tasks)
from luigi_tasks.commands.status import with_targets
from luigi_tasks.core.task import Task, tasks_below

STAGES: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
MARKER = "datamart/governance/retrain_marker.json"
TRAIL = "datamart/governance/decisions.jsonl"
FOREST = "training.candidates.random_forest.max_depth"


@pytest.fixture
def tasks(finished: Project, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Task]]:
    """The tasks that every stage of dvc.yaml adds to the stages before it."""
    monkeypatch.chdir(finished.path)
    by_stage: dict[str, list[Task]] = {}
    seen: set[str] = set()
    for stage, entry in STAGES.items():
        words = entry["cmd"].split()
        root = Register.get_task_cls(words[words.index("luigi_tasks") + 1])()
        below = list(with_targets(tasks_below(root)))
        by_stage[stage] = [task for task in below if task.task_id not in seen]
        seen |= {task.task_id for task in below}
    return by_stage


def test_every_stage_lists_the_parameters_that_its_tasks_read(
    tasks: dict[str, list[Task]],
) -> None:
    for stage, own in tasks.items():
        listed = STAGES[stage].get("params", [])
        for name in {name for task in own for name in task.settings_read()}:
            sections = {name.rsplit(".", up)[0] for up in range(name.count(".") + 1)}
            named = {each for each in listed if isinstance(each, str)}
            assert sections & named, f"dvc.yaml, stage {stage}: {name} is missing"


def test_every_output_of_a_task_is_an_output_of_its_stage(
    tasks: dict[str, list[Task]],
) -> None:
    for stage, own in tasks.items():
        listed = [Path(name) for entry in STAGES[stage]["outs"] for name in entry]
        for target in (target for task in own for target in luigi.task.flatten(task.output())):
            held = any(target.path.is_relative_to(out) for out in listed)
            assert held, f"dvc.yaml, stage {stage}: {target} is missing"


def test_every_input_of_a_task_is_a_dependency_of_its_stage_or_its_own_output(
    tasks: dict[str, list[Task]],
) -> None:
    for stage, own in tasks.items():
        outs = [name for entry in STAGES[stage]["outs"] for name in entry]
        known = [Path(name) for name in (*STAGES[stage]["deps"], *outs)]
        for target in (t for task in own for t in task.inputs().values()):
            held = any(Path(target.path).is_relative_to(path) for path in known)
            assert held, f"dvc.yaml, stage {stage}: {target} is missing"


def test_after_a_luigi_run_dvc_commit_makes_the_status_clean_and_repro_runs_nothing(
    repository: Repository,
) -> None:
    assert repository.changed_stages() == set()
    assert repository.repro() == ([], [])
    assert repository.git("status", "--short") == ""


@pytest.mark.slow
def test_a_cold_and_a_forced_repro_make_what_luigi_made_and_leave_it_nothing_to_do(
    repository: Repository,
) -> None:
    by_luigi, lock = repository.digests(*OUTPUTS), repository.lock
    for folder in ("bronze", "silver", "gold", "quarantine"):
        shutil.rmtree(repository.path / "datamart" / folder)
    (repository.path / "datamart/governance/decisions.jsonl").unlink()
    shutil.copy(ROOT / MARKER, repository.path / MARKER)
    for folder in ("model_store", "reports", ".cache"):
        shutil.rmtree(repository.path / folder)

    assert repository.repro("--force")[0] == list(STAGES)
    assert repository.digests(*OUTPUTS) == by_luigi
    assert repository.lock == lock
    assert repository.built_by("Pipeline") == []

    assert repository.repro("--force") == (list(STAGES), [])
    assert repository.lock == lock


@pytest.mark.slow
def test_an_experiment_refits_one_candidate_and_can_be_compared_and_undone(
    repository: Repository,
) -> None:
    before = len(repository.history())
    ran = repository.dvc("exp", "run", "--name", "deeper", "--set-param", f"{FOREST}=12")
    assert [stage for stage in STAGES if f"Running stage '{stage}'" in ran] == [
        "train",
        "predict",
        "monitor",
    ]
    assert repository.git("diff", "--numstat", "params.yaml").split() == ["1", "1", "params.yaml"]
    fitted = [task for task in repository.history()[before:] if task.startswith("Train")]
    assert fitted == ["TrainCandidate(name=random_forest, generation=1)"]
    assert repository.stale() == {}

    shown = repository.dvc("exp", "show", "--csv")
    assert "deeper" in shown
    assert FOREST in shown
    assert "candidates.random_forest.auc" in shown
    shutil.copy(ROOT / "Makefile", repository.path)
    venv = f"VENV={BIN.parent}"
    table = repository.done("make", "--old-file=install", "experiments", venv, "COLUMNS=400")
    (repository.path / "Makefile").unlink()
    columns = next(line for line in table.splitlines() if "Experiment" in line).split()
    assert {"candidates.random_forest.auc", FOREST} <= set(columns)
    assert len(columns) <= 16
    changed = json.loads(repository.dvc("params", "diff", "--json"))["params.yaml"]
    assert changed == {FOREST: {"old": 10, "new": 12, "diff": 2}}
    moved = json.loads(repository.dvc("metrics", "diff", "--json"))["reports/plots/metrics.json"]
    assert any(name.startswith("candidates.random_forest.") for name in moved)
    plots = json.loads(repository.dvc("plots", "diff", "--json"))["data"]
    assert set(plots) == {"roc", "precision_recall", "confusion", "auc_by_month", "psi_by_month"}
    for name, (plot,) in plots.items():
        assert set(plot["revisions"]) == {"HEAD", "workspace"}, name
        assert {row["rev"] for row in plot["content"]["data"]["values"]} == {"HEAD", "workspace"}
        text = json.dumps(plot["content"])
        assert "<DVC_METRIC" not in text, name

    repository.commit("deeper")
    repository.git("checkout", "--quiet", "HEAD~1")
    repository.dvc("checkout")
    assert repository.changed_stages() == set()
    assert repository.stale() == {}

    repository.edit("params.yaml", "max_depth: 10", "max_depth: 11")
    repository.commit("never run")
    repository.git("checkout", "--quiet", "main")
    repository.dvc("checkout")
    assert repository.stale() == {}
    repository.git("checkout", "--quiet", "-")
    repository.dvc("checkout")
    stale = set(repository.stale())
    assert "TrainCandidate(name=random_forest, generation=1)" in stale
    assert not any(task.startswith(("Bronze", "Silver", "Gold")) for task in stale)
    assert "TrainCandidate(name=logistic_regression, generation=1)" not in stale


@pytest.mark.slow
def test_a_fresh_clone_pulls_a_model_that_predicts_and_luigi_runs_nothing(
    repository: Repository, tmp_path: Path
) -> None:
    repository.dvc("push")
    repository.git("clone", "--quiet", str(repository.path), str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")
    clone.dvc("pull")
    assert clone.built_by("Pipeline") == []
    assert clone.digests() == repository.digests()
    assert clone.champion() == "model_store/best_model_1.pkl"
    program = (
        "from luigi_tasks.models import scoring, store, training_sets\n"
        "from luigi_tasks.models.training_data import TrainingData\n"
        "frame = training_sets.read_training_frame(TrainingData(generation=1).path())\n"
        "features = frame[store.read_metadata(1).features]\n"
        "print(scoring.score(store.load_model(1), features).mean())"
    )
    assert 0 < float(clone.done(str(BIN / "python"), "-c", program)) < 1


@pytest.mark.slow
def test_a_breach_makes_dvc_status_name_the_train_stage_and_the_next_repro_retrains(
    repository: Repository,
) -> None:
    repository.edit("params.yaml", "min_auc: 0.70", "min_auc: 0.99")
    repository.edit("params.yaml", "min_matured: 150", "min_matured: 50")
    repository.edit("params.yaml", "min_new_labels: 150", "min_new_labels: 50")
    ran, _ = repository.repro()
    assert ran == ["monitor"]
    assert repository.changed_stages() == {"train"}
    assert "BestModel(generation=2)" in repository.stale()

    ran, built = repository.repro()
    assert ran[0] == "train"
    assert "BestModel(generation=2)" in built
    assert repository.changed_stages() == set()
    assert repository.stale() == {}
    judged = json.loads((repository.path / MARKER).read_text())
    assert judged["entries"] == len((repository.path / TRAIL).read_text().splitlines())
    assert repository.champion() == f"model_store/best_model_{judged['champion']}.pkl"


def test_a_failing_task_stops_repro_and_leaves_the_lock_and_the_outputs(
    repository: Repository,
) -> None:
    before, lock = repository.digests(), repository.lock
    repository.edit("params.yaml", "max_depth: 10", "max_depth: -1")
    failed = repository.run(str(BIN / "dvc"), "repro")
    assert failed.returncode != 0
    assert "failed to reproduce 'train'" in failed.stderr
    assert repository.lock == lock
    assert repository.digests() == before

    repository.edit("params.yaml", "max_depth: -1", "max_depth: 10")
    assert repository.changed_stages() == set()
    assert repository.stale() == {}


def test_git_holds_no_large_file_and_the_configuration_no_path_of_a_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    files = [ROOT / name for name in listed.split("\0") if name and (ROOT / name).exists()]
    assert [file.name for file in files if file.stat().st_size > 1_000_000] == []
    config = (ROOT / ".dvc/config").read_text()
    urls = [line.split("=")[1].strip() for line in config.splitlines() if "url" in line]
    assert urls
    assert not any(Path(url).is_absolute() for url in urls)


def test_an_extract_that_is_new_in_the_contract_is_in_dvc_yaml_once_it_is_generated(
    repository: Repository,
) -> None:
    repository.edit(
        "luigi_tasks/extracts/contract.py",
        "TABLES = {table.name: table for table in (ATTRIBUTES,",
        'BUREAU = replace(CLICKSTREAM, name="bureau_scores", columns=CLICKSTREAM.columns[-2:])\n'
        "TABLES = {table.name: table for table in (BUREAU, ATTRIBUTES,",
    )
    before = yaml.safe_load((repository.path / "dvc.yaml").read_text())["stages"]
    repository.command("generate").check_returncode()
    after = yaml.safe_load((repository.path / "dvc.yaml").read_text())["stages"]
    extracts = [name for name in before["bronze"]["deps"] if name.startswith("data/")]
    assert after["bronze"]["deps"][:5] == ["data/bureau_scores.csv", *extracts]
    repository.command("generate", "--check").check_returncode()

    (repository.path / "data/bureau_scores.csv").write_text(
        "Customer_ID,snapshot_date\nCUS_0x1051,2024-01-01\n"
    )
    repository.dvc("add", "data/bureau_scores.csv")
    ran, built = repository.repro("bronze")
    assert ran == ["bronze"]
    assert "Bronze(table=bureau_scores)" in built
    assert (repository.path / "datamart/bronze/bureau_scores.parquet/_SUCCESS").exists()
