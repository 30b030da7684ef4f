"""Digests change with what a file holds and with what code does, and with nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from luigi_tasks.core import digests

SOURCE = '''
def add(a, b=1):
    """Add."""
    # a comment
    return a + b
'''


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "same",
    [
        SOURCE.replace("    # a comment\n", ""),
        SOURCE.replace('"""Add."""', '"""Add two numbers."""'),
        SOURCE.replace('    """Add."""\n', ""),
        SOURCE.replace("(a, b=1)", "(\n    a,\n    b=1,\n)"),
        SOURCE.replace("a + b", "(a + b)"),
        '"""A module."""\n' + SOURCE,
    ],
)
def test_comments_docstrings_and_layout_are_not_code(same: str) -> None:
    assert digests.of_source(same) == digests.of_source(SOURCE)


@pytest.mark.parametrize(
    "other",
    [
        SOURCE.replace("b=1", "b=2"),
        SOURCE.replace("b=1", "b=True"),
        SOURCE.replace("a + b", "a - b"),
        SOURCE.replace("a + b", "b + a"),
        SOURCE.replace("def add", "def plus"),
        SOURCE + "\nadd(1)\n",
        SOURCE.replace("return a + b", 'return "a + b"'),
        SOURCE.replace("def add", "async def add"),
    ],
)
def test_whatever_else_is_written_is_code(other: str) -> None:
    assert digests.of_source(other) != digests.of_source(SOURCE)


def test_a_list_and_its_elements_one_level_up_are_different_code() -> None:
    assert digests.of_source("f([a], [])") != digests.of_source("f([], [a])")
    assert digests.of_source("f(a, b)") != digests.of_source("f((a, b))")


def test_the_code_of_a_task_is_its_module_and_what_that_imports_from_the_package() -> None:
    import luigi_tasks

    assert luigi_tasks  # imports all modules
    monitoring = digests.of_code("luigi_tasks.monitoring.task")
    assert {
        "luigi_tasks.monitoring.task",
        "luigi_tasks.models.metrics",
        "luigi_tasks.core.task",
    } <= set(monitoring)
    gold = digests.of_code("luigi_tasks.layers.gold")
    assert "luigi_tasks.core.engines.sail" in gold
    assert "luigi_tasks.layers.silver" not in gold, "an imported task is an input, not code"
    assert "luigi_tasks.models.training_data" not in gold, "nothing depends on what comes after it"


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
