"""Real servers of Apache Spark, a cluster and Spark Connect, give the tables of Sail."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from engine_runs import (
    assert_same_tables,
    environment,
    needs_java,
    only_bronze,
    same_rows,
    start_gold,
)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(log: Path, text: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while text not in log.read_text():
        assert time.monotonic() < end, f"{text!r} not in {log}:\n{log.read_text()[-2000:]}"
        time.sleep(0.2)


class Servers:
    """Processes of Apache Spark on loopback, each the leader of a group of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, ready: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Run a class of Spark until it logs that it is ready."""
        import pyspark

        spark_class = Path(pyspark.__file__).parent / "bin" / "spark-class"
        log = self.folder / f"{name}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [str(spark_class), *arguments],
                env={**environment(), "SPARK_DAEMON_MEMORY": "512m"},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(process)
        wait_for(log, ready)
        return process

    def kill(self) -> None:
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    """Starts servers and kills them; few shuffle partitions, and what happened in events/."""
    (tmp_path / "events").mkdir()
    defaults = {
        "spark.sql.shuffle.partitions": "2",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": f"file://{tmp_path}/events",
        "spark.eventLog.rolling.enabled": "false",
        "spark.eventLog.compress": "false",
    }
    lines = "".join(f"{name} {value}\n" for name, value in defaults.items())
    (tmp_path / "spark-defaults.conf").write_text(lines)
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    started = Servers(tmp_path)
    try:
        yield started
    finally:
        started.kill()


@dataclass(frozen=True)
class Worker:
    """A worker of a cluster and the folder with the logs of its executors."""

    process: subprocess.Popen[bytes]
    folder: Path

    def tasks(self, word: str) -> int:
        """How many tasks its executors logged as "Running" or as "Finished"."""
        return sum(log.read_text().count(f"{word} task ") for log in self.folder.glob("*/*/stderr"))


@pytest.fixture
def cluster(servers: Servers, tmp_path: Path) -> tuple[str, list[Worker]]:
    """A standalone master and two workers: (address, workers)."""
    port = free_port()
    place = "org.apache.spark.deploy"
    address = f"spark://127.0.0.1:{port}"
    ports = ("--host", "127.0.0.1", "--webui-port", "0")
    ready = "Starting Spark master"
    servers.start("master", ready, f"{place}.master.Master", *ports, "--port", str(port))
    workers = []
    for name in ("worker1", "worker2"):
        folder = tmp_path / name
        limits = ("--cores", "1", "--memory", "1200m", "--work-dir", str(folder))
        ready = "Successfully registered with master"
        process = servers.start(name, ready, f"{place}.worker.Worker", *ports, *limits, address)
        workers.append(Worker(process, folder))
    return address, workers


@needs_java
@pytest.mark.nightly
def test_a_cluster_gives_the_tables_of_sail(
    by_sail: Path, tmp_path: Path, cluster: tuple[str, list[Worker]]
) -> None:
    datamart = same_rows(tmp_path / "cluster", by_sail, "spark", "--engine-master", cluster[0])
    assert_same_tables(by_sail / "datamart", datamart)


@needs_java
@pytest.mark.nightly
def test_a_spark_connect_server_gives_the_tables_of_sail(
    by_sail: Path, tmp_path: Path, servers: Servers
) -> None:
    port = free_port()
    options = {
        "spark.ui.enabled": "false",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
    }
    server = "org.apache.spark.sql.connect.service.SparkConnectServer"
    servers.start(
        "connect",
        "Spark Connect server started",
        *("org.apache.spark.deploy.SparkSubmit", "--master", "local[2]", "--class", server),
        *(word for name, value in options.items() for word in ("--conf", f"{name}={value}")),
        "spark-internal",
    )
    address = f"sc://127.0.0.1:{port}"
    datamart = same_rows(tmp_path / "connect", by_sail, "connect", "--engine-remote", address)
    assert_same_tables(by_sail / "datamart", datamart)


@needs_java
@pytest.mark.nightly
def test_a_run_survives_the_loss_of_a_worker_in_silver(
    by_sail: Path, tmp_path: Path, cluster: tuple[str, list[Worker]]
) -> None:
    address, (worker, _) = cluster
    folder = only_bronze(tmp_path / "killed", by_sail)
    run = start_gold(folder, "--engine-engine", "spark", "--engine-master", address)
    kill_at_work(worker)
    output, _ = run.communicate(timeout=500)
    assert run.returncode == 0, output[-4000:]
    assert "Lost executor" in output
    # Spark's own record: a task was running on what was lost.
    assert "ExecutorLostFailure" in next((tmp_path / "events").iterdir()).read_text()
    assert_same_tables(by_sail / "datamart", folder / "datamart")


def kill_at_work(worker: Worker) -> None:
    """Kill a worker and its executor, which is a process of the same group, during a task."""
    end = time.monotonic() + 200
    while time.monotonic() < end:
        os.killpg(worker.process.pid, signal.SIGSTOP)
        if worker.tasks("Running") > worker.tasks("Finished"):
            os.killpg(worker.process.pid, signal.SIGKILL)
            return
        os.killpg(worker.process.pid, signal.SIGCONT)
        time.sleep(0.1)
    raise AssertionError("the worker had no task to run")
