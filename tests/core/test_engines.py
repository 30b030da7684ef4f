"""Sail and Apache Spark give the same tables, and many small tasks never hang."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from nasty_rows import add_nasty_rows

from luigi_tasks.core.engines.config import ENGINES, EngineConfig
from luigi_tasks.core.engines.sail import regrouped
from luigi_tasks.extracts.sample_data import generate

ROOT = Path(__file__).parents[2]
LUIGI = [sys.executable, "-m", "luigi", "--module"]
# What silver and gold are made of, and what they set aside.
TABLES = (
    *(
        f"{folder}/{name}{suffix}"
        for name in (
            "features_attributes",
            "features_financials",
            "lms_loan_daily",
            "feature_clickstream",
        )
        for folder, suffix in (
            ("silver", ".parquet"),
            ("quarantine/silver", ".parquet"),
            ("quarantine/silver", "_nulls.parquet"),
        )
    ),
    "quarantine/quality/flagged_customers.parquet",
    "gold/features.parquet",
)

LEFT_BY_A_SESSION = ("SPARK_CONNECT_MODE_ENABLED", "SPARK_REMOTE")

needs_java = pytest.mark.skipif(
    shutil.which("java") is None, reason="no Java on the PATH: Apache Spark cannot be tested"
)


def environment() -> dict[str, str]:
    """That of the tests, without what a session of their own process has put there."""
    ours = {name: value for name, value in os.environ.items() if name not in LEFT_BY_A_SESSION}
    return {**ours, "PYTHONPATH": str(ROOT), "SPARK_LOCAL_IP": "127.0.0.1"}


def project(folder: Path, customers: int) -> Path:
    """A working directory with soiled extracts; the shares of dirt are as high as they please."""
    generate(folder / "data", customers)
    add_nasty_rows(folder / "data")
    shutil.copy(ROOT / "luigi.cfg", folder)
    params = (ROOT / "params.yaml").read_text()
    for limit in ("max_flagged_share: 0.30", "max_quarantined_share: 0.05"):
        params = params.replace(limit, f"{limit.split(':')[0]}: 1.0")
    (folder / "params.yaml").write_text(params)
    return folder


def start_gold(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [*LUIGI, "luigi_tasks", "GoldFeatures", "--local-scheduler", *arguments]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def make_gold(folder: Path, *arguments: str) -> Path:
    """Run the pipeline up to gold as a user does; the folder of the tables."""
    run = start_gold(folder, *arguments)
    told, _ = run.communicate(timeout=600)
    assert run.returncode == 0, told[-4000:]
    return folder / "datamart"


def only_bronze(folder: Path, extracts: Path) -> Path:
    """A copy of a project in which silver and gold have still to be made."""
    shutil.copytree(extracts, folder)
    for layer in ("silver", "gold", "quarantine/silver", "quarantine/quality"):
        shutil.rmtree(folder / "datamart" / layer)
    return folder


def same_rows(folder: Path, extracts: Path, engine: str, *arguments: str) -> Path:
    """Gold by another engine from the same bronze."""
    return make_gold(only_bronze(folder, extracts), "--engine-engine", engine, *arguments)


def rows_of(path: Path) -> pa.Table:
    """A table ordered by all that is exact in it; part files and their order do not count."""
    table = ds.dataset(path, format="parquet").to_table()
    exact = [f.name for f in table.schema if not pa.types.is_floating(f.type)]
    return table.sort_by([(name, "ascending") for name in exact])


def differences(one: Path, other: Path) -> list[str]:
    """Where two tables differ: columns, types, numbers of rows, values beyond 1e-12 relative."""
    a, b = rows_of(one), rows_of(other)
    if a.schema.names != b.schema.names or a.schema.types != b.schema.types:
        return [f"{one.name}: {a.schema} against {b.schema}"]
    if len(a) != len(b):
        return [f"{one.name}: {len(a)} rows against {len(b)}"]
    return [
        f"{one.name}: {name}: row {row}: {x!r} against {y!r}"
        for name in a.schema.names
        for row, (x, y) in enumerate(zip(a[name].to_pylist(), b[name].to_pylist(), strict=True))
        if not equal(x, y)
    ]


def equal(x: Any, y: Any) -> bool:
    if isinstance(x, float) and isinstance(y, float):
        return math.isclose(x, y, rel_tol=1e-12)
    return bool(x == y)


def assert_same_tables(one: Path, other: Path, names: Sequence[str] = TABLES) -> None:
    found = [text for name in names for text in differences(one / name, other / name)]
    assert not found, "\n".join(found[:20])


@pytest.fixture(scope="session")
def by_sail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose gold was made by Sail."""
    folder = project(tmp_path_factory.mktemp("sail"), 1_500)
    make_gold(folder)
    return folder


