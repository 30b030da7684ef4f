"""A proxy that swallows everything does not hold up what is on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from engine_runs import environment

from luigi_tasks.core import proxies

NAMES = ("http_proxy", "https_proxy", "grpc_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY")
QUERY = """
import luigi_tasks
from luigi_tasks.core.engines import session
assert session.current().range(3).count() == 3
"""


@pytest.mark.parametrize("exceptions", [{}, {"no_grpc_proxy": "there"}, {"NO_PROXY": "there"}])
def test_the_embedded_engine_answers_in_spite_of_it(
    tmp_path: Path, exceptions: dict[str, str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        run = subprocess.run(
            [sys.executable, "-c", QUERY],
            cwd=tmp_path,
            env={**environment(), **dict.fromkeys(NAMES, address), **exceptions},
            capture_output=True,
            text=True,
            timeout=40,
        )
    assert run.returncode == 0, run.stderr[-2000:]


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return monkeypatch


def test_what_the_user_excepted_stays_excepted(no_proxies: pytest.MonkeyPatch) -> None:
    no_proxies.setenv("https_proxy", "http://proxy:3128")
    no_proxies.setenv("no_proxy", "there,localhost")
    proxies.none_for_this_machine()
    proxies.none_for_this_machine()
    assert os.environ["no_proxy"] == "there,localhost,127.0.0.1,::1"
    no_proxies.setenv("no_proxy", "*")
    proxies.none_for_this_machine()
    assert os.environ["no_proxy"] == "*"


def test_without_a_proxy_the_environment_stays_as_it_is(no_proxies: pytest.MonkeyPatch) -> None:
    before = dict(os.environ)
    proxies.none_for_this_machine()
    assert dict(os.environ) == before
