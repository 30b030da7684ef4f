"""A model that somebody put into the store: it runs no code, and with a key it is not used."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from crafted_pickles import calling
from running import Project

from luigi_tasks.core import digests, signing

pytestmark = pytest.mark.slow

SECRET = "0123456789abcdef" * 2
METADATA, MODEL = "model_store/model_metadata_1.json", "model_store/best_model_1.pkl"
CANDIDATES = Path("model_store/candidates/generation_1")


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (signing.KEY, signing.KEY_FILE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def signed(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A finished project that was signed when its key was new."""
    monkeypatch.setenv(signing.KEY, SECRET)
    done = project.command("sign")
    assert done.returncode == 0, done.stderr
    return project


def replace_model(project: Project, data: bytes) -> None:
    """Put a model in place, with its SHA-256 and the content digest in the metadata."""
    (project.path / MODEL).write_bytes(data)
    path = project.path / METADATA
    document: dict[str, Any] = json.loads(path.read_bytes())
    provenance = document.pop("provenance")
    provenance["files"][Path(MODEL).name] = hashlib.sha256(data).hexdigest()
    provenance["content"] = digests.of_json([document, provenance["files"]])
    provenance.pop("checksum")  # as older versions published it
    path.write_text(json.dumps({**document, "provenance": provenance}))


def replace_candidate(project: Project, name: str, data: bytes) -> None:
    """Put scores of a candidate in place, with their SHA-256 and the content digest beside them."""
    folder = project.path / CANDIDATES / name
    (folder / "scores.parquet").write_bytes(data)
    provenance: dict[str, Any] = json.loads((folder / "_SUCCESS").read_bytes())
    provenance["files"]["scores.parquet"] = hashlib.sha256(data).hexdigest()
    provenance["content"] = digests.of_json(provenance["files"])
    provenance.pop("checksum")  # as older versions published it
    (folder / "_SUCCESS").write_text(json.dumps(provenance))


def test_a_model_that_would_run_code_is_not_run_by_the_pipeline(project: Project) -> None:
    replace_model(project, calling("joblib.parallel", "os.system", "touch intruded"))
    done = project.luigi("Pipeline")
    assert done.returncode == 30
    assert "best_model_1.pkl: refused, it asks for joblib.parallel.os.system" in done.stderr
    assert not (project.path / "intruded").exists()


def test_a_key_makes_nothing_stale_and_changes_no_output(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = project.digests()
    monkeypatch.setenv(signing.KEY, SECRET)
    refused = project.luigi("Pipeline")
    assert refused.returncode != 0
    assert "decisions.jsonl: refused, it is not signed" in refused.stderr
    assert project.command("sign").returncode == 0
    after = project.digests()
    assert {path: after[path] for path in before} == before
    assert {Path(path).name for path in after.keys() - before.keys()} == {
        "_SUCCESS.sig",
        "model_metadata_1.json.sig",
        "decisions.jsonl.sig",
        "retrain_marker.json.sig",
    }
    assert project.stale() == {}
    assert project.built_by("Pipeline") == []


def test_what_a_run_with_a_key_builds_is_signed(signed: Project) -> None:
    for path in signed.path.rglob("*.sig"):
        if path.parent.name != "governance":
            path.unlink()
    signed.edit("params.yaml", "threshold: 0.5 ", "threshold: 0.4 ")
    signed.edit("params.yaml", "max_depth: 10", "max_depth: 9")
    done = signed.luigi("BestModel")
    assert done.returncode != 0, "the other candidates are not signed"
    assert "_SUCCESS: refused, it is not signed" in done.stderr
    shutil.rmtree(signed.path / CANDIDATES)
    assert "BestModel(generation=1)" in signed.built_by("Pipeline")
    assert {path.parent.name for path in signed.path.rglob("_SUCCESS.sig")} == {
        "logistic_regression",
        "random_forest",
        "gradient_boosting",
        "soft_voting",
    }


def test_a_replaced_model_is_refused_with_a_key(signed: Project) -> None:
    replace_model(signed, calling("joblib.parallel", "os.system", "touch intruded"))
    done = signed.luigi("Pipeline")
    assert done.returncode == 30
    assert "model_metadata_1.json.sig is not its signature" in done.stderr


def test_a_replaced_candidate_is_not_signed_as_the_champion(signed: Project) -> None:
    other = signed.path / CANDIDATES / "gradient_boosting" / "scores.parquet"
    replace_candidate(signed, "random_forest", other.read_bytes())
    (signed.path / METADATA).unlink()
    done = signed.luigi("Pipeline")
    assert done.returncode == 30
    assert "random_forest/_SUCCESS: refused, _SUCCESS.sig is not its signature" in done.stderr
    assert not (signed.path / METADATA).exists()


def test_a_damaged_model_is_not_signed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "there is no key to sign with" in project.command("sign").stderr
    monkeypatch.setenv(signing.KEY, SECRET)
    (project.path / MODEL).write_bytes(b"other")
    done = project.command("sign")
    assert done.returncode == 1
    assert "model_metadata_1.json: not signed: best_model_1.pkl was changed" in done.stderr
    assert not list(project.path.rglob("model_metadata_1.json.sig"))


def test_a_candidate_that_ends_the_program_is_no_success(project: Project) -> None:
    project.edit("params.yaml", "class: sklearn.linear_model.LogisticRegression", "class: sys.exit")
    done = project.luigi("Pipeline")
    assert done.returncode not in (0, 1)
    assert "logistic_regression.class = sys.exit is no class" in done.stderr
