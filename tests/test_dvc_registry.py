"""The model registry: versions and stages of the champion are git tags."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from repositories import Repository
from running import BIN, ROOT

SECTION = (ROOT / "docs/dvc.md").read_text().partition("## Model registry\n")[2]
BLOCK = re.search(r"```console\n(.*?)```", SECTION, flags=re.S)


def fetched(repository: Repository, out: Path, *which: str) -> bytes:
    """The champion, from outside of the repository."""
    repository.dvc("artifacts", "get", str(repository.path), "champion", *which, "--out", str(out))
    return out.read_bytes()


@pytest.mark.slow
def test_versions_and_stages_are_registered_and_fetched_as_documented(
    repository: Repository, tmp_path: Path
) -> None:
    assert BLOCK
    said = [repository.done(*line.split()[1:]) for line in BLOCK[1].splitlines()]
    assert re.search(r"champion\W+v1\.0\.0\W+v1\.0\.0", said[3])
    assert repository.git("tag").split() == ["champion#prod#1", "champion@v1.0.0"]
    model = repository.path / repository.champion()
    first = model.read_bytes()
    assert (repository.path / "champion.pkl").read_bytes() == first
    (repository.path / "champion.pkl").unlink()

    repository.edit("params.yaml", "calibration: none", "calibration: sigmoid")
    repository.repro()
    repository.commit("calibrated")
    repository.dvc("push")
    repository.done(str(BIN / "gto"), "register", "champion")
    second = model.read_bytes()
    assert second != first
    repository.git("clone", "--quiet", str(repository.path), str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")  # without the cache: what it hands out is the remote's
    assert fetched(clone, tmp_path / "prod.pkl", "--stage", "prod") == first
    assert fetched(clone, tmp_path / "v1.0.0.pkl", "--rev", "v1.0.0") == first
    assert fetched(clone, tmp_path / "v1.0.1.pkl", "--rev", "v1.0.1") == second
