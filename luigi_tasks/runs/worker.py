"""Luigi's worker, which also says what it does: a line a stage, the task history, and the end.

`luigi`, `luigi.build` and the commands all make their worker through Luigi's factory; `install`
puts this one there. It says all in the process that Luigi was called in, whichever process a stage
runs in; that one hands over why it ran and what it made through Luigi's `on_success`.
"""

from __future__ import annotations

import contextlib
import json
import signal
import time
from typing import Any

import luigi.interface
from luigi.rpc import RPCError
from luigi.task_status import DONE, FAILED
from luigi.worker import ContextManagedTaskProcess, Worker

from luigi_tasks.core import messages
from luigi_tasks.core.task import Stage, Task, Wrapper
from luigi_tasks.runs.closing import Run
from luigi_tasks.runs.facts import told
from luigi_tasks.runs.memory import killed_for_memory


def install() -> None:
    """Let Luigi make this worker."""
    luigi.interface._WorkerSchedulerFactory = _Factory  # type: ignore[misc]


class _Factory(luigi.interface._WorkerSchedulerFactory):
    def create_worker(
        self, scheduler: Any, worker_processes: int, assistant: bool = False
    ) -> Worker:
        return TellingWorker(
            scheduler=scheduler, worker_processes=worker_processes, assistant=assistant
        )


class _Process(ContextManagedTaskProcess):
    """What runs one task, in this process or in one of its own."""

    def _run_get_new_deps(self) -> Any:
        task = self.task
        if isinstance(task, Task) and not isinstance(task, Stage | Wrapper):
            task.because = task.because or task.stale_because()
        new = super()._run_get_new_deps()
        if not new and isinstance(task, Task) and task.because:
            task.told = told(task)
            if task.told and task.set_status_message:
                with contextlib.suppress(RPCError):
                    task.set_status_message(task.told)
        return new

    def _handle_run_exception(self, ex: BaseException) -> str:
        """The sentence of an error, which luigid shows; of a defect the traceback below it."""
        traceback = super()._handle_run_exception(ex)
        return messages.sentence(ex) or f"{type(ex).__name__}: {ex}\n\n{traceback}"


class TellingWorker(Worker):
    """A worker whose run is told."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._run: Run | None = None
        self._begun: dict[str, float] = {}
        self._seconds: dict[str, float] = {}

    def _create_task_process(self, task: luigi.Task) -> ContextManagedTaskProcess:
        process: ContextManagedTaskProcess = super()._create_task_process(task)
        process.__class__ = _Process
        return process

    def run(self) -> bool:
        root = self._scheduled_tasks.get(self._first_task)
        self._run = Run(root, self._scheduled_tasks.values())
        return bool(super().run())

    def _run_task(self, task_id: str) -> None:
        if self._run and task_id not in self._running_tasks:
            self._begun[task_id] = time.time()
            self._run.began(self._scheduled_tasks[task_id])
        super()._run_task(task_id)

    def _add_task(self, *args: Any, **kwargs: Any) -> None:
        task_id, status = kwargs["task_id"], kwargs["status"]
        process = self._running_tasks.get(task_id)
        if process is not None and status == FAILED and process.exitcode == -signal.SIGKILL:
            kwargs["expl"] = json.dumps(killed_for_memory(self.worker_processes))
        super()._add_task(*args, **kwargs)
        # Another task may ask for one that is running: it is announced again and has not ended.
        if process is not None and self._run and "expl" in kwargs:
            self._ended(process.task, status, json.loads(kwargs["expl"]))

    def _ended(self, task: luigi.Task, status: str, said: Any) -> None:
        """Tell how a task ended, unless it waits for others that it has asked for."""
        assert self._run
        begun = self._begun.pop(task.task_id)
        seconds = self._seconds.pop(task.task_id, 0.0) + time.time() - begun
        if status == DONE:
            self._run.done(task, begun, seconds, said if isinstance(said, dict) else None)
        elif status == FAILED:
            self._run.failed(task, begun, seconds, str(said))
        else:
            self._seconds[task.task_id] = seconds
            self._run.waits(task)

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> bool:
        ended = super().__exit__(kind, value, traceback)
        run = self._run or Run(
            self._scheduled_tasks.get(self._first_task), self._scheduled_tasks.values()
        )
        run.ended(self._add_task_history, is_interrupted=kind is KeyboardInterrupt, error=value)
        return bool(ended)
