"""The task Replay: months in order as if each were today, with governance and without."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import luigi

from luigi_tasks.core import digests, locks, settings, signing
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.recipes import Recipe, content_of
from luigi_tasks.core.settings import PARAMS_FILE
from luigi_tasks.core.storage import CACHE, in_reports
from luigi_tasks.core.targets import Document, Picture, StageTarget
from luigi_tasks.core.task import Stage, Task, log, tasks_below
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.generations.months import check_months, last_day
from luigi_tasks.governance.task import Governance
from luigi_tasks.layers.bronze import RawCsv
from luigi_tasks.models.champion import BestModel
from luigi_tasks.monitoring.incident_stage import Incidents
from luigi_tasks.replay.lived import LivedMonths
from luigi_tasks.replay.workspace import OUTPUTS, Workspace

PLACE = CACHE / "replay"


class Policy(NamedTuple):
    """Settings to be tried: the file, as people name it, and what is in it."""

    file: Path
    settings: dict[str, Any]


class Replay(Stage):
    """reports/replay.json and replay.png: how months would have gone, with governance and without.

    With `params` also under the settings of another file. All runs lie in .cache/replay: audit
    trail, datamart, model store and the other reports of this project are not touched. Months that
    a replay has decided on are not decided on again by a later one to a later end.
    """

    start = luigi.MonthParameter(description="the first month that is shown, as YYYY-MM")
    end = luigi.MonthParameter(description="the last month, as of whose last day all is told")
    params = luigi.Parameter(  # type: ignore[assignment]
        default="", description="a file like params.yaml, to be compared with it"
    )
    product = "document"

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.replay.picture",)

    def requires(self) -> list[Task]:
        return [RawCsv(table=name) for name in TABLES]

    def output(self) -> dict[str, StageTarget]:
        return {
            "document": Document(in_reports("replay.json")),
            "picture": Picture(in_reports("replay.png")),
        }

    @property
    def as_of(self) -> dt.date:
        """The last day of the last month."""
        return last_day(self.end)

    def policies(self) -> list[Policy]:
        """Today's settings, and those that are compared with them."""
        files = [PARAMS_FILE, *([Path(str(self.params))] if self.params else [])]
        return [Policy(file, settings.read(file)) for file in files]

    def check(self) -> None:
        check_months(self.start, self.end)
        self.policies()

    def recipe(self) -> Recipe:
        """The settings of all policies are in it, whatever a run reads of them."""
        policies = self.policies()
        recipe: Recipe = {
            "task": self.get_task_family(),
            "arguments": self.to_str_params(only_significant=True),
            "params": {f"{p.file}: {n}": v for p in policies for n, v in p.settings.items()},
            "code": self._code(),
            "inputs": {name: content_of(target) for name, target in self.inputs().items()},
        }
        return json.loads(json.dumps(recipe, default=str))  # type: ignore[no-any-return]

    def _code(self) -> dict[str, str]:
        """The code of all that runs in a replay."""
        from luigi_tasks.core import code_digests

        moment = {"as_of": self.as_of, "generation": 1}
        ran = [
            task
            for root in (Incidents(**moment), Governance(**moment))
            for task in tasks_below(root)
        ]
        modules = {module for task in ran for module in task.code_modules()}
        own = {__name__, LivedMonths.__module__, "luigi_tasks.replay.picture"}
        return code_digests.of_code(*sorted(modules | own))

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.replay.picture import draw
        from luigi_tasks.replay.policies import as_rows, as_text, differing

        policies = self.policies()
        with locks.alone(CACHE / "replay.lock") as lock:
            replayed = self._replayed(policies, lock)
        differs = differing([policy.settings for policy in policies])
        document = {
            "start": f"{self.start:%Y-%m}",
            "end": f"{self.end:%Y-%m}",
            "as_of": str(self.as_of),
            "policies": replayed,
            "differs": differs,
        }
        rows = as_rows(replayed, differs)
        log.info("%s:\n%s", self, as_text(rows), extra={"shown": True})
        folder = staging["document"]
        folder.mkdir()
        (folder / "replay.json").write_text(json.dumps(document, default=str), encoding="utf-8")
        title = f"Replay from {self.start:%b %Y} to {self.end:%b %Y}"
        draw(replayed, rows, title).savefig(staging["picture"], format="png")

    def _replayed(self, policies: list[Policy], lock: int) -> list[dict[str, Any]]:
        """Each policy with its months, governance on and off, and what they come to."""
        from luigi_tasks.replay.policies import GOVERNED, UNGOVERNED, in_span, summary

        recipe = self.recipe()
        place = PLACE / digests.of_json([recipe["code"], recipe["inputs"]])[:16]
        for other in PLACE.glob("*"):
            if other != place:
                shutil.rmtree(other)
        seed = _made_already()
        found = []
        for file, values in policies:
            folder = place / digests.of_json(json.loads(json.dumps(values, default=str)))[:16]
            off, on = (Workspace(folder / name, file, lock) for name in ("off", "on"))
            off.prepare(seed)
            log.info("%s: %s, governance off, in %s", self, file, off.folder, extra={"shown": True})
            off.run("LivedMonths", self.as_of, LivedMonths.__module__)
            lived = off.lived(self.as_of)
            self._check_start(file, lived)
            seed = off.outputs()
            on.prepare(seed)
            log.info("%s: %s, governance on, in %s", self, file, on.folder, extra={"shown": True})
            on.run("Governance", self.as_of)
            on.run("LivedMonths", self.as_of, LivedMonths.__module__)
            months = {
                GOVERNED: in_span(on.lived(self.as_of)["months"], self.start, self.end),
                UNGOVERNED: in_span(lived["months"], self.start, self.end),
            }
            found.append(
                {
                    "params": str(file),
                    "train_until": lived["train_until"],
                    **months,
                    "summary": summary(months[GOVERNED], months[UNGOVERNED]),
                }
            )
        return found

    def _check_start(self, file: Path, lived: Mapping[str, Any]) -> None:
        """Raise PipelineError when there was no model yet, or nothing live to be shown."""
        until = dt.date.fromisoformat(lived["train_until"])
        if until > self.start:
            raise PipelineError(
                f"--start {self.start:%Y-%m}: the first model knows labels until {until} "
                f"(training.train_until of {file}), so that month is not live"
            )
        if not any(
            month["n"] and f"{self.start:%Y-%m}" <= month["month"] <= f"{self.end:%Y-%m}"
            for month in lived["months"]
        ):
            raise PipelineError(
                f"--start {self.start:%Y-%m} --end {self.end:%Y-%m}: no loan has its prediction "
                f"point in these months after {until}, the training.train_until of {file}"
            )


def _made_already() -> list[tuple[Path, str]]:
    """What this project has made up to its first model, each with its place in another."""
    found = []
    for task in tasks_below(BestModel(generation=1)):
        if isinstance(task, Stage):
            for target in task.output().values():
                beside = [target.path.with_name(n) for n in getattr(target, "beside", ())]
                paths = target.path, signing.signature_path(target.path), *beside
                found += [(path, _place(path)) for path in paths]
    return found


def _place(path: Path) -> str:
    """Where a file of this project lies in another, whose folders have their default names."""
    from luigi_tasks.core.storage import in_datamart, in_model_store

    for folder, name in zip((in_datamart(), in_model_store(), in_reports()), OUTPUTS, strict=True):
        if path.is_relative_to(folder):
            return str(Path(name) / path.relative_to(folder))
    raise PipelineError(f"{path} is in no folder of the project")
