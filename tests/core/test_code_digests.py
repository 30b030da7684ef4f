"""A change of any code that a module imports changes its digest, in whatever way it imports.

The forms of imports are tried in a small package, `shop`, that nothing loads.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import luigi
import pytest

from luigi_tasks.core import code_digests, digests, sources
from luigi_tasks.core.code_digests import Code, of_code
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.sources import Source

USER, USED, OTHER = "shop.till.user", "shop.till.used", "shop.till.other"


class Shop:
    """The package; the module `user` imports, the module `used` is imported."""

    def __init__(self, folder: Path) -> None:
        self.init = folder / "shop" / "__init__.py"
        for name in ("shop", "shop/till", "shop/shelf"):
            self.write(f"{name}/__init__.py", "")
        self.write("shop/till/used.py", "def helper():\n    return 1\n")
        self.write("shop/till/other.py", "def another():\n    return 1\n")
        self.write("shop/top.py", "def above():\n    return 1\n")

    def write(self, name: str, text: str) -> None:
        path = self.init.parents[1] / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def user(self, text: str) -> None:
        self.write("shop/till/user.py", text + "\n")

    def code(self, module: str = USER) -> dict[str, str]:
        return Code({"shop": self.init}).of(module)

    def changed_by(self, name: str, text: str) -> set[str]:
        """The modules whose digest in the code of `user` changes with a file."""
        before = self.code()
        self.write(name, text)
        after = self.code()
        return {module for module, digest in after.items() if before.get(module) != digest}

    def refusal(self) -> str:
        with pytest.raises(PipelineError) as error:
            self.code()
        return str(error.value)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    return Shop(tmp_path)


# --- what counts ------------------------------------------------------------------------------

FORMS = {
    "a name": "from shop.till.used import helper",
    "a name by another name": "from shop.till.used import helper as h",
    "a module of a package": "from shop.till import used",
    "a module by its whole name": "import shop.till.used",
    "a module by another name": "import shop.till.used as u",
    "a name, relative": "from .used import helper",
    "a module, relative": "from . import used",
    "a name, relative by two levels": "from ..till.used import helper",
    "a module, relative by two levels": "from ..till import used",
    "within a function": "def work():\n    from shop.till.used import helper",
    "within a method": "class Till:\n    def work(self):\n        from . import used",
    "within a class": "class Till:\n    from shop.till.used import helper",
    "within a condition": "if __debug__:\n    from shop.till.used import helper",
    "within an attempt": "try:\n    import shop.till.used\nexcept ImportError:\n    pass",
    "several at once": "import os, shop.till.used",
    "unless for types": "if not TYPE_CHECKING:\n    from . import used",
    "for more than types": "if TYPE_CHECKING:\n    pass\nelse:\n    from . import used",
    "importlib": "import importlib\nimportlib.import_module('shop.till.used')",
    "importlib by a keyword": "import importlib\nimportlib.import_module(name='shop.till.used')",
    "importlib's function": "from importlib import import_module\nimport_module('shop.till.used')",
    "it by another name": "from importlib import import_module as get\nget('shop.till.used')",
    "__import__": "__import__('shop.till.used')",
    "an attribute of the package": "import shop.till.other\nshop.till.used.helper()",
    "an attribute before its import": "def f():\n    shop.till.used.helper\nimport shop.till.other",
    "a module that imports it": "from shop.shelf.middle import middle",
    "a name that a module imports": "from shop.shelf.middle import helper",
    "a name that a package imports": "from shop.shelf import helper",
    "a name that the outermost package imports": "from shop import helper",
    "that by another name": "from shop import also",
    "a module that the outermost package imports": "from shop import used",
}


@pytest.mark.parametrize("form", FORMS)
def test_an_imported_module_is_code(shop: Shop, form: str) -> None:
    shop.write("shop/shelf/middle.py", "from shop.till.used import helper\nmiddle = helper\n")
    shop.write("shop/shelf/__init__.py", "from shop.till.used import helper\n")
    shop.write(
        "shop/__init__.py",
        "from shop.till import used\nfrom shop.till.used import helper, helper as also\n",
    )
    shop.user(FORMS[form])
    assert shop.changed_by("shop/till/used.py", "def helper():\n    return 2\n") == {USED}


def test_a_module_at_the_top_is_imported_relative_to_its_package(shop: Shop) -> None:
    shop.user("from .. import top")
    assert shop.changed_by("shop/top.py", "def above():\n    return 2\n") == {"shop.top"}


def test_nothing_is_loaded_to_find_out(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(shop.init.parents[1])
    shop.user("raise AssertionError\nfrom . import used")
    assert set(of_code(USER)) == {"shop.till", USER, USED}
    code_digests._code.cache_clear()
    assert "shop" not in sys.modules


def test_a_module_outside_any_package_has_code_and_so_has_what_it_takes_from_this_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shop.init.parents[1]
    monkeypatch.syspath_prepend(folder)
    (folder / "alone.py").write_text("from luigi_tasks.core.tables import read\nimport shop\n")
    code = of_code("alone")
    code_digests._code.cache_clear()
    assert {"alone", "luigi_tasks.core", "luigi_tasks.core.tables"} <= set(code)
    assert not [module for module in code if module.startswith("shop")]


def test_several_modules_can_be_asked_for_at_once(shop: Shop) -> None:
    shop.user("")
    assert set(Code({"shop": shop.init}).of(USER, OTHER)) == {"shop.till", USER, OTHER}


def test_every_package_on_the_way_runs_and_is_code_but_for_the_outermost(shop: Shop) -> None:
    shop.user("from shop.shelf.box import thing")
    shop.write("shop/shelf/box/__init__.py", "thing = 1\n")
    assert set(shop.code()) == {"shop.till", USER, "shop.shelf", "shop.shelf.box"}
    assert shop.changed_by("shop/shelf/__init__.py", "COUNT = 1\n") == {"shop.shelf"}
    assert shop.changed_by("shop/till/__init__.py", "COUNT = 1\n") == {"shop.till"}
    assert shop.changed_by("shop/__init__.py", "COUNT = 1\n") == set()


def test_what_a_package_on_the_way_imports_runs_and_is_code(shop: Shop) -> None:
    """It may register something, as plug-ins do."""
    shop.user("from shop.shelf import register")
    shop.write("shop/shelf/__init__.py", "from shop.till import other\n")
    shop.write("shop/shelf/register.py", "")
    assert shop.changed_by("shop/till/other.py", "def another():\n    return 2\n") == {OTHER}


def test_what_the_outermost_package_makes_itself_brings_all_that_it_imports(shop: Shop) -> None:
    shop.write("shop/__init__.py", "from shop.till import other\ndef open_shop():\n    pass\n")
    shop.user("from shop import open_shop")
    assert set(shop.code()) == {"shop", "shop.till", USER, OTHER}


def test_the_code_of_two_modules_that_import_each_other_is_the_code_of_both(shop: Shop) -> None:
    shop.user("from shop.till import used")
    shop.write("shop/till/used.py", "from shop.till import user\n")
    assert set(shop.code(USER)) == set(shop.code(USED)) == {"shop.till", USER, USED}


def test_the_same_text_in_two_packages_imports_what_is_beside_it(shop: Shop) -> None:
    for room in ("till", "shelf"):
        shop.write(f"shop/{room}/same.py", "from . import beside\n")
        shop.write(f"shop/{room}/beside.py", "")
    assert "shop.till.beside" in shop.code("shop.till.same")
    assert "shop.shelf.beside" in shop.code("shop.shelf.same")


# --- what does not ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "import os.path\nfrom json import dumps\nfrom math import *",
        "'from shop.till import used'  # from shop.till import used",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shop.till import used",
        "import typing\nif typing.TYPE_CHECKING:\n    from shop.till import used",
        "import shopping\nshopping.till.used",
        "def load(name):\n    import importlib\n    return importlib.import_module(name)",
    ],
)
def test_what_is_not_imported_when_it_runs_is_not_code(shop: Shop, text: str) -> None:
    shop.user(text)
    assert set(shop.code()) == {"shop.till", USER}


class _Stages:
    class Priced(luigi.Task):
        pass

    class Delivered(luigi.ExternalTask):
        pass

    class Base(luigi.Task):
        abstract = True

    class Sold(Base):
        pass

    class Settings(luigi.Config):
        pass

    class Plain:
        pass


@pytest.fixture
def with_stages(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop with a loaded module of tasks, which two packages import."""
    loaded = ModuleType("shop.till.stages")
    vars(loaded).update({k: v for k, v in vars(_Stages).items() if not k.startswith("_")})
    for name in (loaded.__name__, "shop", "shop.shelf"):
        monkeypatch.setitem(sys.modules, name, loaded)
    names = [name for name in vars(loaded) if not name.startswith("_")]
    shop.write("shop/till/stages.py", "".join(f"class {name}: pass\n" for name in names))
    shop.write("shop/shelf/__init__.py", "from shop.till.stages import Priced\n")
    shop.write("shop/__init__.py", "from shop.till.stages import Priced\n")
    return shop


