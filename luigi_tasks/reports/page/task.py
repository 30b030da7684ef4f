"""The stage Report: reports/index.html, and its numbers in reports/report.json."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luigi_tasks.core import digests, tables
from luigi_tasks.core.files import is_shared
from luigi_tasks.core.pages import Page
from luigi_tasks.core.recipes import Recipe, content_of
from luigi_tasks.core.records import as_json
from luigi_tasks.core.storage import in_datamart, in_reports
from luigi_tasks.core.targets import Directory, Document, StageTarget
from luigi_tasks.core.task import Stage, Task, tasks_below
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.generations import audit_trail
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.governance.task import Governance
from luigi_tasks.layers.bronze import Bronze
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.layers.quality import QualityCheck
from luigi_tasks.layers.silver import Silver
from luigi_tasks.models.champion import BestModel
from luigi_tasks.models.predictions import Predictions
from luigi_tasks.models.reasons_stage import Reasons
from luigi_tasks.monitoring.calibration_stage import Calibration
from luigi_tasks.monitoring.estimation_stage import EstimatedPerformance
from luigi_tasks.monitoring.fairness_stage import Fairness
from luigi_tasks.monitoring.importance_stage import FeatureImportance
from luigi_tasks.monitoring.incident_stage import Incidents
from luigi_tasks.monitoring.task import Monitoring
from luigi_tasks.monitoring.views import CreditRiskViews

if TYPE_CHECKING:
    from luigi_tasks.reports.page.facts import PageFacts
    from luigi_tasks.reports.page.rendering import Link
    from luigi_tasks.reports.page.stages import InputFacts

TEMPLATES = Path(__file__).parent / "templates"
# The tables that are read whole: (task, output) by their names in PageFacts.
_TABLES = {
    "monitoring": ("monitoring", "monitoring"),
    "drift": ("monitoring", "drift"),
    "history": ("monitoring", "history"),
    "drift history": ("monitoring", "drift history"),
    "incidents": ("incidents", "incidents"),
    "grades": ("calibration", "grades"),
    "estimates": ("estimates", "estimates"),
    "fairness": ("fairness", "fairness"),
    "importance": ("importance", "importance"),
    "vintages": ("views", "vintages"),
    "roll rates": ("views", "roll rates"),
}
_LAYERS = ("bronze", "silver")  # whose quarantine is counted
_REASONS = ["generation", "reason_1", "reason_2", "reason_3", "reason_4"]


class Report(AsOfStage):
    """reports/index.html: how the champion does and why, on one page; report.json: its numbers.

    It comes after governance, so that it has the decisions of the run that makes it, and is made
    again when the trail says more.
    """

    reads = (
        "governance.min_auc",
        "governance.max_calibration_gap",
        "governance.shadow_months",
        "monitoring.watch",
        "monitoring.critical",
        "predictions.threshold",
        "predictions.identifiers",
    )
    product = "page"

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.reports.page.numbers", "luigi_tasks.reports.page.rendering")

    def requires(self) -> dict[str, Task]:
        return {
            "monitoring": Monitoring(**self.moment),
            "incidents": Incidents(**self.moment),
            "calibration": Calibration(**self.moment),
            "estimates": EstimatedPerformance(**self.moment),
            "fairness": Fairness(**self.moment),
            "importance": FeatureImportance(**self.moment),
            "views": CreditRiskViews(**self.moment),
            "reasons": Reasons(**self.moment),
            "predictions": Predictions(**self.moment),
            "quality": QualityCheck(),
            "gold": GoldFeatures(),
            **{f"bronze {name}": Bronze(table=name) for name in TABLES},
            **{f"silver {name}": Silver(table=name) for name in TABLES},
            **{f"model {g}": BestModel(generation=g) for g in self.champions},
            "governance": Governance(**self.moment),
        }

    def inputs(self) -> dict[str, StageTarget]:
        """What the page is made from. Of the trail only the entries up to the day count."""
        read = [
            *_TABLES.values(),
            ("reasons", "reasons"),
            ("predictions", "predictions"),
            ("quality", "flags"),
            ("quality", "report"),
            ("gold", "features"),
            *((f"{layer} {name}", "quarantine") for name in TABLES for layer in _LAYERS),
            *((f"model {g}", "model") for g in self.champions),
        ]
        required = self.requires()
        return {f"{required[task]} {name}": self._made(task, name) for task, name in read}

    def output(self) -> dict[str, StageTarget]:
        return {
            "page": self.place(Page(in_reports("index.html"))),
            "numbers": self.place(Document(in_reports("report.json"))),
        }

    def recipe(self) -> Recipe:
        templates = {path.name: digests.of_file(path) for path in sorted(TEMPLATES.iterdir())}
        return {
            **super().recipe(),
            "reigns": [[str(since), generation] for since, generation in self.reigns],
            "decisions": digests.of_json([as_json(entry) for entry in self._entries()]),
            "templates": templates,
        }

    def _entries(self) -> list[audit_trail.Entry]:
        """The trail up to the day, so that what comes later makes no page of an earlier day stale.

        A ruling on a challenger counts from the day after: then it has an effect, and a later run
        may have taken it. What was pruned says nothing of a model.
        """
        return [
            entry
            for entry in audit_trail.read_trail()
            if entry.as_of < self.as_of + dt.timedelta(entry.action not in ("promote", "reject"))
            and entry.action != "prune"
        ]

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.reports.page.numbers import numbers_of
        from luigi_tasks.reports.page.rendering import page
        from luigi_tasks.reports.vega import vega_bundle

        numbers = numbers_of(self._facts())
        html = page(numbers, self._links(), vega_bundle())
        staging["page"].write_text(html, encoding="utf-8")
        staging["numbers"].mkdir()
        text = json.dumps(numbers, ensure_ascii=False)
        (staging["numbers"] / "report.json").write_text(text, encoding="utf-8")

    def _facts(self) -> PageFacts:
        from luigi_tasks.models.store import read_metadata
        from luigi_tasks.monitoring.populations import (
            read_unknown_to_models,
            with_columns_of_gold,
        )
        from luigi_tasks.reports.page.facts import PageFacts, newest_month

        required = self.requires()
        own = {name: self._made(*place) for name, place in _TABLES.items()}
        found = {name: tables.read(target.path).to_pandas() for name, target in own.items()}
        found["reasons"] = tables.read(self._made("reasons", "reasons").path, _REASONS).to_pandas()
        models = {g: read_metadata(g) for g in self.champions}
        predictions = self._made("predictions", "predictions").path
        scored = read_unknown_to_models(predictions, ["loan_id"])
        month, sample = newest_month(found["drift"], self.generation) or (dt.date.max, "")
        is_newest = (
            (scored["generation"] == self.generation)
            & (scored["month"] == month)
            & (scored["sample"] == sample)
        )
        newest = with_columns_of_gold(
            scored[is_newest],
            self._made("gold", "features").path,
            list(models[self.generation].feature_bins),
            self.params["predictions.identifiers"],
        )
        quality = required["quality"].output()["report"]
        return PageFacts(
            as_of=self.as_of,
            generation=self.generation,
            models=models,
            entries=self._entries(),
            reigns=self.reigns,
            tables=found,
            scored=scored.drop(columns="loan_id"),
            newest=newest.drop(columns="loan_id"),
            quality=json.loads(quality.path.read_bytes()),
            set_aside=self._set_aside(),
            families=self._families(),
            inputs=[_input_facts(name, target) for name, target in self.inputs().items()],
            settings=self.params,
        )

    def _made(self, task: str, output: str) -> StageTarget:
        target: StageTarget = self.requires()[task].output()[output]
        return target

    def _families(self) -> dict[str, set[str]]:
        """The kinds of stages that the page rests on, and of which others each reads.

        Not those that governance alone needs: they are the same whether or not the run decides.
        """
        found: dict[str, set[str]] = {}
        for required in self.requires().values():
            if isinstance(required, Stage):
                for task in tasks_below(required):
                    if isinstance(task, Stage):
                        reads = {
                            t.get_task_family() for t in task.upstream() if isinstance(t, Stage)
                        }
                        found.setdefault(task.get_task_family(), set()).update(reads)
        return found

    def _set_aside(self) -> list[dict[str, Any]]:
        from luigi_tasks.reports.page.quarantine import set_aside

        def read(path: Path, *columns: str) -> Any:
            return tables.read(path, list(columns)).to_pandas()

        return set_aside(
            read(self._made("quality", "flags").path, "reason", "flagged_on"),
            *(
                {
                    name: read(self._made(f"{layer} {name}", "quarantine").path, *columns)
                    for name in TABLES
                }
                for layer, columns in (
                    ("silver", ("reason", "snapshot_date", "rows")),
                    ("bronze", ("reason",)),
                )
            ),
        )

    def _links(self) -> list[Link]:
        from luigi_tasks.reports.page.rendering import Link

        cards = [
            Link(f"model_cards/model_card_{g}.md", f"model card of generation {g}")
            for g in reversed(self.champions)
        ]
        pictures = [
            Link("performance_dashboard.png", "performance dashboard"),
            Link("drift_dashboard.png", "drift dashboard"),
            Link("credit_risk_views.png", "credit risk views"),
            Link("report.json", "the numbers of this page"),
        ]
        return [*cards, *pictures, *_table_links()]


def _table_links() -> Iterator[Link]:
    """The folders of tables, when they lie beside the reports on this machine."""
    from luigi_tasks.reports.page.rendering import Link

    gold, reports = in_datamart("gold"), in_reports()
    if not (is_shared(gold) or gold.is_absolute() or reports.is_absolute()):
        yield Link(f"{os.path.relpath(gold, reports)}/", "tables, as parquet")


def _input_facts(name: str, target: StageTarget) -> InputFacts:
    from luigi_tasks.reports.page.stages import InputFacts

    task = name.partition(")")[0] + ")"
    return InputFacts(task, target.path.name, _rows(target), content_of(target))


def _rows(target: StageTarget) -> int | None:
    """How many rows a dataset has, all its parts together; None of what is no dataset."""
    import pyarrow.parquet as pq

    provenance = target.provenance()
    files = [name for name in provenance.files if name.endswith(".parquet")] if provenance else []
    if not (files and isinstance(target, Directory)):
        return None
    places = [tables.for_arrow(target.path / name) for name in files]
    rows = [pq.read_metadata(place, filesystem=system).num_rows for place, system in places]
    return int(sum(rows))
