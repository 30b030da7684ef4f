"""`make scheduler` starts luigid where only this machine reaches it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from running import BIN, ROOT

LISTENING = "0A"


def listening_on(port: int) -> set[str]:
    """The local addresses, in the hexadecimal form of Linux, that listen on a port."""
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path("/proc/net", name).read_text().splitlines()[1:]
    ]
    return {
        fields[1].partition(":")[0]
        for fields in lines
        if fields[3] == LISTENING and int(fields[1].partition(":")[2], 16) == port
    }


@pytest.mark.skipif(
    shutil.which("make") is None or not Path("/proc/net/tcp").exists(),
    reason="no make, or no Linux",
)
def test_it_listens_on_loopback_alone(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    # It is the documented target; what it stands on, the installation, is there already.
    words = ["make", "-f", str(ROOT / "Makefile"), "-o", "install", "scheduler"]
    run = subprocess.Popen(
        [*words, f"VENV={BIN.parent}", f"PORT={port}"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 20
        while not listening_on(port):
            assert time.monotonic() < end, "luigid does not listen"
            time.sleep(0.1)
        assert listening_on(port) == {"0100007F"}
    finally:
        os.killpg(run.pid, signal.SIGTERM)
        run.wait()
