"""Sail and Apache Spark give the same tables, and many small tasks never hang."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from conftest import ROOT
from engine_runs import (
    LUIGI,
    TABLES,
    assert_same_tables,
    environment,
    needs_java,
    only_bronze,
    same_rows,
)
from luigi.configuration import LuigiConfigParser
from running import Project

from luigi_tasks.core.engines import session
from luigi_tasks.core.engines.base import Marks
from luigi_tasks.core.engines.config import ENGINES, EngineConfig, settings
from luigi_tasks.core.engines.sail import regrouped
from luigi_tasks.core.errors import PipelineError


@needs_java
@pytest.mark.slow
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
    datamart = same_rows(tmp_path / "spark", by_sail, "spark", "--engine-master", "local[2]")
    assert_same_tables(by_sail / "datamart", datamart)


def test_the_result_of_sail_arrives_sorted_and_gives_the_same_bytes(
    by_sail: Path, tmp_path: Path
) -> None:
    again = same_rows(tmp_path / "again", by_sail, "sail")
    for name in TABLES:
        files = [sorted((folder / name).iterdir()) for folder in (by_sail / "datamart", again)]
        contents = [{file.name: file.read_bytes() for file in listed} for listed in files]
        assert contents[0] == contents[1]
    keys = ds.dataset(again / "silver/lms_loan_daily.parquet").to_table(
        columns=["loan_id", "installment_num"]
    )
    assert keys.equals(keys.sort_by([(name, "ascending") for name in keys.schema.names]))


def test_what_is_marked_is_counted_and_not_written(tmp_path: Path) -> None:
    rows = [
        *((3, None, None, 24300), (1, 1, None, 24300), (2, 1, 0, 24300), (5, None, None, 24311)),
        *((4, 0, 0, 24300), (6, None, 1, 1)),
    ]
    frame = session.current().createDataFrame(rows, "n int, doubt byte, fault byte, part int")
    marks = Marks(("doubt", "fault"), codes=2, aside="fault")
    assert session.sift(frame, tmp_path / "rows", ["n"], marks) == {
        "2025-01": {"doubt": [1, 2], "fault": [2, 0]},
        "2025-12": {"doubt": [0, 0], "fault": [0, 0]},
        "undated": {"doubt": [0, 0], "fault": [0, 1]},
    }
    files = {file.stem: file for file in (tmp_path / "rows").iterdir()}
    assert {part: ds.dataset(file).to_table().to_pydict() for part, file in files.items()} == {
        "2025-01": {"n": [1, 3]},
        "2025-12": {"n": [5]},
    }


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


def assert_fails_with(project: Path, sentence: str, *arguments: str) -> None:
    """A silver task fails with one sentence, and soon."""
    started = time.monotonic()
    run = subprocess.run(
        [*LUIGI, "luigi_tasks", "Silver", "--table", "features_attributes", *arguments],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 30, run.stderr[-4000:]
    assert f"FAILED: luigi.cfg: [engine] {sentence}" in run.stderr
    assert "Traceback" not in run.stderr
    assert "s3cret" not in run.stdout + run.stderr
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("sentence", "arguments"),
    [
        pytest.param(
            "remote = sc://127.0.0.1:9 does not answer as a Spark Connect server",
            "--engine-engine connect --engine-remote sc://127.0.0.1:9",
            id="nobody listens",
        ),
        pytest.param(
            "remote = sc://127.0.0.1:9/;use_ssl=true;token=…;user_id=me does not answer",
            "--engine-engine connect "
            "--engine-remote sc://127.0.0.1:9/;use_ssl=true;token=s3cret;user_id=me",
            id="a token is not shown",
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
            "temporary = luigi.cfg cannot be made a folder: File exists",
            "--engine-temporary luigi.cfg",
            id="no folder",
        ),
        pytest.param(
            "engine = spark cannot start on nonsense; it needs Java 17 or later on the PATH and a "
            "master that answers",
            "--engine-engine spark --engine-master nonsense",
            id="no master",
            marks=[needs_java, pytest.mark.nightly],
        ),
    ],
)
def test_a_setting_that_cannot_work_is_told_in_one_sentence(
    by_sail: Path, tmp_path: Path, sentence: str, arguments: str
) -> None:
    project = only_bronze(tmp_path / "project", by_sail)
    assert_fails_with(project, sentence, "--local-scheduler", *arguments.split())


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
    sentence = "engine = spark cannot start on local[*]; it needs Java 17 or later on the PATH"
    assert_fails_with(project, sentence, "--local-scheduler", "--engine-engine", "spark")


@pytest.mark.parametrize("name", ["memory_mb", "parts"])
@pytest.mark.parametrize("text", ["0", "-1", "abc", "", "1.5", "nan", "1" + 30 * "0", "9" * 5000])
def test_a_number_that_no_engine_can_take_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    config = LuigiConfigParser()
    config.set("engine", name, text)
    monkeypatch.setattr(LuigiConfigParser, "_instance", config)
    with pytest.raises(PipelineError) as error:
        settings()
    assert str(error.value).startswith(f"luigi.cfg: [engine] {name} = {text[:20]}")
    assert " is not allowed: a whole number from 1 to " in str(error.value)
    assert len(str(error.value)) < 200


# --- more rows than memory ------------------------------------------------------------------------

MORE_THAN_MEMORY = """
from pathlib import Path
from pyspark.sql import functions as F
from luigi_tasks.core.engines import session

rows = session.current().range({rows})
texts = rows.select(F.sha2((F.col("id") % {groups}).cast("string"), 256).alias("text"))
session.write(texts.groupBy("text").agg(F.count("text").alias("n")), Path("groups"), ["text"])
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
    table = ds.dataset(tmp_path / "groups").to_table()
    assert set(table["n"].to_pylist()) == {rows // groups}
    expected = (hashlib.sha256(str(number).encode()).hexdigest() for number in range(groups))
    assert table["text"].to_pylist() == sorted(expected)
    assert not list(temporary.iterdir())


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


@pytest.mark.nightly
def test_200_small_tasks_over_four_workers_do_not_hang(tmp_path: Path) -> None:
    (tmp_path / "small_tasks.py").write_text(SMALL_TASKS)
    shutil.copy(ROOT / "luigi.cfg", tmp_path)
    run = subprocess.run(
        [*LUIGI, "small_tasks", "Many", "--local-scheduler", "--workers", "4"],
        cwd=tmp_path,
        env={**environment(), "PYTHONPATH": f"{ROOT}:{tmp_path}"},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    rows = {int(path.name): ds.dataset(path).count_rows() for path in (tmp_path / "out").iterdir()}
    assert rows == {number: number + 1 for number in range(200)}


def test_a_project_in_a_folder_named_like_a_wildcard_is_read_as_it_is(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "a [b] {c}*?", customers=300)
    done = project.luigi("GoldFeatures")
    assert done.returncode == 0, done.stderr[-2000:]
    gold = ds.dataset([str(project.path / "datamart/gold/features.parquet/part-00000.parquet")])
    assert gold.count_rows() > 200
