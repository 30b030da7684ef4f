"""One process at a time publishes; a killed one keeps nothing locked and leaves nothing behind."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running import ROOT

from luigi_tasks.core import locks, storage, temporary
from luigi_tasks.core.files import LocalFiles
from luigi_tasks.core.targets import Directory


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def in_a_child(seconds: float, *, ready: Path = Path("ready")) -> int:
    """A process that holds the lock for so long; its number, once it does."""
    child = os.fork()
    if child == 0:
        with locks.publishing():
            ready.touch()
            time.sleep(seconds)
        os._exit(0)
    while not ready.exists():
        time.sleep(0.01)
    return child


def a_dead_process() -> int:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


def test_a_second_process_waits_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "luigi-interface")
    child = in_a_child(1.5)
    begun = time.monotonic()
    with locks.publishing():
        waited = time.monotonic() - begun
    os.waitpid(child, 0)
    assert waited > 1
    assert caplog.messages == [
        "waiting for another run of this project to publish (.cache/publishing.lock)"
    ]


def test_who_is_killed_holds_the_lock_no_longer() -> None:
    child = in_a_child(60)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    begun = time.monotonic()
    with locks.publishing(), locks.publishing():
        assert time.monotonic() - begun < 1


def test_a_process_that_is_handed_a_lock_holds_it_as_long_as_it_lives() -> None:
    lock = Path("own.lock")
    words = [sys.executable, "-c", "import time; time.sleep(1.5)"]
    with locks.alone(lock) as handle:
        begun = time.monotonic()
        child = subprocess.Popen(words, pass_fds=(handle,))
    with locks.alone(lock):
        assert time.monotonic() - begun > 1
    child.wait()


def test_staging_of_a_process_that_lives_is_left_alone_and_of_a_dead_one_removed() -> None:
    target = Directory(Path("store/dataset"))
    child = in_a_child(60)
    theirs = temporary.beside(target.path).name
    living = Path("store") / theirs.replace(str(os.getpid()), str(child))
    dead = Path("store") / theirs.replace(str(os.getpid()), str(a_dead_process()))
    for folder in (living, dead):
        folder.mkdir(parents=True)
    own = target.staging()
    own.mkdir()
    assert living.exists()
    assert not dead.exists()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert target.staging() == own
    assert not list(Path("store").iterdir())


def test_what_a_process_of_another_host_writes_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = temporary.beside(Path("dataset")).name.replace(str(os.getpid()), str(a_dead_process()))
    assert temporary.is_abandoned(name)
    state = os.uname_result(("Linux", f"not-{socket.gethostname()}", "", "", ""))
    monkeypatch.setattr(os, "uname", lambda: state)
    assert not temporary.is_abandoned(name)


def test_a_sweep_removes_what_dead_processes_left_and_nothing_else() -> None:
    dead = temporary.beside(Path("x")).name.replace(str(os.getpid()), str(a_dead_process()))
    gone = [f"datamart/{dead}/part", f"model_store/deep/{dead}", f".cache/digests/{dead}"]
    kept = ["datamart/x/part", "reports/.notes.2024", "model_store/.hidden/y", "data/x.csv"]
    for name in (*gone, *kept):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("")
    storage.sweep()
    assert LocalFiles().names(Path()) == sorted(kept)
    assert not Path("datamart", dead).exists()


def test_a_read_only_file_system_is_no_reason_for_a_command_that_looks_to_stop() -> None:
    program = "from luigi_tasks.core import locks\nwith locks.publishing(): print('went on')"
    mounted = "mount -t tmpfs tmpfs . && cd $PWD && mkdir .cache && mount -o remount,ro . && "
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = f'{mounted}exec "{sys.executable}" -c "{program}"'
    done = subprocess.run(
        [*words, command], env=environment, capture_output=True, text=True, check=False
    )
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr
