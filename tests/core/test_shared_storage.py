"""The datamart on an object store: what the pipeline promises holds there as well."""

from __future__ import annotations

import hashlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from luigi.target import FileSystemTarget
from running import Project

from luigi_tasks.core import tables
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import located, one_look
from luigi_tasks.core.targets import Directory

RECIPE = {"task": "Example"}


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """A bucket on an S3 server of our own on loopback, as a URI."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        patch.setenv("AWS_ALLOW_HTTP", "true")
        try:
            end = time.monotonic() + 60
            while socket.socket().connect_ex(("127.0.0.1", port)):
                assert time.monotonic() < end, "the S3 server does not start"
                time.sleep(0.1)
            bucket: Any = located("s3a://lake")
            bucket.fs.mkdir("lake")
            yield "s3a://lake"
        finally:
            server.kill()
            server.wait()


def publish(target: Directory, text: str) -> None:
    built = target.staging()
    (built / "part-00000.parquet").write_text(text)
    (built / "sub" / "more").write_text("more")
    target.publish(built, RECIPE)


def names(target: Directory) -> list[str]:
    return target.fs.names(target.path.parent)


# --- one output -----------------------------------------------------------------------------------


def test_a_directory_is_published_with_its_provenance_and_nothing_stays_beside_it(
    store: str,
) -> None:
    target = Directory(located(store, "published", "dataset"))
    assert isinstance(target, FileSystemTarget)
    assert not target.exists()
    for text in ("first", "second"):
        publish(target, text)
        provenance = target.provenance() or {}
        assert provenance.recipe == RECIPE
        assert target.damage(provenance) is None
        assert (target.path / "part-00000.parquet").read_text() == text
    kept = ["_SUCCESS", "part-00000.parquet", "sub/more"]
    assert names(target) == [f"dataset/{name}" for name in kept]


def test_an_altered_or_missing_object_is_noticed(store: str) -> None:
    target = Directory(located(store, "damaged", "dataset"))
    publish(target, "first")
    provenance = target.provenance() or {}
    (target.path / "part-00000.parquet").write_text("tsrif")
    assert "part-00000.parquet was changed" in str(target.damage(provenance))
    (target.path / "part-00000.parquet").unlink()
    assert target.damage(provenance) == "part-00000.parquet is missing"


def test_an_object_that_does_not_belong_to_a_directory_is_damage_and_is_not_read(
    store: str,
) -> None:
    target = Directory(located(store, "stranger", "dataset"))
    built: Any = target.staging()
    tables.write(built, pa.table({"n": [1, 2]}))
    target.publish(built, RECIPE)
    (target.path / "copy.parquet").write_bytes((target.path / tables.PART).read_bytes())
    provenance = target.provenance()
    assert provenance is not None
    assert target.damage(provenance) == "copy.parquet does not belong to it"
    with one_look(located(store)):
        assert target.damage(provenance) == "copy.parquet does not belong to it"
    assert tables.count_rows(target.path) == 2


def test_a_publisher_killed_at_any_moment_leaves_the_new_output_or_none_and_no_mixture(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Directory(located(store, "killed", "dataset"))
    fs: Any = type(target.path.fs)  # type: ignore[attr-defined]
    seen = set()
    for calls in range(20):
        publish(target, "first")
        left = calls

        def dying(name: str) -> Any:
            original = getattr(fs, name)

            def call(*words: Any, **options: Any) -> Any:
                nonlocal left
                left -= 1
                if left < 0:
                    raise KeyboardInterrupt
                return original(*words, **options)

            return call

        with monkeypatch.context() as patch:
            for name in ("mv", "rm"):
                patch.setattr(fs, name, dying(name))
            try:
                publish(target, "second")
                through = True
            except KeyboardInterrupt:
                through = False
        provenance = target.provenance()
        if provenance is None:
            seen.add("none")
        else:
            assert target.damage(provenance) is None, f"mixed after operation {calls}"
            seen.add((target.path / "part-00000.parquet").read_text())
        if through:
            break
    assert seen == {"none", "second"}
    assert names(target) == ["dataset/_SUCCESS", "dataset/part-00000.parquet", "dataset/sub/more"]


# --- the pipeline ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared(store: str, finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project that has run on this machine, run from scratch with its datamart in the store."""
    project = finished.copy(tmp_path_factory.mktemp("shared") / "project")
    for folder in ("datamart", "model_store", "reports", ".cache", "logs"):
        shutil.rmtree(project.path / folder)
    project.edit("luigi.cfg", "[worker]", f"[storage]\ndatamart = {store}/datamart\n\n[worker]")
    project.built_by("Pipeline", "--workers", "2")
    return project


def objects(store: str) -> dict[str, str]:
    """{path: SHA-256} of all that the datamart in the store holds."""
    root: Any = located(store, "datamart")
    return {
        f"datamart/{name}": hashlib.sha256((root / name).read_bytes()).hexdigest()
        for name in Directory(root).fs.names(root)
    }


@pytest.mark.nightly
def test_the_store_holds_the_same_bytes_as_a_datamart_on_this_machine(
    shared: Project, finished: Project, store: str
) -> None:
    assert objects(store) == finished.digests("datamart")
    here, there = (each.digests("model_store", "reports") for each in (finished, shared))
    # The page links to the tables only where they lie on this machine.
    assert here.pop("reports/index.html") != there.pop("reports/index.html")
    assert here == there
    assert not (shared.path / "datamart").exists()


@pytest.mark.nightly
def test_afterwards_nothing_is_stale_and_a_lost_object_makes_its_stage_run_again(
    shared: Project, store: str
) -> None:
    assert shared.built_by("Pipeline") == []
    located(store, "datamart", "gold", "features.parquet", "part-00000.parquet").unlink()
    reason = shared.stale()["GoldFeatures()"]
    assert reason.endswith("features.parquet: part-00000.parquet is missing")
    assert shared.built_by("Pipeline") == ["GoldFeatures()"]


# --- what cannot be -------------------------------------------------------------------------------


def test_a_file_uri_is_a_folder_of_this_machine(tmp_path: Path) -> None:
    assert located(f"file://{tmp_path}", "gold") == tmp_path / "gold"
    assert located("datamart", "gold") == Path("datamart/gold")


def test_a_uri_that_nothing_reads_is_refused_by_name() -> None:
    with pytest.raises(PipelineError, match=r"\[storage\] gopher://hole cannot be reached"):
        located("gopher://hole", "gold")


@pytest.mark.parametrize("setting", ["data", "model_store", "reports"])
def test_only_the_datamart_can_lie_on_shared_storage(setting: str, finished: Project) -> None:
    done = finished.luigi(
        "Pipeline", f"--storage-{setting.replace('_', '-')}", "memory://elsewhere"
    )
    assert done.returncode != 0
    assert f"[storage] {setting} = memory://elsewhere is not on this machine" in done.stderr