@needs_java
def test_spark_local_gives_one_silver_table_of_sail(by_sail: Path, tmp_path: Path) -> None:
    folder = only_bronze(tmp_path / "spark", by_sail)
    options = ["--local-scheduler", "--engine-engine", "spark", "--engine-master", "local[2]"]
    command = [*LUIGI, "luigi_tasks", "Silver", "--table", "features_attributes", *options]
    subprocess.run(command, cwd=folder, env=environment(), check=True, timeout=300)
    names = [name for name in TABLES if "features_attributes" in name]
    assert_same_tables(by_sail / "datamart", folder / "datamart", names)


@pytest.mark.slow
@needs_java
def test_spark_local_gives_the_tables_of_sail(by_sail: Path, tmp_path: Path) -> None:
    found = same_rows(tmp_path / "spark", by_sail, "spark", "--engine-master", "local[2]")
    assert_same_tables(by_sail / "datamart", found)


def test_the_result_of_sail_arrives_sorted_and_gives_the_same_bytes(
    by_sail: Path, tmp_path: Path
) -> None:
    again = same_rows(tmp_path / "again", by_sail, "sail")
    for name in TABLES:
        files = [sorted((folder / name).iterdir()) for folder in (by_sail / "datamart", again)]
        contents = [{file.name: file.read_bytes() for file in found} for found in files]
        assert contents[0] == contents[1]
    keys = ds.dataset(again / "silver/lms_loan_daily.parquet").to_table(
        columns=["loan_id", "installment_num"]
    )
    assert keys.equals(keys.sort_by([(name, "ascending") for name in keys.schema.names]))


def test_row_groups_do_not_depend_on_how_the_rows_arrive() -> None:
    rows = pa.table({"n": list(range(10))})
    for cut in (1, 3, 10):
        arriving = [rows.slice(start, cut) for start in range(0, 10, cut)]
        groups = list(regrouped(arriving, 4))
        assert [group["n"].to_pylist() for group in groups] == [
            [0, 1, 2, 3],
            [4, 5, 6, 7],
            [8, 9],
        ]
        assert all(group["n"].num_chunks == 1 for group in groups)


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_takes_its_settings_from_the_section(name: str) -> None:
    made = EngineConfig(engine=name, parts=3, memory_mb=100, master="local[2]").make()
    assert isinstance(made, ENGINES[name])
    fields = {"sail": {"memory_mb": 100}, "spark": {"parts": 3, "master": "local[2]"}}
    for field, value in fields.get(name, {"parts": 3}).items():
        assert getattr(made, field) == value


# --- settings that cannot work --------------------------------------------------------------------


def assert_told(project: Path, told: str, *arguments: str) -> None:
    """A silver task fails with one sentence, and soon."""
    started = time.monotonic()
    found = subprocess.run(
        [*LUIGI, "luigi_tasks", "Silver", "--table", "features_attributes", *arguments],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert found.returncode == 30, found.stderr[-4000:]
    assert f"failed: luigi.cfg: [engine] {told}" in found.stderr
    assert "Traceback" not in found.stderr
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("told", "arguments"),
    [
        pytest.param(
            "remote = sc://127.0.0.1:9 does not answer as a Spark Connect server",
            "--engine-engine connect --engine-remote sc://127.0.0.1:9",
            id="nobody listens",
        ),
        pytest.param(
            "remote = localhost does not answer as a Spark Connect server",
            "--engine-engine connect --engine-remote localhost",
            id="no address of Spark Connect",
        ),
        pytest.param(
            "memory_mb = 1 is too little for a query of this size",
            "--engine-memory-mb 1",
            id="too little memory",
        ),
        pytest.param(
            "memory_mb = 0 is not allowed: a number from 1", "--engine-memory-mb 0", id="no memory"
        ),
        pytest.param(
            "temporary = luigi.cfg cannot be made a folder: File exists",
            "--engine-temporary luigi.cfg",
            id="no folder",
        ),
        pytest.param(
            "engine = spark cannot start on nonsense; it needs Java 17 or later on the PATH and a "
            "master that answers",
            "--engine-engine spark --engine-master nonsense",
            id="no master",
            marks=[needs_java, pytest.mark.slow],
        ),
    ],
)
def test_a_setting_that_cannot_work_is_told_in_one_sentence(
    by_sail: Path, tmp_path: Path, told: str, arguments: str
) -> None:
    project = only_bronze(tmp_path / "project", by_sail)
    assert_told(project, told, "--local-scheduler", *arguments.split())


