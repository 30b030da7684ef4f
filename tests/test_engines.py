"""Sail and Apache Spark give the same tables, and many small tasks never hang."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from nasty_rows import add_nasty_rows

from luigi_tasks.engine import regrouped
from luigi_tasks.sample_data import generate

ROOT = Path(__file__).parents[1]
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

needs_java = pytest.mark.skipif(
    shutil.which("java") is None, reason="no Java on the PATH: Apache Spark cannot be tested"
)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "SPARK_LOCAL_IP": "127.0.0.1"}


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


def same_rows(folder: Path, extracts: Path, engine: str, *arguments: str) -> Path:
    """Gold by another engine from the same bronze."""
    shutil.copytree(extracts, folder, dirs_exist_ok=True)
    for layer in ("silver", "gold", "quarantine/silver", "quarantine/quality"):
        shutil.rmtree(folder / "datamart" / layer)
    return make_gold(folder, "--engine-engine", engine, *arguments)


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


def assert_same_tables(one: Path, other: Path) -> None:
    found = [text for name in TABLES for text in differences(one / name, other / name)]
    assert not found, "\n".join(found[:20])


@pytest.fixture(scope="session")
def by_sail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose gold was made by Sail."""
    folder = project(tmp_path_factory.mktemp("sail"), 1_500)
    make_gold(folder)
    return folder


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


# --- a real cluster -------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(log: Path, text: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while text not in log.read_text():
        assert time.monotonic() < end, f"{text!r} not in {log}:\n{log.read_text()[-2000:]}"
        time.sleep(0.2)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A standalone master and two workers on loopback: (address, the workers)."""
    import pyspark

    spark_class = Path(pyspark.__file__).parent / "bin" / "spark-class"
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: str) -> Path:
        log = tmp_path / f"{name}.log"
        with log.open("wb") as file:
            started.append(
                subprocess.Popen(
                    [str(spark_class), *arguments],
                    env={**environment(), "SPARK_DAEMON_MEMORY": "512m"},
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )
        return log

    port = free_port()
    place = "org.apache.spark.deploy"
    address = f"spark://127.0.0.1:{port}"
    ports = ("--host", "127.0.0.1", "--webui-port", "0")
    try:
        log = start("master", f"{place}.master.Master", *ports, "--port", str(port))
        wait_for(log, "Starting Spark master")
        for number in (1, 2):
            limits = ("--cores", "1", "--memory", "1200m", "--work-dir", str(tmp_path / "work"))
            log = start(f"worker{number}", f"{place}.worker.Worker", *ports, *limits, address)
            wait_for(log, "Successfully registered with master")
        yield address, started[1:]
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@needs_java
@pytest.mark.slow
def test_a_cluster_gives_the_tables_of_sail(
    by_sail: Path, tmp_path: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    found = same_rows(tmp_path / "cluster", by_sail, "spark", "--engine-master", cluster[0])
    assert_same_tables(by_sail / "datamart", found)


@pytest.fixture
def connect_server(tmp_path: Path) -> Iterator[str]:
    """The address of a Spark Connect server on loopback."""
    import pyspark

    port = free_port()
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
    }
    log = tmp_path / "connect.log"
    with log.open("wb") as file:
        server = subprocess.Popen(
            [
                str(Path(pyspark.__file__).parent / "bin" / "spark-submit"),
                *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
                *("--master", "local[2]"),
                *(word for item in settings.items() for word in ("--conf", "=".join(item))),
                "spark-internal",
            ],
            env=environment(),
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert time.monotonic() < end, log.read_text()[-2000:]
            time.sleep(0.2)
        yield f"sc://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@needs_java
@pytest.mark.slow
def test_a_spark_connect_server_gives_the_tables_of_sail(
    by_sail: Path, tmp_path: Path, connect_server: str
) -> None:
    found = same_rows(tmp_path / "connect", by_sail, "connect", "--engine-remote", connect_server)
    assert_same_tables(by_sail / "datamart", found)


def test_an_address_without_a_server_is_told_by_name(tmp_path: Path) -> None:
    folder = project(tmp_path, 100)
    remote = f"sc://127.0.0.1:{free_port()}"
    run = start_gold(folder, "--engine-engine", "connect", "--engine-remote", remote)
    told, _ = run.communicate(timeout=60)
    assert run.returncode == 30
    assert f"[engine] remote = {remote} does not answer as a Spark Connect server" in told
    assert "Traceback" not in told


def test_without_java_spark_is_refused_in_one_sentence(tmp_path: Path) -> None:
    folder = project(tmp_path, 100)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "bash").symlink_to("/bin/bash")
    outside = {**environment(), "PATH": str(tmp_path / "bin")}
    outside.pop("JAVA_HOME", None)
    command = [*LUIGI, "luigi_tasks", "GoldFeatures", "--local-scheduler"]
    run = subprocess.run(
        [*command, "--engine-engine", "spark"],
        cwd=folder,
        env=outside,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 30
    assert "[engine] engine = spark cannot start on local[*]; it needs Java 17" in run.stderr


@needs_java
@pytest.mark.slow
def test_a_run_survives_the_loss_of_a_worker_in_silver(
    by_sail: Path, tmp_path: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, workers = cluster
    folder = tmp_path / "killed"
    shutil.copytree(by_sail, folder)
    for layer in ("silver", "gold", "quarantine/silver", "quarantine/quality"):
        shutil.rmtree(folder / "datamart" / layer)
    run = start_gold(folder, "--engine-engine", "spark", "--engine-master", address)
    staged = folder / "datamart" / "silver"
    end = time.monotonic() + 200
    # Spark has begun to write a silver table, and the executor of the worker to be lost computes.
    while not (list(staged.glob(".*.tmp")) and is_busy(workers[0].pid)):
        assert time.monotonic() < end
        assert run.poll() is None
    # The executor is a process of its own below the worker: the group holds both.
    os.killpg(workers[0].pid, signal.SIGKILL)
    told, _ = run.communicate(timeout=500)
    assert run.returncode == 0, told[-4000:]
    assert "Removing worker" in (tmp_path / "master.log").read_text()
    assert_same_tables(by_sail / "datamart", folder / "datamart")


def is_busy(group: int) -> bool:
    """Whether the processes of a group use most of a processor for half a second."""
    before = processor_ticks(group)
    time.sleep(0.5)
    return processor_ticks(group) - before > 0.3 * os.sysconf("SC_CLK_TCK")


def processor_ticks(group: int) -> int:
    found = 0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = entry.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                found += int(fields[11]) + int(fields[12])
    return found


# --- many small tasks -----------------------------------------------------------------------------

SMALL_TASKS = """
from pathlib import Path
import luigi
from luigi_tasks import engine

class Small(luigi.Task):
    number = luigi.IntParameter()
    def output(self):
        return luigi.LocalTarget(f"out/{self.number}/part-00000.parquet")
    def run(self):
        frame = engine.session().range(self.number + 1)
        Path("out").mkdir(exist_ok=True)
        engine.write(frame, Path("out", str(self.number)), ["id"])

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
