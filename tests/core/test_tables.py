"""A dataset is the files that its provenance names, and passes in batches with the same rows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from luigi_tasks.core import tables
from luigi_tasks.core.engines import session
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.targets import Directory


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two files with 100,000 rows of n; the second file begins at 60,000."""
    with tables.writing(tmp_path / "dataset", pa.schema([("n", pa.int64())])) as file:
        file.write_table(pa.table({"n": range(60_000)}))
    other = tables.writing(tmp_path / "other", pa.schema([("n", pa.int64())]))
    with other as file:
        file.write_table(pa.table({"n": range(60_000, 100_000)}))
    (tmp_path / "other" / tables.PART).rename(tmp_path / "dataset" / "part-00001.parquet")
    return tmp_path / "dataset"


def test_batches_hold_the_rows_in_the_order_of_the_files(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "BATCH", 7_000)
    parts = list(tables.batches(dataset, ["n"]))
    assert max(part.num_rows for part in parts) <= 7_000
    assert pa.concat_tables(parts)["n"].to_pylist() == list(range(100_000))
    assert tables.read(dataset)["n"].to_pylist() == list(range(100_000))


def test_a_condition_leaves_rows_out_and_no_batch_is_empty(dataset: Path) -> None:
    late = ds.field("n") >= 99_990
    parts = list(tables.batches(dataset, ["n"], late))
    assert [part["n"].to_pylist() for part in parts] == [list(range(99_990, 100_000))]
    assert tables.count_rows(dataset, late) == 10
    assert tables.count_rows(dataset) == 100_000


def test_what_is_written_has_no_metadata_of_the_writer(tmp_path: Path) -> None:
    frame = pa.table({"n": [1]}).to_pandas()
    tables.write_frame(tmp_path / "frame", frame)
    tables.write(tmp_path / "table", pa.table({"n": [1]}, metadata={"made by": "hand"}))
    files = [(tmp_path / name / tables.PART).read_bytes() for name in ("frame", "table")]
    assert files[0] == files[1]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder, published, that holds the dataset `rows` of n = 1, 2."""
    target = Directory(tmp_path / "published")
    built = target.staging()
    built.mkdir()
    tables.write(built / "rows", pa.table({"n": [1, 2]}))
    target.publish(built, {"task": "Example"})
    return target.path


@pytest.mark.parametrize("copy", ["part-00000 (copy).parquet", "deeper/part-00000.parquet"])
def test_a_file_that_does_not_belong_to_a_published_dataset_is_not_read(
    published: Path, copy: str
) -> None:
    place = published / "rows" / copy
    place.parent.mkdir(exist_ok=True)
    shutil.copy(published / "rows" / tables.PART, place)
    assert tables.read(published / "rows")["n"].to_pylist() == [1, 2]
    assert tables.count_rows(published / "rows") == 2
    assert session.read(published / "rows").count() == 2


def test_a_dataset_that_is_being_built_is_read_whole(dataset: Path) -> None:
    assert [path.name for path in tables.files_of(dataset)] == [tables.PART, "part-00001.parquet"]
    assert session.read(dataset).count() == 100_000


def test_a_dataset_that_cannot_be_read_is_refused_by_name(published: Path) -> None:
    with pytest.raises(PipelineError, match="elsewhere does not exist; run the task that makes it"):
        tables.read(published / "elsewhere")
    (published / "_SUCCESS").write_text("{")
    with pytest.raises(PipelineError, match="_SUCCESS: the provenance cannot be read"):
        tables.read(published / "rows")