@pytest.mark.parametrize("name", ["Priced", "Delivered", "Sold"])
def test_an_imported_task_is_an_input_not_code(with_stages: Shop, name: str) -> None:
    with_stages.user(f"from shop.till.stages import {name}")
    assert set(with_stages.code()) == {"shop.till", USER}


@pytest.mark.parametrize("package", ["shop", "shop.shelf"])
def test_a_task_imported_through_a_package_is_an_input_too(with_stages: Shop, package: str) -> None:
    with_stages.user(f"from {package} import Priced")
    assert set(with_stages.code()) == {"shop.till", USER}


@pytest.mark.parametrize(
    "text",
    [
        "from shop.till.stages import Base",
        "from shop.till.stages import Settings",
        "from shop.till.stages import Plain",
        "from shop.till.stages import Priced, Plain",
        "from shop.till import stages",
        "from shop.till.stages import Priced\nclass Mine(Priced): pass",
        "from shop.till.stages import Priced as P\ndef f():\n    class Mine(object, P): pass",
        "from shop import Priced\nclass Mine(Priced): pass",
    ],
)
def test_what_is_no_task_to_be_required_or_is_inherited_from_is_code(
    with_stages: Shop, text: str
) -> None:
    with_stages.user(text)
    assert "shop.till.stages" in with_stages.code()


