"""A model and its metadata change together, at whatever moment the publisher is killed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from running import Project
from sklearn.dummy import DummyClassifier

from luigi_tasks.core.targets import Document
from luigi_tasks.models import artefacts
from luigi_tasks.models.names import metadata_path, model_files
from luigi_tasks.models.store import load_model

MODEL = Document(metadata_path(1), beside=model_files(1))


def build(strategy: str) -> Path:
    """A model that can be told by its strategy, with the metadata of the model before."""
    metadata = json.loads(MODEL.path.read_bytes())
    del metadata["provenance"]
    built = MODEL.staging()
    built.mkdir()
    for name in model_files(1):
        artefacts.dump(DummyClassifier(strategy=strategy), built / name)
    (built / MODEL.path.name).write_text(json.dumps(metadata))
    return built


def publish_and_die(built: Path, calls: int) -> bool:
    """Publish in a process that dies at its n-th file operation; true if it got through."""
    child = os.fork()
    if child == 0:
        left = calls

        def count(_frame: object, event: str, function: object) -> None:
            nonlocal left
            if event == "c_call" and getattr(function, "__module__", "") in ("posix", "io", "_io"):
                left -= 1
            if left < 0:
                os._exit(9)

        sys.setprofile(count)
        MODEL.publish(built, {"task": "Second"})
        sys.setprofile(None)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def test_a_reader_finds_the_old_model_or_the_new_one_whenever_the_publisher_is_killed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.path)
    seen = set()
    for calls in range(5000):
        MODEL.publish(build("prior"), {"task": "First"})
        through = publish_and_die(build("uniform"), calls)
        strategy = load_model(1).strategy
        provenance = MODEL.provenance()
        assert provenance is not None
        assert (strategy, provenance.recipe["task"]) in [("prior", "First"), ("uniform", "Second")]
        assert MODEL.damage(provenance) is None
        seen.add(strategy)
        if through:
            break
    assert seen == {"prior", "uniform"}
    MODEL.publish(build("prior"), {"task": "First"})
    assert [path.name for path in MODEL.path.parent.glob(".*")] == []


def test_a_killed_publisher_whose_document_never_came_leaves_nothing_after_the_next_look(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.path)
    name, _ = model_files(1)
    Path(f"model_store/.{name}.new").write_bytes(b"another")
    assert MODEL.exists()
    assert [path.name for path in MODEL.path.parent.glob(".*")] == []
