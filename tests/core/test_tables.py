"""A dataset that is larger than memory passes in batches, with the same rows."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from luigi_tasks.core import tables


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two files with 100,000 rows of n; the second file begins at 60,000."""
    with tables.writing(tmp_path / "dataset", pa.schema([("n", pa.int64())])) as file:
        file.write_table(pa.table({"n": range(60_000)}))
    other = tables.writing(tmp_path / "other", pa.schema([("n", pa.int64())]))
    with other as file:
        file.write_table(pa.table({"n": range(60_000, 100_000)}))
    (tmp_path / "other" / tables.PART).rename(tmp_path / "dataset" / "part-00001.parquet")
    (tmp_path / "dataset" / "_SUCCESS").write_text("{}")
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
