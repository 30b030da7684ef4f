"""The base of all tasks: what makes an output stale, and how it is rebuilt.

An output is fresh when it exists, its files are what its provenance says, the recipe in its
provenance equals the recipe of today, and every input is fresh as well. Luigi never asks a
finished task about its inputs, so `complete()` looks upstream itself.
"""

from __future__ import annotations

import contextlib
import contextvars
import gc
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import luigi
from luigi.task import flatten

from luigi_tasks.core import code_digests, files, imports, locks, settings, storage
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.recipes import Recipe, content_of, difference
from luigi_tasks.core.settings import Slice
from luigi_tasks.core.targets import StageTarget

log = logging.getLogger("luigi-interface")

# The tasks that have been checked, by the state of params.yaml that they were checked with.
_checked: dict[tuple[Any, ...], set[str]] = {}


@dataclass(frozen=True)
class Look:
    """What has been found out in one look, by task: why it is stale, and what it requires."""

    stale_because: dict[str, str | None] = field(default_factory=dict)
    upstream: dict[str, list[Task]] = field(default_factory=dict)


_look: contextvars.ContextVar[Look | None] = contextvars.ContextVar("look", default=None)


@contextlib.contextmanager
def one_look(root: Task) -> Iterator[Look]:
    """Share what is found out within the block; the outermost block rules.

    Every task below `root` is checked first, once: what is wrong is said before anything runs.
    """
    look = _look.get()
    if look is not None:
        yield look
        return
    look = Look()
    token = _look.set(look)
    try:
        with files.one_look(storage.in_datamart()):
            _check(root)
            yield look
    finally:
        _look.reset(token)


class _Looked(list["Task"]):
    """Tasks that are gone through within one look, as Luigi does to ask whether each is done."""

    def __init__(self, root: Task) -> None:
        super().__init__(root.upstream())
        self._root = root

    def __iter__(self) -> Iterator[Task]:
        with one_look(self._root):
            yield from super().__iter__()


@lru_cache(maxsize=1)
def _begin(_project: Path) -> None:
    """Once a run, remove what killed runs left.

    And look for garbage less often: a quarter of a million objects are loaded and stay, and to
    search them whenever there were more took half a second.
    """
    storage.sweep()
    gc.set_threshold(50_000)


def _check(root: Task) -> None:
    checked = _checked.setdefault(settings.state(), set())
    if root.task_id not in checked:
        for task in tasks_below(root):
            if task.task_id not in checked:
                task.check()
                checked.add(task.task_id)


def tasks_below(root: Task) -> Iterator[Task]:
    """Every task below a task and itself, inputs first, each once."""
    seen: set[str] = set()

    def walk(task: Task) -> Iterator[Task]:
        if task.task_id not in seen:
            seen.add(task.task_id)
            for required in task.upstream():
                yield from walk(required)
            yield task

    return walk(root)


