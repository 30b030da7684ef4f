"""What the command says to a bad input: one sentence, a code that is not 0, no traceback."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from running import Project


def refused(done: subprocess.CompletedProcess[str], *sentences: str) -> None:
    """Fail unless the command was refused in one of these sentences, or what begins with one."""
    assert done.returncode != 0, f"went through instead of {sentences}"
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
    said = [line for line in done.stderr.splitlines() if any(each in line for each in sentences)]
    assert said, done.stderr[-3000:]


@contextmanager
def keeps_its_outputs(project: Project) -> Iterator[None]:
    """Fail unless every output is after the block what it was before, byte for byte."""
    before = project.digests()
    yield
    assert project.digests() == before
