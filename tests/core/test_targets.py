"""An output is published whole or not at all, and knows what made it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from luigi_tasks.core import digests
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.pages import Page
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


def build_page(target: StageTarget, text: str) -> Path:
    built = target.staging()
    built.write_text(f"# {text}\n<!-- a comment -->\n")
    return built


KINDS: dict[str, tuple[StageTarget, Callable[[StageTarget, str], Path], str]] = {
    "directory": (Directory(Path("store/dataset")), build_directory, "dataset/part-00000.parquet"),
    "document": (
        Document(Path("store/metadata.json"), beside=("model.pkl",)),
        build_document,
        "model.pkl",
    ),
    "picture": (Picture(Path("store/picture.png")), build_picture, "picture.png"),
    "page": (Page(Path("store/page.md")), build_page, "page.md"),
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


PLACES = {
    "directory": "dataset/_SUCCESS",
    "document": "metadata.json",
    "picture": "picture.png",
    "page": "page.md",
}


def noticed(target: StageTarget) -> bool:
    """Whether a reader of the target would know that it is not as it was published."""
    provenance = target.provenance()
    return provenance is None or target.damage(provenance) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_every_byte_of_a_file_that_holds_a_provenance_counts(kind: str) -> None:
    target, build, _ = KINDS[kind]
    target.publish(build(target, "first"), RECIPE)
    path = Path("store") / PLACES[kind]
    data = path.read_bytes()
    for position in range(len(data)):
        flipped = bytes([data[position] ^ 1])
        path.write_bytes(data[:position] + flipped + data[position + 1 :])
        assert noticed(target), f"byte {position} of {data!r}"
    for changed in (data + b" ", data[:-1], data + data):
        path.write_bytes(changed)
        assert noticed(target)
    path.write_bytes(data)
    assert not noticed(target)


NO_PROVENANCE = ["", "null", "7", "[]", "[1]", "{}", '"text"', "[" * 9999, "\xff", "\0"]
NO_PROVENANCE += ['{"provenance": []}', '{"recipe": [], "content": "", "files": {}}']
NO_PROVENANCE += ['{"recipe": {"params": []}, "content": "\\ud800", "files": {"": ""}}']


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", NO_PROVENANCE)
def test_a_file_that_holds_anything_else_is_built_again(kind: str, text: str) -> None:
    target, build, _ = KINDS[kind]
    target.publish(build(target, "first"), RECIPE)
    (Path("store") / PLACES[kind]).write_text(text, encoding="latin-1")
    assert noticed(target)
    target.publish(build(target, "first"), RECIPE)
    assert not noticed(target)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_in_place_of_a_file_is_noticed_and_replaced(kind: str) -> None:
    target, build, name = KINDS[kind]
    for place in (name, PLACES[kind]):
        target.publish(build(target, "first"), RECIPE)
        path = Path("store") / place
        path.unlink()
        (path / "deeper").mkdir(parents=True)
        assert noticed(target), place
        target.publish(build(target, "first"), RECIPE)
        assert not noticed(target), place


def test_a_file_in_place_of_a_folder_is_noticed_and_replaced() -> None:
    target, build, _ = KINDS["directory"]
    target.publish(build(target, "first"), RECIPE)
    for name in ("dataset/sub", "dataset"):
        shutil.rmtree(Path("store") / name)
        (Path("store") / name).write_text("a file")
        assert noticed(target)
        target.publish(build(target, "first"), RECIPE)
        assert not noticed(target)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_where_the_folder_of_outputs_should_be_is_told_in_a_sentence(kind: str) -> None:
    target, _, _ = KINDS[kind]
    Path("store").write_text("a file")
    assert target.provenance() is None
    with pytest.raises(PipelineError, match="store is a file; it should be a folder"):
        target.staging()


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


def test_the_files_of_a_directory_are_not_read_again_after_it_is_published() -> None:
    target = Directory(Path("store/dataset"))
    staging = build_directory(target, "text")
    for file in ("part-00000.parquet", "sub/more"):
        os.utime(staging / file, (1000, 1000))
    target.publish(staging, RECIPE)
    notes = "".join(note.read_text() for note in digests.CACHE.iterdir())
    for file in ("part-00000.parquet", "sub/more"):
        assert str((target.path / file).absolute()) in notes


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


def test_a_page_begins_with_its_text_and_what_a_recipe_holds_does_not_end_its_comment() -> None:
    target, build, _ = KINDS["page"]
    target.publish(build(target, "first"), {"task": "--> shown to all"})
    text = target.path.read_text()
    assert text.startswith("# first\n<!-- a comment -->\n")
    assert text.count("-->") == 2
    provenance = target.provenance()
    assert provenance is not None
    assert provenance.recipe == {"task": "--> shown to all"}


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
