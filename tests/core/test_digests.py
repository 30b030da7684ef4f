"""A file's digest changes with what it holds, and is found again without reading it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from luigi_tasks.core import digests


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


def test_a_damaged_cache_costs_time_and_nothing_else() -> None:
    path = Path("file")
    path.write_bytes(b"text")
    os.utime(path, (1000, 1000))
    before = digests.of_file(path)
    for note in digests.CACHE.iterdir():
        note.write_text("{")
    digests._of_file.cache_clear()
    assert digests.of_file(path) == before
