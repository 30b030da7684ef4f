"""What the stages import later is imported ahead: once, in their order, and never at any cost."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from luigi_tasks.core import imports

ROOT = Path(__file__).parents[2]


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the modules slow_1, slow_2 and slow_3 write that they are imported."""
    for number in (1, 2, 3):
        text = "from pathlib import Path\n"
        text += f"with Path({str(tmp_path / 'log')!r}).open('a') as f: f.write('{number}')\n"
        (tmp_path / f"slow_{number}.py").write_text(text)
        monkeypatch.delitem(sys.modules, f"slow_{number}", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(imports, "_expected", {})
    return tmp_path / "log"


def test_what_several_stages_expect_is_imported_once_in_their_order(log: Path) -> None:
    imports.expect(["slow_3", "slow_1"])
    imports.expect(["slow_1", "slow_2"])
    imports.start()
    for thread in threading.enumerate():
        if thread.name == "imports":
            thread.join()
    imports.all_now()
    assert log.read_text() == "312"


def test_what_an_engine_needs_before_a_fork_comes_first(log: Path) -> None:
    imports.expect(["slow_1"])
    imports.all_now(["slow_2"])
    assert log.read_text() == "21"


def test_nothing_is_imported_unless_it_is_expected(log: Path) -> None:
    imports.start()
    assert "imports" not in [thread.name for thread in threading.enumerate()]
    assert not log.exists()


def test_a_process_that_ends_before_its_imports_says_nothing_of_them() -> None:
    words = "from luigi_tasks.core import imports; imports.expect(['sklearn.ensemble']); "
    done = subprocess.run(
        [sys.executable, "-c", words + "imports.start()"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_module_that_cannot_be_imported_stops_nothing(log: Path) -> None:
    imports.expect(["no_such_module", "slow_1"])
    imports.all_now()
    assert log.read_text() == "1"
