"""The base of all tasks: what makes an output stale, and how it is rebuilt.

An output is fresh when it exists, its files are what its provenance says, the recipe in its
provenance equals the recipe of today, and every input is fresh as well. Luigi never asks a
finished task about its inputs, so `complete()` looks upstream itself.
"""

from __future__ import annotations

import contextlib
import contextvars
import datetime as dt
import json
import logging
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import luigi
from luigi.task import flatten

from luigi_tasks.core import digests, files
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.settings import Slice, storage
from luigi_tasks.core.targets import StageTarget

log = logging.getLogger("luigi-interface")

HISTORY = Path("logs") / "task_history.jsonl"

Recipe = dict[str, Any]

_answers: contextvars.ContextVar[dict[str, str | None] | None] = contextvars.ContextVar(
    "answers", default=None
)


@contextlib.contextmanager
def one_look() -> Iterator[dict[str, str | None]]:
    """Share the answers to "why is it stale?" within the block; the outermost block rules."""
    answers = _answers.get()
    if answers is not None:
        yield answers
        return
    answers = {}
    token = _answers.set(answers)
    try:
        with files.one_look(in_datamart()):
            yield answers
    finally:
        _answers.reset(token)


class PipelineTask(luigi.Task):
    """A stage: reads the outputs of the tasks that it requires and publishes its own.

    Subclasses give `requires`, `output` and `build`. What `build` reads of params.yaml is
    declared in `reads` (dotted names) and found in `self.params`, nowhere else.
    """

    abstract = True
    reads: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @lru_cache(maxsize=64)
    def get_params(cls) -> list[tuple[str, luigi.Parameter]]:
        """Luigi's own, once a class: it looks through all attributes at every call."""
        found: list[tuple[str, luigi.Parameter]] = super().get_params()
        return found

    def settings_read(self) -> tuple[str, ...]:
        """The dotted names of the settings that this task reads."""
        return self.reads

    @property
    def params(self) -> Slice:
        """The settings of params.yaml that this task declares."""
        return Slice(self.settings_read())

    def build(self, *built: Path) -> None:
        """Make the outputs at the given staging paths, one for each target of `output()`."""
        raise NotImplementedError

    def targets(self) -> list[StageTarget]:
        """The outputs as a list. The first is the product, which later stages read."""
        found: list[StageTarget] = flatten(self.output())
        return found

    def upstream(self) -> list[luigi.Task]:
        """The required tasks as a list."""
        found: list[luigi.Task] = flatten(self.requires())
        return found

    def inputs(self) -> dict[str, StageTarget]:
        """What `build` reads, by name: the product of every required task."""
        return {str(task): flatten(task.output())[0] for task in self.upstream()}

    def recipe(self) -> Recipe:
        """All that determines the output, in JSON. Every input must exist."""
        recipe: Recipe = {
            "task": self.get_task_family(),
            "arguments": self.to_str_params(only_significant=True),
            "params": dict(self.params),
            "code": digests.of_code(type(self).__module__),
            "inputs": {name: content_of(target) for name, target in self.inputs().items()},
        }
        return json.loads(json.dumps(recipe, default=str))  # type: ignore[no-any-return]

    def stale_because(self) -> str | None:
        """Why this task has to run; None when its outputs are fresh.

        Answers are shared within one outermost call, which sees one state of the files.
        """
        with one_look() as answers:
            if self.task_id not in answers:
                answers[self.task_id] = self._examine()
            return answers[self.task_id]

    def _examine(self) -> str | None:
        for task in self.upstream():
            if not task.complete():
                return f"upstream: {task} is stale"
        recipe = self.recipe()
        for target in self.targets():
            provenance = target.provenance()
            if provenance is None:
                return f"output: {target} does not exist"
            if provenance.get("recipe") != recipe:
                return difference(provenance.get("recipe"), recipe)
            damage = target.damage(provenance)
            if damage:
                return f"output: {target}: {damage}"
        return None

    def complete(self) -> bool:
        return self.stale_because() is None

    def run(self) -> None:
        """Rebuild the outputs, unless the stages before came out as they were."""
        started = time.time()
        if self.complete():
            log.info("%s: its inputs came out unchanged, nothing to do", self)
            return
        recipe = self.recipe()
        targets = self.targets()
        built = [target.staging() for target in targets]
        try:
            self.build(*built)
            for target, path in zip(targets, built, strict=True):
                target.publish(path, recipe)
        finally:
            for target, path in zip(targets, built, strict=True):
                with contextlib.suppress(OSError):
                    target.fs.discard(path)
        self._record(started)

    def _record(self, started: float) -> None:
        """Append the wall-clock facts to the task history: they are in no output."""
        seconds = time.time() - started
        log.info("%s: built in %.2f s", self, seconds)
        line = {
            "task": str(self),
            "started": dt.datetime.fromtimestamp(started, dt.UTC).isoformat(
                timespec="milliseconds"
            ),
            "seconds": round(seconds, 3),
        }
        HISTORY.parent.mkdir(exist_ok=True)
        with HISTORY.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def content_of(target: Any) -> str:
    """The content digest of a published target; raises PipelineError when there is none."""
    if isinstance(target, StageTarget):
        provenance = target.provenance()
        if provenance is None:
            raise PipelineError(f"{target} does not exist; run the task that makes it")
        return str(provenance["content"])
    return digests.of_file(Path(target.path))


def difference(old: Recipe | None, new: Recipe) -> str:
    """The first difference between two recipes, in the order in which a reader would ask."""
    if not old:
        return "output: has no provenance"
    changes = [
        *_changed("params", old.get("params", {}), new["params"], values=True),
        *_changed("input", old.get("inputs", {}), new["inputs"]),
        *_changed("code", old.get("code", {}), new["code"]),
    ]
    told = ("params", "inputs", "code")
    rest = [{k: v for k, v in recipe.items() if k not in told} for recipe in (old, new)]
    return "; ".join([*changes, *_changed("task", *rest, values=True)])


def _changed(
    kind: str, old: dict[str, Any], new: dict[str, Any], *, values: bool = False
) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            for change in _changed(kind, before, after, values=values):
                yield change.replace(f"{kind}: ", f"{kind}: {name}.", 1)
        elif values:
            yield f"{kind}: {name} {before} → {after}"
        else:
            how = "is new" if before is None else "is gone" if after is None else "changed"
            yield f"{kind}: {name} {how}"


@lru_cache(maxsize=1)
def _folders() -> storage:
    return storage()


def in_data(*parts: str) -> Path:
    """A path below the folder of the CSV extracts."""
    return _on_this_machine("data", *parts)


def in_datamart(*parts: str) -> Path:
    """A path below the datamart, which alone may lie on shared storage."""
    return files.located(_folders().datamart, *parts)


def in_model_store(*parts: str) -> Path:
    """A path below the model store."""
    return _on_this_machine("model_store", *parts)


def in_reports(*parts: str) -> Path:
    """A path below the reports."""
    return _on_this_machine("reports", *parts)


def _on_this_machine(setting: str, *parts: str) -> Path:
    place = getattr(_folders(), setting)
    path = files.located(place, *parts)
    if files.is_shared(path):
        raise PipelineError(
            f"luigi.cfg: [storage] {setting} = {place} is not on this machine; only the datamart "
            "can lie on shared storage"
        )
    return path
