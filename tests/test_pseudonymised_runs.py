"""With a key for pseudonyms nothing that leaves gold names a customer, and all else is the same."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from running import Project

from luigi_tasks.models import pseudonyms

SECRET = "fedcba9876543210" * 2
SETTING = "predictions.identifiers"
# What comes before the gold table, it, and what models are fitted on keep the ids.
INSIDE = (
    "luigi_tasks",
    "data",
    "datamart/bronze",
    "datamart/silver",
    "datamart/quarantine",
    "datamart/gold/features.parquet",
    "datamart/gold/training_data",
    "datamart/governance/published",  # of before it was switched on
)
PREDICTIONS = "datamart/gold/model_predictions.parquet"
SAME = ("datamart/gold/model_monitoring.parquet", "datamart/gold/feature_drift.parquet")


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (pseudonyms.KEY, f"{pseudonyms.KEY}_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def switched_on(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A finished project that is to use pseudonyms from the next run on."""
    switch_on(project)
    monkeypatch.setenv(pseudonyms.KEY, SECRET)
    return project


def switch_on(project: Project) -> None:
    project.edit("params.yaml", "identifiers: plain", "identifiers: pseudonyms")


def customers(project: Project) -> set[str]:
    """Every Customer_ID that was delivered."""
    bronze = (project.path / "datamart/bronze").glob("*.parquet")
    return {
        each
        for path in bronze
        for each in pq.read_table(path, columns=["Customer_ID"])["Customer_ID"].to_pylist()
        if each
    }


def outside(project: Project) -> dict[Path, bytes]:
    """The bytes of all files but those that may name customers; parquet is spelt out as well."""
    inside = {project.path / name for name in INSIDE}
    found = {}
    for path in sorted(project.path.rglob("*")):
        if path.is_file() and not inside & set(path.parents):
            text = b""
            if path.suffix == ".parquet":
                text = str(pq.ParquetFile(path).read().to_pylist()).encode()
            found[path.relative_to(project.path)] = path.read_bytes() + text
    return found


def leaks(project: Project, *printed: str) -> set[str]:
    """Where a Customer_ID can be read."""
    told = {**outside(project), Path("printed"): "".join(printed).encode()}
    ids = [each.encode() for each in customers(project)]
    assert len(ids) > 1_000
    return {str(path) for path, text in told.items() if any(each in text for each in ids)}


@pytest.mark.slow
def test_nothing_that_leaves_gold_names_a_customer_and_no_file_holds_the_key(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = {f"{PREDICTIONS}/part-00000.parquet", "datamart/gold/reasons.parquet/part-00000.parquet"}
    assert leaks(project) == off  # what there is to find
    switch_on(project)
    monkeypatch.setenv(pseudonyms.KEY, SECRET)
    status, done = project.command("status"), project.luigi("Pipeline")
    assert done.returncode == 0, done.stderr[-3000:]
    more = [project.command("status"), project.command("summary"), project.command("verify")]
    printed = [text for each in (status, done, *more) for text in (each.stdout, each.stderr)]
    assert leaks(project, *printed) == set()
    key = SECRET.encode()
    assert not [path for path, text in outside(project).items() if key in text]
    assert SECRET not in "".join(printed)


@pytest.mark.slow
def test_the_join_with_gold_goes_on_working_and_no_model_is_made_again(
    switched_on: Project,
) -> None:
    project = switched_on
    before = project.digests(*SAME, "model_store")
    plain = pq.read_table(project.path / PREDICTIONS).to_pandas()
    made = [task.partition("(")[0] for task in project.built_by("Pipeline")]
    assert made[0] == "Predictions"
    assert "Monitoring" in made
    assert {"GoldFeatures", "TrainingData", "TrainCandidate", "BestModel"}.isdisjoint(made)
    files = {path: digest for path, digest in before.items() if path.endswith(".parquet")}
    after = project.digests(*SAME, "model_store")
    assert {path: after[path] for path in files} == files
    hidden = pq.read_table(project.path / PREDICTIONS).to_pandas()
    assert hidden["loan_id"].is_monotonic_increasing
    assert hidden.equals(pseudonyms.pseudonymised(plain))


def test_switching_and_another_key_make_predictions_stale_and_say_why(
    switched_on: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = switched_on
    before = project.digests("datamart", "model_store")

    def why() -> str:
        return next(text for task, text in project.stale().items() if "Predictions(" in task)

    first = pseudonyms.fingerprint()
    assert why() == (f"params: {SETTING} plain → pseudonyms; task: pseudonym_key None → {first}")
    assert project.luigi("Predictions").returncode == 0
    monkeypatch.setenv(pseudonyms.KEY, SECRET[::-1])
    assert why() == f"task: pseudonym_key {first} → {pseudonyms.fingerprint()}"
    monkeypatch.delenv(pseudonyms.KEY)
    project.edit("params.yaml", "identifiers: pseudonyms", "identifiers: plain")
    assert project.luigi("Pipeline").returncode == 0
    assert project.digests("datamart", "model_store") == before


def test_without_a_key_the_run_is_refused_in_one_sentence_before_any_output_changes(
    project: Project,
) -> None:
    project.edit("params.yaml", "prediction_mob: 3", "prediction_mob: 2")  # all is stale
    switch_on(project)
    before = project.digests()
    for done in (project.luigi("Pipeline"), project.command("status")):
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        said = f"params.yaml: {SETTING} = pseudonyms needs a key; set {pseudonyms.KEY}_FILE"
        assert said in done.stderr
    assert project.digests() == before
