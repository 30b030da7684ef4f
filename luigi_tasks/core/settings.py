"""Settings: what to compute is in params.yaml, where DVC sees it.

Every value of params.yaml is checked when it is first read, by the rules that the project has
declared (`core.rules`): a misspelt or impossible setting raises `PipelineError` with its dotted
name, its value and what is allowed.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.yaml_files import parsed

PARAMS_FILE = Path("params.yaml")
# Hundreds of times what the settings of a project take.
_LARGEST = 1_000_000

Check = Callable[[Any], dict[str, Any]]
_check: Check | None = None


def declare(check: Check) -> None:
    """Say how params.yaml is checked. Called once, where the project's package begins.

    `check` takes the parsed file and gives {dotted name: value}, or raises PipelineError.

    A call and not an import, because rules only accept or refuse: what they let pass is in the
    recipes of the tasks that read it, and an edited rule makes nothing stale.
    """
    global _check
    _check = check
    _load.cache_clear()


def state() -> tuple[Any, ...]:
    """What changes whenever params.yaml is written, or another project's is read.

    Raises PipelineError when there is none that could be read.
    """
    return Path.cwd(), *_written(PARAMS_FILE)


def read(path: Path) -> dict[str, Any]:
    """The settings in a file like params.yaml, by dotted name.

    Raises PipelineError, which names the file, as for params.yaml.
    """
    _written(path)
    return _read(path, path)


def _written(path: Path) -> tuple[int, int]:
    try:
        written = path.stat()
    except FileNotFoundError:
        raise PipelineError(f"{path} is missing in {Path.cwd()}") from None
    except OSError as error:
        raise PipelineError(f"{path}: {error.strerror}") from None
    if not stat.S_ISREG(written.st_mode):
        raise PipelineError(f"{path} is no file")
    if written.st_size > _LARGEST:
        raise PipelineError(
            f"{path} has {written.st_size:,} bytes; at most {_LARGEST:,} are allowed"
        )
    return written.st_mtime_ns, written.st_size


@lru_cache(maxsize=4)
def _load(folder: Path, mtime_ns: int, size: int) -> dict[str, Any]:
    return _read(folder / PARAMS_FILE, PARAMS_FILE)


def _read(path: Path, name: Path) -> dict[str, Any]:
    """The settings in a file that errors call by a name."""
    try:
        tree = parsed(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise PipelineError(f"{name} is not UTF-8 text") from None
    except OSError as error:
        raise PipelineError(f"{name}: {error.strerror}") from None
    except PipelineError as error:
        raise PipelineError(f"{name}: {error}") from error
    if _check is None:
        raise RuntimeError("no settings are declared; call luigi_tasks.core.settings.declare")
    try:
        return _check(tree)
    except PipelineError as error:
        raise PipelineError(str(error).replace(str(PARAMS_FILE), str(name), 1)) from None


def params() -> dict[str, Any]:
    """All pipeline parameters by dotted name, read anew when params.yaml has changed."""
    return _load(*state())


class Slice(Mapping[str, Any]):
    """The parameters that one task declares; asking for any other is a programming error.

    `section.*` stands for every setting of a section.
    """

    def __init__(self, names: Iterable[str]) -> None:
        everything = params()
        self._values = {
            each: _lookup(everything, each)
            for name in names
            for each in ([name] if not name.endswith(".*") else _in_section(everything, name))
        }

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def named(self) -> dict[str, Any]:
        """The values by the last part of their names, to hand to a function as arguments.

        Raises ValueError when two of them end alike.
        """
        arguments: dict[str, Any] = {}
        for name, value in self.items():
            last = name.rpartition(".")[2]
            if last in arguments:
                raise ValueError(f"two of {', '.join(self)} are called {last}")
            arguments[last] = value
        return arguments


def _in_section(values: Mapping[str, Any], name: str) -> list[str]:
    return [each for each in values if each.startswith(name.removesuffix("*"))]


def _lookup(values: Mapping[str, Any], name: str) -> Any:
    """A setting by dotted name, or one entry of a setting that holds several."""
    if name in values:
        return values[name]
    parent = next(each for each in values if name.startswith(f"{each}."))
    entries, last = values[parent], name.removeprefix(f"{parent}.")
    if last not in entries:
        raise PipelineError(
            f"{PARAMS_FILE}: {parent} has no {last}, only {', '.join(map(str, entries))}"
        )
    return entries[last]
