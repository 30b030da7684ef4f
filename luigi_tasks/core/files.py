"""Files of this machine, and files on storage that the machines of a cluster share.

A path is a `pathlib.Path`; one on shared storage is a `UPath` of universal_pathlib, which has the
same methods. What the two kinds do differently is behind Luigi's interface of a file system.
"""

from __future__ import annotations

import contextlib
import contextvars
import ctypes
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from luigi.local_target import LocalFileSystem
from luigi.target import FileSystem

from luigi_tasks.core import temporary
from luigi_tasks.core.errors import PipelineError

# The file of a directory that is written last and removed first.
MARKER = "_SUCCESS"
# What the system says of a place that takes nothing more, whatever is written.
_FULL_OR_READ_ONLY = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


def located(place: str, *parts: str) -> Path:
    """A path below a folder, or below a URI such as s3a://bucket/folder.

    file:// is a folder of this machine. Raises PipelineError for a URI that nothing here reads.
    """
    scheme, separator, rest = place.partition("://")
    if not separator or scheme == "file":
        return Path(rest or place, *parts)
    try:
        from upath import UPath

        path: Any = UPath(place, use_listings_cache=False)
        _ = path.fs
    except (ImportError, ValueError) as error:
        raise PipelineError(f"luigi.cfg: [storage] {place} cannot be reached: {error}") from error
    return path.joinpath(*parts)  # type: ignore[no-any-return]