class Task(luigi.Task):
    """What all tasks share. Subclasses give `requires` and `examine`.

    What a task reads of params.yaml is declared in `reads` (dotted names) and found in
    `self.params`, nowhere else.
    """

    abstract = True
    reads: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Of a run: why it ran, None when it had nothing to do, and in a few words what it made.
        self.because: str | None = None
        self.told: str | None = None
        if vars(type(self)).get("abstract"):
            raise PipelineError(f"No task {self.get_task_family()}: others build on it")

    @classmethod
    def concrete_values(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The parameters by name, with defaults that depend on the project made concrete.

        Called when the task is created, so that one run sees one value from beginning to end.
        """
        return values

    @classmethod
    def get_param_values(
        cls, params: Sequence[Any], args: Sequence[Any], kwargs: dict[str, Any]
    ) -> list[tuple[str, Any]]:
        """Luigi's own, made concrete."""
        values = dict(super().get_param_values(params, args, kwargs))
        return list(cls.concrete_values(values).items())

    @classmethod
    @lru_cache(maxsize=64)
    def get_params(cls) -> list[tuple[str, luigi.Parameter]]:
        """Luigi's own, once a class: it looks through all attributes at every call."""
        parameters: list[tuple[str, luigi.Parameter]] = super().get_params()
        return parameters

    def settings_read(self) -> tuple[str, ...]:
        """The dotted names of the settings that this task reads."""
        return self.reads

    @property
    def params(self) -> Slice:
        """The settings of params.yaml that this task declares."""
        return Slice(self.settings_read())

    def code_modules(self) -> tuple[str, ...]:
        """The modules whose code decides what comes out."""
        return (type(self).__module__,)

    def upstream(self) -> list[Task]:
        """The required tasks as a list."""
        look = _look.get()
        known = look.upstream.get(self.task_id) if look else None
        tasks: list[Task] = flatten(self.requires()) if known is None else known
        if look:
            look.upstream[self.task_id] = tasks
        return tasks

    def deps(self) -> list[Task]:
        """The same, as Luigi asks for them."""
        return _Looked(self)

    def inputs(self) -> dict[str, Any]:
        """The targets that it reads, by a name for people: every required product."""
        return {
            str(task): task.output()[task.product] if isinstance(task, Stage) else task.output()
            for task in self.upstream()
        }

    def recipe(self) -> Recipe:
        """All that determines what comes out, in JSON. Every input must exist."""
        recipe: Recipe = {
            "task": self.get_task_family(),
            "arguments": self.to_str_params(only_significant=True),
            "params": dict(self.params),
            "code": code_digests.of_code(*self.code_modules()),
            "inputs": {name: content_of(target) for name, target in self.inputs().items()},
        }
        return json.loads(json.dumps(recipe, default=str))  # type: ignore[no-any-return]

    def check(self) -> None:
        """Raise PipelineError for what can be known to be wrong before anything runs."""
        _ = self.params

    def examine(self) -> str | None:
        """Why this task has to run; None when it need not."""
        raise NotImplementedError

    def stale_because(self) -> str | None:
        """The same, shared within one outermost look, which sees one state of the files."""
        with one_look(self) as look:
            if self.task_id not in look.stale_because:
                look.stale_because[self.task_id] = self.examine()
            return look.stale_because[self.task_id]

    def stale_upstream(self) -> str | None:
        """The first required task that is stale, as a reason; None when all are fresh."""
        stale = next((task for task in self.upstream() if not task.complete()), None)
        return f"upstream: {stale} is stale" if stale else None

    def complete(self) -> bool:
        if _look.get() is None:  # Luigi asks; a command that only looks has begun a look
            _begin(Path.cwd())
        return self.stale_because() is None

    def on_success(self) -> dict[str, str | None]:
        """What the process that ran it hands to Luigi's worker, which may be in another one."""
        because, told = self.because, self.told
        self.because = self.told = None
        return {"because": because, "told": told}


class Wrapper(Task, luigi.WrapperTask):
    """Does nothing but require; complete when all that it requires is."""

    abstract = True

    def examine(self) -> str | None:
        return self.stale_upstream()


class Stage(Task):
    """Reads the outputs of the tasks that it requires and publishes its own.

    Subclasses give `requires`, `output`, `product` and `build`.
    """

    abstract = True
    product: ClassVar[str]
    """The name of the output that later stages read."""

    def output(self) -> dict[str, StageTarget]:
        """The outputs by name."""
        raise NotImplementedError

    def build(self, staging: Mapping[str, Path]) -> None:
        """Make every output of `output()` at its path in `staging`."""
        raise NotImplementedError

    def path(self, output: str | None = None) -> Path:
        """Where an output lies; without a name, where the product lies."""
        return self.output()[output or self.product].path

    def kept_because(self) -> str | None:
        """Why it is fresh although its recipe is another today; None when it is as usual."""
        return None

    def slow_imports(self) -> tuple[str, ...]:
        """Modules that `build` needs and that take long to import."""
        return ()

    def examine(self) -> str | None:
        return self.stale_upstream() or self._stale_outputs(self.recipe())

    def _stale_outputs(self, recipe: Recipe) -> str | None:
        """Why the outputs are not those of a recipe; None when they are."""
        for target in self.output().values():
            provenance = target.provenance()
            if provenance is None:
                return f"output: {target} {target.reason_without_provenance()}"
            if provenance.recipe != recipe:
                return difference(provenance.recipe, recipe)
            damage = target.damage(provenance)
            if damage:
                return f"output: {target}: {damage}"
        return None

    def complete(self) -> bool:
        # Luigi asks every task of a run before the first of them runs.
        fresh = super().complete()
        if not fresh:
            imports.expect(self.slow_imports())
        return fresh

    def run(self) -> None:
        """Rebuild the outputs, unless the stages before came out as they were."""
        self.because = self.stale_because()
        if self.because is None:
            log.info("%s: its inputs came out unchanged, nothing to do", self)
            return
        recipe = self.recipe()
        targets = self.output()
        with files.changing(self.path()):
            staging = {name: target.staging() for name, target in targets.items()}
            try:
                self.build(staging)
                with locks.publishing():
                    if self._stale_outputs(recipe) is None:
                        log.info("%s: another run has published it meanwhile", self)
                        self.because = None
                        return
                    # Another run may have published another day: ask again what lies where.
                    for name, target in self.output().items():
                        self.publish(target, staging[name], recipe)
            finally:
                for name, target in targets.items():
                    with contextlib.suppress(OSError, PipelineError):
                        target.fs.discard(staging[name])

    def publish(self, target: StageTarget, staging: Path, recipe: Recipe) -> None:
        """Put one output in place."""
        target.publish(staging, recipe)


def with_targets(tasks: Iterable[Task]) -> Iterator[Task]:
    """The tasks that make something: not wrappers, and not what is delivered from outside."""
    return (task for task in tasks if not isinstance(task, Wrapper | luigi.ExternalTask))
