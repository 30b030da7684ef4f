"""The digest of a source changes with what it does, and with nothing else."""

from __future__ import annotations

import pytest

from luigi_tasks.core.sources import of_source

SOURCE = '''
def add(a, b=1):
    """Add."""
    # a comment
    return a + b
'''


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
    assert of_source(same) == of_source(SOURCE)


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
    assert of_source(other) != of_source(SOURCE)


def test_a_list_and_its_elements_one_level_up_are_different_code() -> None:
    assert of_source("f([a], [])") != of_source("f([], [a])")
    assert of_source("f(a, b)") != of_source("f((a, b))")
