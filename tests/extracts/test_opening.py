"""What is no file, cannot be read or still changes is refused in a sentence."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ATTRIBUTES
from deliveries import TABLE, line, refusal, write

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.extracts.csv_files import read_csv
from luigi_tasks.extracts.snapshots import snapshot_dates
from luigi_tasks.layers.bronze import RawCsv


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / TABLE.file


def as_pipe(path: Path) -> None:
    os.mkfifo(path)


def as_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def test_a_missing_file_is_refused_and_the_way_out_is_told(path: Path) -> None:
    assert "no such file" in refusal(path)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (as_pipe, "is a named pipe; a CSV file was expected"),
        (as_socket, "is a socket; a CSV file was expected"),
        (Path.mkdir, "is a directory; a CSV file was expected"),
        (lambda path: path.symlink_to("/dev/null"), "is a device; a CSV file was expected"),
        (lambda path: path.symlink_to(path), "cannot be read: Too many levels of symbolic links"),
        (lambda path: path.symlink_to("nowhere"), "no such file; `make sample-data` makes samples"),
    ],
)
def test_what_is_no_file_is_refused_before_it_is_opened(
    empty_project: Path, make: Callable[[Path], None], sentence: str
) -> None:
    path = empty_project / "data" / TABLE.file
    with contextlib.chdir(path.parent):  # the name of a socket must not be long
        make(Path(path.name))
    assert refusal(path).endswith(f"{path}: {sentence}")
    for look in (lambda: snapshot_dates(path, TABLE), RawCsv(table=ATTRIBUTES).complete):
        with pytest.raises(PipelineError) as error:
            look()
        assert str(error.value).endswith(f"{TABLE.file}: {sentence}")


def test_a_file_that_may_not_be_read_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, line("CUS_1"))

    def refuse(*_: object) -> None:  # root may read everything
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "open", refuse)
    assert refusal(path) == f"{path}: cannot be read: Permission denied"


def test_an_error_of_the_disk_is_refused_with_the_name_of_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, line("CUS_1"))

    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("luigi_tasks.extracts.lines.CheckedLines.blocks", fail)
    assert refusal(path) == f"{path}: cannot be read: Input/output error"


@pytest.mark.parametrize("also", [line("CUS_2") + "\n", ""], ids=["grows", "is touched"])
def test_a_file_that_changes_while_it_is_read_is_refused(path: Path, also: str) -> None:
    write(path, line("CUS_1"))
    batches = read_csv(path, TABLE, [])
    next(batches)
    with path.open("a") as file:
        file.write(also)
    os.utime(path, ns=(1, 1))
    with pytest.raises(PipelineError) as error:
        list(batches)
    assert str(error.value) == (
        f"{path}: changed while it was read; deliver it under another name and rename it"
    )


def test_a_new_delivery_may_take_the_place_of_the_file_that_is_read(path: Path) -> None:
    write(path, line("CUS_1"))
    batches = read_csv(path, TABLE, [])
    next(batches)
    new = path.with_name("new.csv")
    write(new, line("CUS_2"), line("CUS_3"))
    new.replace(path)
    assert list(batches) == []
