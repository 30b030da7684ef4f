"""A file's digest changes with what it holds, and is found again without reading it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from luigi_tasks.core import digests
from luigi_tasks.core.files import LocalFiles


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_file_is_known_by_its_bytes_wherever_and_whenever_it_was_written() -> None:
    one, other = Path("one"), Path("other")
    one.write_bytes(b"same")
    other.write_bytes(b"same")
    os.utime(other, (1, 1))
    assert digests.of_file(one) == digests.of_file(other)


def test_a_file_that_is_written_again_is_read_again_even_within_one_second() -> None:
    path = Path("file")
    found = []
    for text in (b"one", b"two", b"six"):
        path.write_bytes(text)
        found.append(digests.of_file(path))
    assert len(set(found)) == 3


def test_an_edit_that_keeps_size_and_modification_time_is_noticed() -> None:
    path = Path("file")
    path.write_bytes(b"one")
    os.utime(path, (1000, 1000))
    before = digests.of_file(path)
    time.sleep(0.02)
    path.write_bytes(b"two")
    os.utime(path, (1000, 1000))
    assert digests.of_file(path) != before


def test_a_digest_is_remembered_across_processes_only_once_the_file_has_settled() -> None:
    path = Path("file")
    path.write_bytes(b"fresh")
    digests.of_file(path)
    assert not digests.CACHE.exists()
    os.utime(path, (1000, 1000))
    digests.of_file(path)
    [note] = digests.CACHE.iterdir()
    assert str(path.absolute()) in note.read_text()


def test_a_file_that_was_moved_is_remembered_unless_it_changed_after_it_was_read() -> None:
    known = "0" * 64
    for name, text in (("same", b"read"), ("changed", b"other")):
        path = Path(name)
        path.write_bytes(b"read")
        os.utime(path, (1000, 1000))
        read = LocalFiles().signature(path)
        path.write_bytes(text)
        os.utime(path, (1000, 1000))
        digests.note(path, known, LocalFiles().signature(path) if name == "same" else read)
    assert digests.of_file(Path("same")) == known
    assert digests.of_file(Path("changed")) != known


def test_what_is_noted_too_early_is_remembered_later_unless_it_changed_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(digests, "_SETTLED_NS", 50_000_000)
    known = "0" * 64
    for name in ("same", "changed", "gone"):
        Path(name).write_bytes(b"text")
        digests.note(Path(name), known)
    assert not digests.CACHE.exists()
    time.sleep(0.06)
    Path("changed").write_bytes(b"edit")
    Path("gone").unlink()
    Path("later").write_bytes(b"later")
    digests.note(Path("later"), known)
    assert digests.of_file(Path("same")) == known
    assert digests.of_file(Path("changed")) != known
    assert len(list(digests.CACHE.iterdir())) == 1


def test_a_damaged_cache_costs_time_and_nothing_else() -> None:
    path = Path("file")
    path.write_bytes(b"text")
    os.utime(path, (1000, 1000))
    before = digests.of_file(path)
    for note in digests.CACHE.iterdir():
        note.write_text("{")
    digests.clear_memory()
    assert digests.of_file(path) == before


NOTES = ["", "null", "[]", "7", '"text"', "{}", '{"signature": 1}', "[" * 9999, "\xff"]


@pytest.mark.parametrize("text", NOTES)
def test_a_note_that_is_none_costs_time_and_nothing_else(text: str) -> None:
    path = Path("file")
    path.write_bytes(b"text")
    os.utime(path, (1000, 1000))
    before = digests.of_file(path)
    assert digests.remembered("span-1", lambda: ["2023-01-01"]) == ["2023-01-01"]
    for note in digests.CACHE.iterdir():
        note.write_text(text, encoding="latin-1")
    digests.clear_memory()
    assert digests.of_file(path) == before
    assert digests.remembered("span-1", lambda: ["2023-01-01"]) == ["2023-01-01"]


def test_a_note_that_became_a_folder_costs_time_and_nothing_else() -> None:
    digests.remembered("code-1", lambda: 1)
    [note] = digests.CACHE.iterdir()
    note.unlink()
    note.mkdir()
    digests.clear_memory()
    assert digests.remembered("code-1", lambda: 2) == 2


def test_a_note_that_was_edited_or_renamed_is_not_believed() -> None:
    path = Path("file")
    path.write_bytes(b"text")
    os.utime(path, (1000, 1000))
    right = digests.of_file(path)
    for name, value in (("span-1", "2023-01-01"), ("span-2", "2024-01-01")):
        digests.remembered(name, lambda value=value: value)
    for note in digests.CACHE.iterdir():
        text = note.read_text().replace(right, right[::-1]).replace("2023", "2022")
        note.write_text(text)
    (digests.CACHE / "span-2.json").replace(digests.CACHE / "span-3.json")
    digests.clear_memory()
    assert digests.of_file(path) == right
    assert digests.remembered("span-1", lambda: "2023-01-01") == "2023-01-01"
    assert digests.remembered("span-3", lambda: "2025-01-01") == "2025-01-01"


def test_what_was_forgotten_is_found_out_again() -> None:
    digests.remembered("span-1", lambda: 1)
    digests.forget()
    assert not digests.CACHE.exists()
    assert digests.remembered("span-1", lambda: 2) == 2


def test_another_process_may_note_something_while_all_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    digests.clear_memory()
    digests.remembered("span-1", lambda: 1)
    remove = os.rmdir

    def meanwhile(path: str, **options: int) -> None:
        digests.remembered("span-2", lambda: 2)
        remove(path, **options)

    monkeypatch.setattr(os, "rmdir", meanwhile)
    digests.forget()
    assert [note.name for note in digests.CACHE.iterdir()] == ["span-2.json"]
    assert [path.name for path in digests.CACHE.parent.iterdir()] == [digests.CACHE.name]