@contextlib.contextmanager
def changing(path: Path) -> Iterator[None]:
    """Around what writes at a path: a full disk or a read-only one is raised as a PipelineError.

    It names the path; the system's own error often names none.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL_OR_READ_ONLY:
            raise
        raise PipelineError(f"{path}: cannot be written: {os.strerror(error.errno)}") from error


def is_shared(path: Path) -> bool:
    """Whether a path lies on shared storage."""
    return not isinstance(path, Path)


class LocalFiles(LocalFileSystem):
    """Files of this machine or of a mount; what is replaced is replaced in one step."""

    def signature(self, path: Path) -> tuple[Any, ...]:
        """What changes whenever a file is written or replaced."""
        state = path.stat()
        return (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)

    def read(self, path: Path) -> bytes:
        """A small file as a whole."""
        return path.read_bytes()

    def write(self, path: Path, data: bytes) -> None:
        """Replace a file: a reader sees the old bytes or the new ones, also after a crash."""
        beside = temporary.beside(path, "new")
        with changing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with beside.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                self.put(beside, path)
            except OSError:
                with contextlib.suppress(OSError):
                    beside.unlink(missing_ok=True)
                raise

    def put(self, new: Path, path: Path) -> None:
        """Put a file in place of another, or of a folder that should not be there."""
        try:
            new.replace(path)
        except IsADirectoryError:
            self.discard(path)
            new.replace(path)

    def names(self, folder: Path) -> list[str]:
        """The files below a folder, by their path from it, sorted."""
        start = len(os.path.join(folder, ""))  # noqa: PTH118 (a Path drops the last slash)
        return sorted(
            os.path.join(place, name)[start:]  # noqa: PTH118 (five times as fast)
            for place, _, names in os.walk(folder)
            for name in names
        )

    def keep(self, old: Path, new: Path) -> None:
        """Have a file at a second place as well: linked, or copied where there are no links."""
        try:
            os.link(old, new)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EMLINK, errno.EXDEV, errno.ENOTSUP):
                raise
            shutil.copyfile(old, new)

    def discard(self, path: Path) -> None:
        """Remove a file or a directory tree, if it is there."""
        with changing(path):
            if path.is_dir() and not path.is_symlink():
                with contextlib.suppress(FileNotFoundError):  # another process may do the same
                    shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def sweep(self, folder: Path) -> None:
        """Remove what processes that are gone were writing below a folder."""
        for place, folders, names in os.walk(folder):
            for name in [*folders, *names]:
                if name.startswith(".") and temporary.is_abandoned(name):
                    self.discard(Path(place) / name)
            folders[:] = [name for name in folders if not name.startswith(".")]

    def replace(self, new: Path, place: Path) -> None:
        """Move directory `new` to `place`, flushed to disk; what was there before is removed.

        On Linux the two are exchanged in one system call. Where that is not to be had, the old
        one is renamed first.
        """
        for name in self.names(new):
            flush(new / name)
        flush(new)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            new.rename(place)
        else:
            try:
                _exchange(new, place)
                old = new
            except OSError as error:
                if error.errno not in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
                    raise
                old = temporary.beside(place, "old")
                place.rename(old)
                new.rename(place)
            self.discard(old)
        flush(place.parent)


class SharedFiles(FileSystem):
    """Files on an object store or HDFS, by fsspec.

    No directory is exchanged in one step there. Its marker is removed first and comes back last:
    a killed run leaves an output without a marker, which the next run makes again.
    """

    def exists(self, path: Any) -> bool:
        return bool(path.exists())

    def remove(self, path: Any, recursive: bool = True, skip_trash: bool = True) -> None:
        path.fs.rm(path.path, recursive=recursive)

    def move(self, path: Any, dest: Any) -> None:
        names = self.names(path)
        for name in sorted(names, key=lambda name: (name == MARKER, name)):
            path.fs.mv((path / name).path, (dest / name).path)

    def signature(self, path: Any) -> tuple[Any, ...]:
        """What changes whenever a file is written or replaced: size, and ETag or time."""
        listed = _listed.get()
        return _signature(path.fs.info(path.path)) if listed is None else listed.state_of(path)

    def read(self, path: Any) -> bytes:
        """A small file as a whole: one get."""
        return bytes(path.fs.cat_file(path.path))

    def write(self, path: Any, data: bytes) -> None:
        """Replace a file: one put on an object store."""
        path.write_bytes(data)

    def names(self, folder: Any) -> list[str]:
        """The files below a folder, by their path from it, sorted."""
        start = f"{folder.path.rstrip('/')}/"
        listed = _listed.get()
        names = folder.fs.find(folder.path) if listed is None else listed.paths_below(start)
        return sorted(name.partition(start)[2] for name in names)

    def keep(self, old: Any, new: Any) -> None:
        """Have a file at a second place as well."""
        old.fs.copy(old.path, new.path)

    def discard(self, path: Any) -> None:
        """Remove a file or all files below a path, if there are any."""
        if path.exists():
            self.remove(path)

    def sweep(self, folder: Any) -> None:
        """Remove what processes of this host that are gone were writing below a folder."""
        abandoned = set()
        for name in self.names(folder):
            parts = name.split("/")
            for depth, part in enumerate(parts, start=1):
                if part.startswith(".") and temporary.is_abandoned(part):
                    abandoned.add("/".join(parts[:depth]))
                    break
        for name in abandoned:
            self.discard(folder / name)

    def replace(self, new: Any, place: Any) -> None:
        """Move all files of `new` to `place`, the marker last; what was there before is removed."""
        self.discard(place / MARKER)
        self.discard(place)
        self.move(new, place)


class _Listing:
    """The states of all files below a folder, asked for at once when the first is needed."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._states: Any = None

    def state_of(self, path: Any) -> tuple[Any, ...]:
        states = self._all()
        if path.path not in states:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return _signature(states[path.path])

    def paths_below(self, start: str) -> list[str]:
        return [path for path in self._all() if path.startswith(start)]

    def _all(self) -> dict[str, dict[str, Any]]:
        if self._states is None:
            self._states = self._root.fs.find(self._root.path, detail=True)
        states: dict[str, dict[str, Any]] = self._states
        return states


def _signature(state: dict[str, Any]) -> tuple[Any, ...]:
    changed = next(state[key] for key in ("ETag", "mtime", "LastModified") if key in state)
    return (state["size"], str(changed))


_listed: contextvars.ContextVar[_Listing | None] = contextvars.ContextVar("listed", default=None)


@contextlib.contextmanager
def one_look(root: Path) -> Iterator[None]:
    """Within the block, one listing of a folder on shared storage answers for all its files."""
    token = _listed.set(_Listing(root))
    try:
        yield
    finally:
        _listed.reset(token)


_LOCAL, _SHARED = LocalFiles(), SharedFiles()


def file_system(path: Path) -> LocalFiles | SharedFiles:
    """The file system that a path lies on."""
    return _SHARED if is_shared(path) else _LOCAL


def flush(path: Path) -> None:
    """fsync a file or a directory of this machine."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _exchange(one: Path, other: Path) -> None:
    """Exchange two paths atomically: renameat2(2) with RENAME_EXCHANGE."""
    here, exchange = -100, 2
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        raise OSError(errno.ENOSYS, "renameat2 is not available") from None
    if renameat2(here, os.fsencode(one), here, os.fsencode(other), exchange) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(one))
