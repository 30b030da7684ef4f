"""Digests: what is in a file, and what a module's code does.

A file's digest is SHA-256 of its bytes, remembered by path, size, modification time and inode
under `.cache/digests`, so that a file is read again only after it was written again.
A module's code digest is taken over its syntax tree without comments, docstrings or layout.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import luigi

from luigi_tasks.core.files import file_system, is_shared

PACKAGE = __name__.partition(".")[0]
CACHE = Path(".cache") / "digests"
# A file modified this recently could change again within one tick of the file system's clock.
_SETTLED_NS = 2_000_000_000
_BLOCK = 1 << 20


def of_json(value: Any) -> str:
    """SHA-256 of a JSON value, written with sorted keys and no spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def of_file(path: Path) -> str:
    """SHA-256 of a file's bytes; raises FileNotFoundError when there is none."""
    path = path.absolute()
    return _of_file(path, file_system(path).signature(path))


@lru_cache(maxsize=4096)
def _of_file(path: Path, state: tuple[Any, ...]) -> str:
    note = CACHE / hashlib.sha256(os.fsencode(str(path))).hexdigest()[:32]
    try:
        known = json.loads(note.read_bytes())
        if known["signature"] == list(state):
            return str(known["sha256"])
    except (FileNotFoundError, ValueError, KeyError):
        pass
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    settled = is_shared(path) or time.time_ns() - state[1] > _SETTLED_NS
    if settled and file_system(path).signature(path) == state:
        entry = {"path": str(path), "signature": list(state), "sha256": digest.hexdigest()}
        file_system(note).write(note, json.dumps(entry).encode())
    return digest.hexdigest()


def of_source(source: str) -> str:
    """Digest of what Python source does: comments, docstrings and layout do not count."""
    return of_tree(ast.parse(source))


def of_tree(tree: ast.Module) -> str:
    """Digest of a syntax tree, without docstrings.

    Empty fields are left out, so that a Python release which adds one changes nothing.
    """
    hasher = hashlib.sha256()

    def visit(node: Any) -> None:
        if isinstance(node, ast.AST):
            hasher.update(type(node).__name__.encode())
            for field, value in ast.iter_fields(node):
                if field in ("type_comment", "kind") or value is None or value == []:
                    continue
                if field == "body" and isinstance(value, list) and _has_docstring(node):
                    value = value[1:]
                hasher.update(f".{field}(".encode())
                visit(value)
                hasher.update(b")")
        elif isinstance(node, list):
            for item in node:
                visit(item)
                hasher.update(b",")
        else:
            hasher.update(repr(node).encode())

    visit(tree)
    return hasher.hexdigest()[:16]


def _has_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node, clean=False) is not None
    )


def remembered(name: str, work: Callable[[], Any]) -> Any:
    """The JSON result of `work`, kept in the cache under a name that says all it depends on."""
    if name not in _memory:
        note = CACHE / f"{name}.json"
        try:
            _memory[name] = json.loads(note.read_bytes())
        except (FileNotFoundError, ValueError):
            _memory[name] = json.loads(json.dumps(work()))
            file_system(note).write(note, json.dumps(_memory[name]).encode())
    return _memory[name]


_memory: dict[str, Any] = {}


def _read_module(path: Path) -> tuple[str, list[list[str]]]:
    """(code digest, imported [module, name] pairs of the package) of one source file."""
    source = path.read_bytes()
    name = f"runs-{hashlib.sha256(source).hexdigest()[:32]}"
    digest, imports = remembered(name, lambda: _examine_source(source.decode()))
    return digest, imports


def _examine_source(source: str) -> tuple[str, list[tuple[str, str]]]:
    tree = ast.parse(source)
    imports: list[tuple[str, str]] = []
    for node in _running(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            imports += [(node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            imports += [(alias.name, "") for alias in node.names]
    inside = [pair for pair in imports if pair[0].split(".")[0] == PACKAGE]
    return of_tree(tree), inside


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below one that run: not what stands under `if TYPE_CHECKING:`."""
    yield node
    children = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        children = iter(node.orelse)
    for child in children:
        yield from _running(child)


def _module_of(module: str, name: str) -> str | None:
    """The module that `from module import name` makes one depend on; None for a task's class.

    An imported task is an input, not code: its content digest is in the recipe already.
    """
    base = Path(str(sys.modules[PACKAGE].__file__)).parent.parent.joinpath(*module.split("."), name)
    if f"{module}.{name}" in sys.modules or base.with_suffix(".py").exists():
        return f"{module}.{name}"
    value = getattr(sys.modules.get(module), name, None)
    if not isinstance(value, type) or not issubclass(value, luigi.Task):
        return module
    is_stage = not issubclass(value, luigi.Config) and not vars(value).get("abstract")
    return None if is_stage else module


@lru_cache(maxsize=64)
def of_code(module: str) -> dict[str, str]:
    """{module: code digest} of a module and of all that it imports from the package.

    Taken once a process: what runs is the code that was loaded.
    """
    found: dict[str, str] = {}
    todo = [module]
    while todo:
        name = todo.pop()
        if name in found or name == PACKAGE:
            continue
        root = Path(str(sys.modules[PACKAGE].__file__)).parent.parent.joinpath(*name.split("."))
        path = root / "__init__.py" if root.is_dir() else root.with_suffix(".py")
        digest, imports = _read_module(path)
        found[name] = digest
        for imported, attribute in imports:
            depends_on = _module_of(imported, attribute)
            if depends_on is not None:
                todo.append(depends_on)
    return dict(sorted(found.items()))
