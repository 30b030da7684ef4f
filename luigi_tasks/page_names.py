"""What luigid's page calls the tasks: layer, task, and what tells it from others of its kind.

The page shows the family of a task and nothing else beside a node of the graph, and groups the
list by what stands before the first dot. So luigid alone is told another family, such as
bronze.Bronze.lms_loan_daily; on the command line, in luigi.cfg and in recipes a task keeps its
name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from luigi.rpc import RemoteScheduler

_OURS = __name__.partition(".")[0]
# The tasks of a day are of one day and one generation in a run: those tell nothing apart.
_DAY = "as_of"
_TOLD_APART_BY = ("table", "name", "generation")


def page_name(family: str, module: str, params: Mapping[str, str]) -> str:
    """The name on the page of a task of a module, with its parameters as texts.

    The group is the layer (bronze, silver, …) or the room of the package.
    """
    rooms = module.split(".")[1:]
    group = rooms[1] if rooms[0] == "layers" else rooms[0]
    apart = () if _DAY in params else _TOLD_APART_BY
    return ".".join([group, family, *(params[name] for name in apart if name in params)])


def family_of(name: str) -> str:
    """The family of a task, by its name on the page."""
    return name.split(".")[1]


def _is_ours(module: Any) -> bool:
    return str(module).startswith(f"{_OURS}.")


def tell_luigid() -> None:
    """From now on luigid is told these names; a family that it gives back is the task's own."""
    RemoteScheduler.add_task = _renamed(RemoteScheduler.add_task)  # type: ignore[attr-defined]
    RemoteScheduler.get_work = _named_back(RemoteScheduler.get_work)  # type: ignore[attr-defined]


def _renamed(add_task: Callable[..., Any]) -> Callable[..., Any]:
    def renamed(self: RemoteScheduler, **task: Any) -> Any:
        if _is_ours(task.get("module")) and "family" in task:
            task["family"] = page_name(task["family"], task["module"], task.get("params") or {})
        return add_task(self, **task)

    return renamed


def _named_back(get_work: Callable[..., Any]) -> Callable[..., Any]:
    def named_back(self: RemoteScheduler, **asked: Any) -> Any:
        work = get_work(self, **asked)
        if _is_ours(work.get("task_module")) and work.get("task_family"):
            work["task_family"] = family_of(work["task_family"])
        return work

    return named_back
