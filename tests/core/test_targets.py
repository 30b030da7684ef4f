"""An output is published whole or not at all, and knows what made it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from luigi_tasks.core.targets import Directory, Document, Picture, StageTarget

RECIPE = {"task": "Example", "params": {"n": 1}}
DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c63600000000200016cf5c1d70000000049454e44ae426082"
)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def build_directory(target: StageTarget, text: str) -> Path:
    built = target.staging()
    (built / "sub").mkdir(parents=True)
    (built / "part-00000.parquet").write_text(text)
    (built / "sub" / "more").write_text("more")
    return built


def build_document(target: StageTarget, text: str) -> Path:
    built = target.staging()
    built.mkdir()
    (built / "model.pkl").write_text(text)
    (built / "metadata.json").write_text(json.dumps({"text": text}))
    return built


def build_picture(target: StageTarget, text: str) -> Path:
    built = target.staging()
    built.write_bytes(DOT)
    return built


KINDS: dict[str, tuple[StageTarget, Callable[[StageTarget, str], Path], str]] = {
    "directory": (Directory(Path("store/dataset")), build_directory, "dataset/part-00000.parquet"),
    "document": (
        Document(Path("store/metadata.json"), beside=("model.pkl",)),
        build_document,
        "model.pkl",
    ),
    "picture": (Picture(Path("store/picture.png")), build_picture, "picture.png"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_published_target_carries_its_recipe_and_is_undamaged(kind: str) -> None:
    target, build, _ = KINDS[kind]
    assert not target.exists()
    target.publish(build(target, "first"), RECIPE)
    provenance = target.provenance()
    assert provenance is not None
    assert provenance.recipe == RECIPE
    assert target.damage(provenance) is None
    assert [path.name for path in Path("store").iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_content_digest_is_that_of_the_content_not_of_the_recipe(kind: str) -> None:
    target, build, _ = KINDS[kind]

    def content(text: str, recipe: dict) -> str:
        target.publish(build(target, text), recipe)
        provenance = target.provenance()
        assert provenance is not None
        return provenance.content

    first = content("first", RECIPE)
    assert content("first", {"task": "Another"}) == first
    if kind != "picture":
        assert content("second", RECIPE) != first


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_was_altered_or_cut_off_is_noticed(kind: str) -> None:
    target, build, name = KINDS[kind]
    target.publish(build(target, "first"), RECIPE)
    path = Path("store") / name
    data = path.read_bytes()
    changed = data[:-20] + bytes([data[-20] ^ 1]) + data[-19:] if len(data) > 20 else b"x" + data
    path.write_bytes(changed)
    provenance = target.provenance()
    assert provenance is None or target.damage(provenance)


def test_a_directory_that_lost_a_file_is_noticed() -> None:
    target, build, _ = KINDS["directory"]
    target.publish(build(target, "first"), RECIPE)
    Path("store/dataset/sub/more").unlink()
    assert target.damage(target.provenance() or {}) == "sub/more is missing"


@pytest.mark.parametrize("name", ["part-00000 (copy).parquet", "sub/.hidden", "new/more"])
def test_a_file_that_does_not_belong_to_a_directory_is_damage(name: str) -> None:
    target, build, _ = KINDS["directory"]
    target.publish(build(target, "first"), RECIPE)
    stranger = target.path / name
    stranger.parent.mkdir(exist_ok=True)
    stranger.write_text("first")
    provenance = target.provenance()
    assert provenance is not None
    assert target.damage(provenance) == f"{name} does not belong to it"
    target.publish(build(target, "first"), RECIPE)
    assert target.damage(provenance) is None
    assert not stranger.exists()


def test_the_picture_can_still_be_opened() -> None:
    from matplotlib.image import imread

    target, build, _ = KINDS["picture"]
    target.publish(build(target, ""), RECIPE)
    assert imread(target.path).shape[:2] == (1, 1)


def _publish_and_die(target: StageTarget, built: Path, calls: int) -> bool:
    """Publish in a child process that dies at its n-th file operation; true if it got through."""
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
        target.publish(built, {"task": "Second"})
        sys.setprofile(None)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_publisher_killed_at_any_moment_leaves_the_old_output_or_the_new_one(kind: str) -> None:
    target, build, _ = KINDS[kind]
    seen = set()
    for calls in range(5000):
        target.publish(build(target, "first"), RECIPE)
        through = _publish_and_die(target, build(target, "second"), calls)
        provenance = target.provenance()
        assert provenance is not None, f"nothing is left after operation {calls}"
        assert target.damage(provenance) is None, f"mixed after operation {calls}"
        if kind == "document":
            text = json.loads(target.path.read_text())["text"]
            assert Path("store/model.pkl").read_text() == text
        seen.add(provenance.recipe["task"])
        if through:
            break
    assert seen == {"Example", "Second"}


def test_what_a_killed_run_left_is_removed_by_the_next() -> None:
    target, build, _ = KINDS["directory"]
    leftover = Path("store/.dataset.12345.tmp")
    leftover.mkdir(parents=True)
    (leftover / "part").write_text("half")
    target.publish(build(target, "first"), RECIPE)
    assert not leftover.exists()