def test_a_task_of_a_module_that_is_not_loaded_is_code(
    with_stages: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "shop.till.stages")
    with_stages.user("from shop.till.stages import Priced")
    assert "shop.till.stages" in with_stages.code()


# --- what cannot be followed ------------------------------------------------------------------

PACKAGE = "is a package; import the modules that are meant"
WHOLE = "write out the whole name of the module"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("import shop", f"shop {PACKAGE}"),
        ("import shop as s", f"shop {PACKAGE}"),
        ("import shop.till", f"shop.till {PACKAGE}"),
        ("from shop import till", f"shop.till {PACKAGE}"),
        ("from .. import till", f"shop.till {PACKAGE}"),
        ("import shop.till.used; print(shop)", f"shop {PACKAGE}"),
        ("import shop.till.used; shop.till.items()", "shop.till has no items"),
        ("from shop.till.used import *", "name what is imported"),
        ("from .used import *", "name what is imported"),
        ("from shop.till.used import nowhere", "shop.till.used has no nowhere"),
        ("from shop.till import nowhere", "shop.till has no nowhere"),
        ("from shop import nowhere", "shop has no nowhere"),
        ("from shop.nowhere import helper", "there is no module shop.nowhere"),
        ("import shop.nowhere", "shop has no nowhere"),
        ("import shop.till.used.nowhere", "shop.till.used has no nowhere"),
        ("from ... import shop", "it goes up beyond the package"),
        ("__import__('shop.nowhere')", "shop has no nowhere"),
        ("__import__('shop')", f"shop {PACKAGE}"),
        ("__import__(f'shop.till.{name}')", WHOLE),
        ("__import__('shop.till.' + name)", WHOLE),
        ("import_module('.used', anchor)", WHOLE),
        ("import_module('.used', 'shop.till')", WHOLE),
        ("import_module('.' + name, anchor)", WHOLE),
        ("import_module(name, __package__)", WHOLE),
        ("import_module(name, package='shop.till')", WHOLE),
        ("import_module(__name__ + name)", WHOLE),
    ],
)
def test_what_cannot_be_followed_is_refused_with_its_place(shop: Shop, line: str, why: str) -> None:
    shop.user(f"\n{line}")
    assert shop.refusal() == f"shop/till/user.py:2: `{line}` cannot be followed: {why}"


def test_it_is_refused_wherever_in_the_code_it_stands(shop: Shop) -> None:
    shop.user("from shop.till.used import helper")
    shop.write("shop/till/used.py", "def helper():\n    import shop\n")
    assert shop.refusal().startswith("shop/till/used.py:2: `import shop` cannot be followed")


def test_a_folder_without_an_init_is_refused(shop: Shop) -> None:
    shop.write("shop/cellar/wine.py", "")
    shop.user("from shop.cellar import wine")
    assert "there is no module shop.cellar" in shop.refusal()


@pytest.mark.parametrize(
    "text",
    [
        "from math import *",
        "def __getattr__(name):\n    return 1",
        "def open_till():\n    global gone\n    gone = 1",
        "[gone := 1 for _ in ()]",
        "for gone in (): pass",
        "with open('x') as gone: pass",
        "gone, there = 1, 2",
        "import os as gone",
    ],
)
def test_a_name_is_there_however_it_is_bound(shop: Shop, text: str) -> None:
    shop.write("shop/till/used.py", f"{text}\n")
    shop.user("from shop.till.used import gone")
    assert USED in shop.code()


# --- the memory -------------------------------------------------------------------------------


def test_a_source_is_read_again_only_when_it_or_the_way_of_reading_has_changed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def reading(source: str, module: str, **others: object) -> Source:
        read.append(module)
        return original(source, module, **others)  # type: ignore[arg-type]

    original = sources.read
    monkeypatch.setattr(sources, "read", reading)

    def again() -> list[str]:
        read.clear()
        digests._memory.clear()
        shop.code()
        return sorted(read)

    shop.user("from shop.till import used")
    assert again() == ["shop.till", USED, USER]
    assert again() == []
    shop.write("shop/till/used.py", "def helper():  # changed\n    return 1\n")
    assert again() == [USED]
    monkeypatch.setattr(code_digests, "_ALGORITHM", b"another way of reading")
    assert again() == ["shop.till", USED, USER]
