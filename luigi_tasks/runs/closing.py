"""A run as people see it: its lines, its entries in the task history, and its closing table."""

from __future__ import annotations

import contextlib
import logging
import textwrap
import time
from collections.abc import Collection, Iterable
from datetime import datetime

import luigi
from luigi.task_status import DONE, FAILED

from luigi_tasks.core import history
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.run_log import LOG, tell
from luigi_tasks.core.task import Stage, Task, Wrapper, tasks_below, with_targets
from luigi_tasks.generations.as_of import AsOf
from luigi_tasks.governance.task import Governance
from luigi_tasks.runs import last_run, verdict
from luigi_tasks.runs.last_run import LastRun
from luigi_tasks.runs.lines import Columns, in_seconds, in_short, label, terminal_width

log = logging.getLogger("luigi-interface")

UNCHANGED = "unchanged", "its inputs came out as before"


class Run:
    """One run of a worker, told as it goes on."""

    def __init__(self, root: luigi.Task | None, scheduled: Collection[luigi.Task]) -> None:
        self._root = root
        self._begun = time.time()
        self._columns = Columns(
            (label(task) for task in scheduled if not isinstance(task, Wrapper)), terminal_width()
        )
        self._state = LastRun(str(root))
        self._ran: list[str] = []
        self._unchanged: list[str] = []
        self._is_history_told = False

    def began(self, task: luigi.Task) -> None:
        """A task begins, or goes on."""
        if not isinstance(task, Wrapper):
            self._state.running.append(label(task))
            self._state.write()

    def waits(self, task: luigi.Task) -> None:
        """A task has asked for others that are not there."""
        self._no_longer(task)

    def done(
        self, task: luigi.Task, begun: float, seconds: float, said: dict[str, str | None] | None
    ) -> None:
        """A task has come to its end; what it says is why it ran and what it made."""
        self._no_longer(task)
        if isinstance(task, Wrapper):
            return
        name, why, told = label(task), (said or {}).get("because"), (said or {}).get("told") or ""
        if said is not None and why is None:
            self._unchanged.append(name)
            self._say(name, seconds, *UNCHANGED)
            return
        self._ran.append(name)
        self._say(name, seconds, told, in_short(why or ""))
        outcome = "built" if isinstance(task, Stage) else "done"
        self._note(task, begun, seconds, outcome, reason=why, told=told)

    def failed(self, task: luigi.Task, begun: float, seconds: float, said: str) -> None:
        """A task has failed; what it says is its sentence, of a defect the traceback below it."""
        self._no_longer(task)
        sentence, _, traceback = said.partition("\n\n")
        name = label(task)
        self._state.failed[str(task)] = sentence
        line = self._columns.failed(_clock(), name, seconds, sentence)
        tell(line, f"{line}\n{traceback}".rstrip(), logging.ERROR)
        why = task.because if isinstance(task, Task) else None
        self._note(task, begun, seconds, "failed", reason=why, error=sentence)

    def ended(
        self,
        told: Iterable[tuple[luigi.Task, str, bool]],
        *,
        is_interrupted: bool,
        error: BaseException | None,
    ) -> None:
        """The run is over; `told` is what Luigi was told of its tasks, in order."""
        status = {task: state for task, state, _ in told}
        is_stage = {task: state for task, state in status.items() if not isinstance(task, Wrapper)}
        below = self._below()
        open_ = [task for task, state in is_stage.items() if state not in (DONE, FAILED)]
        in_order: dict[luigi.Task, int] = {task: number for number, task in enumerate(below)}
        not_run = [label(task) for task in sorted(open_, key=lambda task: in_order.get(task, 0))]
        state = self._state
        is_bad = bool(state.failed or not_run or error or self._root_is_open(status))
        state.outcome = "interrupted" if is_interrupted else "failed" if is_bad else "finished"
        state.ended, state.not_run = last_run.now(), not_run
        if self._ran or is_bad or is_interrupted:
            state.write()
        if error is None or is_interrupted:
            shown = self._closing(below, not_run)
            tell("\n".join(shown), "\n".join(_wrapped(shown)))

    def _root_is_open(self, status: dict[luigi.Task, str]) -> bool:
        return self._root is not None and status.get(self._root) != DONE

    def _closing(self, below: list[Task], not_run: list[str]) -> list[str]:
        """The closing table."""
        state, seconds = self._state, time.time() - self._begun
        root = self._root
        day = f" as of {root.as_of}" if isinstance(root, AsOf) else ""
        name = label(root) if root else "nothing"
        fresh = max(len(below) - len(self._ran) - len(state.failed) - len(not_run), 0)
        words = {"finished": "done", "failed": "FAILED", "interrupted": "interrupted"}
        lines = [
            "",
            f"{name}{day}: {words[state.outcome]} after {in_seconds(seconds)}"
            if self._ran or state.outcome != "finished"
            else f"{name}{day}: nothing to do",
            f"ran       {len(self._ran)}",
            f"fresh     {fresh}"
            + (f", {len(self._unchanged)} of them after a look" if self._unchanged else ""),
            f"failed    {len(state.failed)}"
            + (f": {', '.join(map(label, state.failed))}" if state.failed else ""),
        ]
        if not_run:
            lines.append(f"not run   {len(not_run)}: {', '.join(not_run)}")
        lines.append(f"log       {LOG}")
        if isinstance(root, AsOf) and any(isinstance(task, Governance) for task in below):
            with contextlib.suppress(PipelineError):  # which has been told already
                found = verdict.found(root.as_of, root.generation)
                lines += ["", *([] if state.outcome == "finished" else ["from before this run:"])]
                lines += [*verdict.in_lines(found), *verdict.look_at(found)]
        return lines

    def _below(self) -> list[Task]:
        """What the run was asked for, as far as that can be said."""
        if isinstance(self._root, Task):
            with contextlib.suppress(PipelineError):
                return list(with_targets(tasks_below(self._root)))
        return []

    def _no_longer(self, task: luigi.Task) -> None:
        if label(task) in self._state.running:
            self._state.running.remove(label(task))

    def _say(self, name: str, seconds: float, told: str, reason: str) -> None:
        words = (_clock(), name, seconds, told, reason)
        tell(self._columns.line(*words), self._columns.shown(*words))

    def _note(
        self, task: luigi.Task, begun: float, seconds: float, outcome: str, **more: str | None
    ) -> None:
        try:
            history.append(str(task), begun, seconds, outcome, **more)
        except OSError as error:
            if not self._is_history_told:
                log.warning("%s: cannot be written: %s", history.HISTORY, error.strerror)
            self._is_history_told = True


def _wrapped(lines: list[str]) -> list[str]:
    """Lines that a terminal need not break in the middle of a word."""
    width = terminal_width()
    if width is None:
        return lines
    return [
        part
        for line in lines
        for part in textwrap.wrap(line, width - 1, subsequent_indent=" " * 10) or [line]
    ]


def _clock() -> str:
    return datetime.now().strftime("%H:%M:%S")
