"""Code digests: what the code of a module does, with all that it imports from its package.

A module's own digest is taken over its syntax tree, without comments, docstrings or layout. Which
modules it imports is read from the text of the files, not from what this process has loaded. What
the text does not tell raises PipelineError: a module that is missing would leave outputs fresh
that are not.

What counts as code:
- the package of the module that is asked for, and the one that this module lies in;
- every `__init__` on the way to an imported module, for it runs. Not the outermost: it gathers
  the tasks of a project, and would make everything depend on everything. What is imported
  through it is followed to where it is made;
- not an imported task, unless a class inherits from it: it is an input, whose content is in the
  recipe already. Whether a name is a task is asked of the loaded module;
- not what stands under `if TYPE_CHECKING:`, for it does not run;
- not a module whose name only the running program knows, such as a class path from params.yaml.
  Who imports that way asks for the digest of that module too.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import luigi

from luigi_tasks.core import sources
from luigi_tasks.core.digests import remembered
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.sources import Import, Source

_OURS = __name__.partition(".")[0]
# What was read of a source is remembered only as long as it would be read in the same way.
_ALGORITHM = Path(sources.__file__).read_bytes()


@cache
def of_code(*modules: str) -> dict[str, str]:
    """{module: code digest} of modules and of all that they import from their packages.

    Taken once a process: what runs is the code that was loaded. Raises PipelineError for an
    import that cannot be followed.
    """
    return _code(frozenset({_OURS, *(name.partition(".")[0] for name in modules)})).of(*modules)


def file_of(module: str) -> str:
    """The path of a module's file, from the folder in which its outermost package lies."""
    return _code(frozenset({_OURS, module.partition(".")[0]})).place(module)


@cache
def _code(packages: frozenset[str]) -> Code:
    return Code({package: _outermost_file(package) for package in packages})


def _outermost_file(package: str) -> Path:
    loaded = sys.modules.get(package)
    spec = importlib.util.find_spec(package) if loaded is None else None
    file = spec.origin if spec else getattr(loaded, "__file__", None)
    if file is None:
        raise PipelineError(f"{package}: there is no file to read its code from")
    return Path(file)


def _files_of(package: str, outermost: Path) -> dict[str, Path]:
    """{module: file} of all modules of a package; the file of a package is its `__init__`."""
    files = {package: outermost}
    if _is_init(outermost):
        for folder, below, names in os.walk(outermost.parent):
            below[:] = [name for name in below if name != "__pycache__"]
            place = Path(folder)
            above = ".".join([package, *place.relative_to(outermost.parent).parts])
            for name in names:
                if name == "__init__.py":
                    files[above] = place / name
                elif name.endswith(".py"):
                    files[f"{above}.{name.removesuffix('.py')}"] = place / name
    return files


class Code:
    """The source files of some packages. Each is read once."""

    def __init__(self, outermost: Mapping[str, Path]) -> None:
        """`outermost`: the file of each package's `__init__`, or of a module without a package."""
        self._outermost = outermost
        self._files: dict[str, Path] = {}
        for package, file in outermost.items():
            self._files |= _files_of(package, file)
        self._sources: dict[str, Source] = {}
        self._needed: dict[str, set[str]] = {}

    def of(self, *modules: str) -> dict[str, str]:
        """{module: code digest} of modules and of all that they import from these packages."""
        digests: dict[str, str] = {}
        waiting = list(modules)
        while waiting:
            module = waiting.pop()
            if module not in digests:
                digests[module] = self._source(module).digest
                waiting += self._needed_by(module)
        return dict(sorted(digests.items()))

    def place(self, module: str) -> str:
        """The path of a module's file, from the folder in which its outermost package lies."""
        top = self._outermost[module.partition(".")[0]]
        folder = top.parent.parent if _is_init(top) else top.parent
        return self._existing_file(module).relative_to(folder).as_posix()

    def _needed_by(self, module: str) -> set[str]:
        """The modules that a module imports, and every `__init__` on the way to itself."""
        if module not in self._needed:
            source = self._source(module)
            if source.problems:
                raise self._refusal(module, *source.problems[0])
            *rooms, _ = module.split(".")
            needed = {".".join(rooms[:depth]) for depth in range(2, len(rooms) + 1)}
            for imported in source.imports:
                is_base = imported.local in source.inherited
                try:
                    needed |= self._origin(imported, is_base=is_base)
                except LookupError as error:
                    raise self._refusal(module, imported.line, str(error)) from None
            self._needed[module] = needed
        return self._needed[module]

    def _origin(self, imported: Import, *, is_base: bool) -> set[str]:
        """The modules that an import makes code of who imports; LookupError when it finds none."""
        module, name = imported.module, imported.name
        if not name:
            module, name = self._parted(module)
        elif _is_task(module, name) and not is_base:
            return set()
        if module not in self._files:
            raise LookupError(f"there is no module {module}")
        below = f"{module}.{name}" if name else module
        if self._is_package(below):
            raise LookupError(f"{below} is a package; import the modules that are meant")
        needed = {below} & self._files.keys()
        if not name:
            return needed
        source = self._source(module)
        if module in self._outermost and self._is_package(module):
            for way in source.imports:
                if way.local == name and (way.module, way.name) != (module, name):
                    needed |= self._origin(way, is_base=is_base)
            if name in source.defined:
                needed.add(module)
        elif not needed:
            needed.add(module)
        is_open = "*" in source.names or "__getattr__" in source.names
        if below not in self._files and name not in source.names and not is_open:
            raise LookupError(f"{module} has no {name}")
        return needed

    def _parted(self, dotted: str) -> tuple[str, str]:
        """The longest module or package that a dotted name begins with, and the name after it."""
        parts = dotted.split(".")
        depth = 1
        while depth < len(parts) and ".".join(parts[: depth + 1]) in self._files:
            depth += 1
        return ".".join(parts[:depth]), "".join(parts[depth : depth + 1])

    def _source(self, module: str) -> Source:
        if module not in self._sources:
            file = self._existing_file(module)
            text = file.read_bytes()
            packages = frozenset(self._outermost)
            known = hashlib.sha256(_ALGORITHM)
            for part in (module, *sorted(packages)):
                known.update(part.encode() + b"\0")
            known.update(text)
            digest, imports, *rest = remembered(
                f"code-{known.hexdigest()[:32]}",
                lambda: sources.read(
                    text.decode(), module, is_package=_is_init(file), packages=packages
                ),
            )
            self._sources[module] = Source(digest, [Import(*fields) for fields in imports], *rest)
        return self._sources[module]

    def _is_package(self, module: str) -> bool:
        return module in self._files and _is_init(self._files[module])

    def _existing_file(self, module: str) -> Path:
        if module not in self._files:
            raise PipelineError(f"{module}: there is no file to read its code from")
        return self._files[module]

    def _refusal(self, module: str, line: int, why: str) -> PipelineError:
        text = self._existing_file(module).read_text(encoding="utf-8").splitlines()[line - 1]
        return PipelineError(
            f"{self.place(module)}:{line}: `{text.strip()}` cannot be followed: {why}"
        )


def _is_init(file: Path) -> bool:
    return file.name == "__init__.py"


def _is_task(module: str, name: str) -> bool:
    """Whether a name of a loaded module is a task that can be required."""
    value = getattr(sys.modules.get(module), name, None)
    return (
        isinstance(value, type)
        and issubclass(value, luigi.Task)
        and not issubclass(value, luigi.Config)
        and not vars(value).get("abstract")
    )
