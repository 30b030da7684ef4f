"""`make torture` in small: it still runs, what it tries survives, and it would see a mixture."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from running import ROOT, Project

pytestmark = pytest.mark.nightly


@pytest.mark.parametrize("words", ["kills --kills 4", "flips --flips 160"])
def test_what_the_torture_tries_survives(words: str, tmp_path: Path) -> None:
    table = tmp_path / "table.json"
    only = ["--only", *words.split(), "--json", str(table)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.torture", *only],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    rows = json.loads(table.read_text())
    assert sum(row["tried"] for row in rows) >= int(words.split()[-1])
    assert all(row["tried"] == row["survived"] > 0 for row in rows)


MIXTURE = """
import sys
from pathlib import Path

from benchmarks.torture import projects
from benchmarks.torture.projects import BrokenError, Project

project = Project(Path(sys.argv[1]))
allowed = {path: {digest} for path, digest in project.digests().items()}
projects.check_readers(project, allowed)
pickle = project.path / "model_store" / "best_model_1.pkl"
pickle.write_bytes((project.path / "model_store/label_encoders_1.pkl").read_bytes())
for path, digest in project.digests().items():
    allowed[path].add(digest)  # every file by itself is one that is allowed
try:
    projects.check_readers(project, allowed)
except BrokenError as error:
    print(error)
"""


def test_a_model_of_one_run_with_the_metadata_of_another_would_be_seen(project: Project) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MIXTURE, str(project.path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "best_model_1.pkl was changed after it was published" in done.stdout
