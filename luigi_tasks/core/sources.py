"""Source files: what Python source does, and what it says that it imports from some packages."""

from __future__ import annotations

import ast
import hashlib
import symtable
from importlib.util import resolve_name
from typing import Any, NamedTuple


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


class Import(NamedTuple):
    """`from module import name as local`, with an empty name for `import module`.

    An attribute of a package that was imported whole is one too: `package.module.name`.
    """

    line: int
    module: str
    """By its whole name, also where the source gives it relative to its own."""
    name: str
    local: str
    """What it is called here; empty where that does not matter."""


class Source(NamedTuple):
    """What a source file does and imports, as far as its text alone says it."""

    digest: str
    imports: list[Import]
    """What it imports from the packages that were asked about."""
    names: list[str]
    """All that is bound at the top level; `*` among them: and what another package says."""
    defined: list[str]
    """Those of them that are bound by more than imports."""
    inherited: list[str]
    """The names that classes inherit from."""
    problems: list[tuple[int, str]]
    """(line, what to do instead) of the imports that the text does not tell."""


def read(source: str, module: str, *, is_package: bool, packages: frozenset[str]) -> Source:
    """What the source of a module does, and what it imports from some packages.

    `packages` are their outermost names. An import counts wherever in the module it stands, but
    for `if TYPE_CHECKING:`, which does not run.
    """
    tree = ast.parse(source)
    room = module if is_package else module.rpartition(".")[0]
    # Expressions are many, and only these make one of interest.
    deep = any(text in source for text in ("import_module", "__import__", "importlib", ":="))
    reader = _Reader(tree, room, packages, deep=deep)
    reader.visit(tree)
    symbols = symtable.symtable(source, module, "exec").get_symbols()
    defined = {symbol.get_name() for symbol in symbols if symbol.is_assigned()} | reader.defined
    imported = {symbol.get_name() for symbol in symbols if symbol.is_imported()} | reader.stars
    return Source(
        digest=of_tree(tree),
        imports=reader.imports,
        names=sorted(defined | imported),
        defined=sorted(defined),
        inherited=sorted(reader.inherited),
        problems=reader.problems,
    )


class _Reader(ast.NodeVisitor):
    """Collects the imports of a module, and what it takes to tell what they mean."""

    def __init__(
        self, tree: ast.Module, room: str, packages: frozenset[str], *, deep: bool
    ) -> None:
        self._room, self._packages = room, packages
        self.imports: list[Import] = []
        self.problems: list[tuple[int, str]] = []
        self.inherited: set[str] = set()
        self.defined: set[str] = set()
        self.stars: set[str] = set()
        # What `import a.b` binds is `a`, through which the module reaches what others imported.
        self._whole: set[str] = set()
        self._importers = {"import_module", "__import__"}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                dotted = {alias.name for alias in node.names if not alias.asname}
                self._whole |= self._packages & {name.partition(".")[0] for name in dotted}
            elif isinstance(node, ast.ImportFrom) and node.module == "importlib":
                self._importers |= {a.asname for a in node.names if a.asname}

        self._deep = deep or bool(self._whole)

    def generic_visit(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if self._deep or not isinstance(child, ast.expr):
                self.visit(child)

    def _add(self, node: ast.expr | ast.stmt, module: str, name: str = "", local: str = "") -> None:
        if self._is_ours(module):
            self.imports.append(Import(node.lineno, module, name, local))

    def _is_ours(self, module: str) -> bool:
        return module.partition(".")[0] in self._packages

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(node, alias.name, local=alias.asname or "")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level:
            try:
                module = resolve_name("." * node.level + module, self._room)
            except ImportError:
                self.problems.append((node.lineno, "it goes up beyond the package"))
                return
        for alias in node.names:
            if alias.name != "*":
                self._add(node, module, alias.name, alias.asname or alias.name)
            elif self._is_ours(module):
                self.problems.append((node.lineno, "name what is imported"))
            else:
                self.stars.add("*")

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if name in self._importers:
            self._read_call(node)
        self.generic_visit(node)

    def _read_call(self, node: ast.Call) -> None:
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        first = given[0] if given else node
        if isinstance(first, ast.Constant) and not str(first.value).startswith("."):
            self._add(node, str(first.value))
            return
        # A name that only the running program knows may be of any package; one that is made up
        # from a name of ours is of ours.
        for part in (part for value in given for part in ast.walk(value)):
            text = str(part.value if isinstance(part, ast.Constant) else getattr(part, "id", ""))
            relative = text.startswith(".") or text in ("__name__", "__package__")
            if relative or self._is_ours(text):
                self.problems.append((node.lineno, "write out the whole name of the module"))
                return

    def visit_If(self, node: ast.If) -> None:
        test = node.test
        name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
        for child in node.orelse if name == "TYPE_CHECKING" else ast.iter_child_nodes(node):
            self.visit(child)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for base in node.bases:
            self.inherited |= {part.id for part in ast.walk(base) if isinstance(part, ast.Name)}
        self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> None:
        self.defined.update(node.names)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.defined.add(node.target.id)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        dotted = _dotted(node) if self._whole else ""
        if dotted.partition(".")[0] in self._whole:
            self._add(node, dotted)
        else:
            self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in self._whole:
            self._add(node, node.id)


def _dotted(node: ast.expr) -> str:
    """The text `a.b.c` of such an expression; empty for any other."""
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""
