"""What the code of the tasks of this package is, and what is not."""

from __future__ import annotations

import ast
from pathlib import Path

import luigi_tasks
from luigi_tasks.core.code_digests import Code, of_code

ROOT = Path(luigi_tasks.__file__).parent


def test_every_import_of_this_package_can_be_followed() -> None:
    code = Code({"luigi_tasks": ROOT / "__init__.py"})
    for path in ROOT.rglob("*.py"):
        *rooms, name = path.relative_to(ROOT).with_suffix("").parts
        module = ".".join(["luigi_tasks", *rooms, *([] if name == "__init__" else [name])])
        assert module in code.of(module)


def test_the_code_of_a_task_is_its_module_and_what_that_imports_from_the_package() -> None:
    monitoring = of_code("luigi_tasks.monitoring.task")
    assert {
        "luigi_tasks.monitoring.task",
        "luigi_tasks.models.metrics",
        "luigi_tasks.core",
        "luigi_tasks.core.task",
    } <= set(monitoring)
    gold = of_code("luigi_tasks.layers.gold")
    assert "luigi_tasks.core.engines.sail" in gold
    assert "luigi_tasks.layers.features" in gold, "also what is imported when it runs"
    assert "luigi_tasks.layers.flags" not in gold, "the code of an input is not one's own"
    assert "luigi_tasks.layers.silver" not in gold, "an imported task is an input, not code"
    assert "luigi_tasks.models.training_data" not in gold, "nothing depends on what comes after it"


def test_rules_and_commands_are_nobodys_code() -> None:
    stages = ("layers.gold", "models.candidates", "monitoring.task", "reports.plots")
    code = of_code(*(f"luigi_tasks.{name}" for name in stages), "luigi_tasks.governance.task")
    assert {"luigi_tasks.parameters", "luigi_tasks.core.rules", "luigi_tasks"}.isdisjoint(code)
    assert not [module for module in code if module.startswith("luigi_tasks.commands")]


def test_only_these_import_what_only_the_running_program_knows() -> None:
    """Such a module is not seen. These import from other packages, or tell it to `of_code`."""
    dynamic = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith(("import_module", "__import__"))
        and not isinstance(node.args[0], ast.Constant)
    }
    assert dynamic == {"core/imports.py", "models/classes.py"}