def test_a_machine_without_java_is_told_so(
    by_sail: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for folder in os.environ["PATH"].split(os.pathsep):
        for tool in Path(folder).glob("*"):
            if tool.name != "java" and not (tools / tool.name).is_symlink():
                (tools / tool.name).symlink_to(tool)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    project = only_bronze(tmp_path / "project", by_sail)
    told = "engine = spark cannot start on local[*]; it needs Java 17 or later on the PATH"
    assert_told(project, told, "--local-scheduler", "--engine-engine", "spark")


# --- more rows than memory ------------------------------------------------------------------------

MORE_THAN_MEMORY = """
from pathlib import Path
from pyspark.sql import functions as F
from luigi_tasks.core.engines import session

rows = session.current().range({rows})
texts = rows.select(F.sha2((F.col("id") % {groups}).cast("string"), 256).alias("text"))
session.write(texts.groupBy("text").agg(F.count("text").alias("n")), Path("found"), ["text"])
"""


def test_what_is_larger_than_memory_spills_to_the_folder_for_it(tmp_path: Path) -> None:
    rows, groups = 2_000_000, 1_000_000
    temporary = tmp_path / "temporary"
    (tmp_path / "luigi.cfg").write_text(f"[engine]\nmemory_mb = 128\ntemporary = {temporary}\n")
    script = MORE_THAN_MEMORY.format(rows=rows, groups=groups)
    # Every core has a sort of its own, and each reserves some memory for good.
    two_cores = {**environment(), "SAIL_EXECUTION__DEFAULT_PARALLELISM": "2"}
    run = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, env=two_cores)
    spilled = 0
    while run.poll() is None:
        with contextlib.suppress(FileNotFoundError):  # gone between the list and the look
            spilled = max(spilled, sum(file.stat().st_size for file in temporary.rglob("*")))
        time.sleep(0.02)
    assert run.returncode == 0
    assert spilled > 10_000_000
    found = ds.dataset(tmp_path / "found").to_table()
    assert set(found["n"].to_pylist()) == {rows // groups}
    expected = (hashlib.sha256(str(number).encode()).hexdigest() for number in range(groups))
    assert found["text"].to_pylist() == sorted(expected)
    assert not list(temporary.iterdir())


# --- real servers of Apache Spark -----------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


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
    found = Servers(tmp_path)
    try:
        yield found
    finally:
        found.kill()


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
@pytest.mark.slow
def test_a_cluster_gives_the_tables_of_sail(
    by_sail: Path, tmp_path: Path, cluster: tuple[str, list[Worker]]
) -> None:
    found = same_rows(tmp_path / "cluster", by_sail, "spark", "--engine-master", cluster[0])
    assert_same_tables(by_sail / "datamart", found)


@needs_java
@pytest.mark.slow
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
    found = same_rows(tmp_path / "connect", by_sail, "connect", "--engine-remote", address)
    assert_same_tables(by_sail / "datamart", found)


@needs_java
@pytest.mark.slow
def test_a_run_survives_the_loss_of_a_worker_in_silver(
    by_sail: Path, tmp_path: Path, cluster: tuple[str, list[Worker]]
) -> None:
    address, (worker, _) = cluster
    folder = only_bronze(tmp_path / "killed", by_sail)
    run = start_gold(folder, "--engine-engine", "spark", "--engine-master", address)
    kill_at_work(worker)
    told, _ = run.communicate(timeout=500)
    assert run.returncode == 0, told[-4000:]
    assert "Lost executor" in told
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


# --- many small tasks -----------------------------------------------------------------------------

SMALL_TASKS = """
from pathlib import Path
import luigi
from luigi_tasks.core.engines import session

class Small(luigi.Task):
    number = luigi.IntParameter()
    def output(self):
        return luigi.LocalTarget(f"out/{self.number}/part-00000.parquet")
    def run(self):
        frame = session.current().range(self.number + 1)
        Path("out").mkdir(exist_ok=True)
        session.write(frame, Path("out", str(self.number)), ["id"])

class Many(luigi.WrapperTask):
    def requires(self):
        return [Small(number=number) for number in range(200)]
"""


@pytest.mark.slow
def test_200_small_tasks_over_four_workers_do_not_hang(tmp_path: Path) -> None:
    (tmp_path / "small_tasks.py").write_text(SMALL_TASKS)
    shutil.copy(ROOT / "luigi.cfg", tmp_path)
    found = subprocess.run(
        [*LUIGI, "small_tasks", "Many", "--local-scheduler", "--workers", "4"],
        cwd=tmp_path,
        env={**environment(), "PYTHONPATH": f"{ROOT}:{tmp_path}"},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert found.returncode == 0, found.stderr[-4000:]
    rows = {int(path.name): ds.dataset(path).count_rows() for path in (tmp_path / "out").iterdir()}
    assert rows == {number: number + 1 for number in range(200)}
