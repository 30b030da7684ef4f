"""The stage ModelCard: what a validator asks of a model, on one page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from luigi_tasks.core import digests, tables
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.records import as_json
from luigi_tasks.core.storage import in_reports
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Task
from luigi_tasks.generations import audit_trail, registry
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.governance.task import Governance
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.layers.quality import QualityCheck
from luigi_tasks.models.champion import BestModel
from luigi_tasks.models.reasons_stage import Reasons
from luigi_tasks.monitoring.calibration_stage import Calibration
from luigi_tasks.monitoring.fairness_stage import Fairness
from luigi_tasks.monitoring.importance_stage import FeatureImportance
from luigi_tasks.monitoring.incident_stage import Incidents
from luigi_tasks.monitoring.task import Monitoring

if TYPE_CHECKING:
    import pandas as pd


class ModelCard(AsOfStage):
    """reports/model_cards: model_card_N.md for every champion up to that of the day.

    It comes after governance, so that it has the decisions of the run that makes it, and is made
    again when the trail says more about one of its generations.
    """

    reads = (
        "labels.*",
        "governance.population",
        "governance.min_auc",
        "governance.min_matured",
        "explanations.not_told",
    )
    product = "cards"

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.reports.card",)

    def requires(self) -> dict[str, Task]:
        return {
            "governance": Governance(**self.moment),
            "monitoring": Monitoring(**self.moment),
            "incidents": Incidents(**self.moment),
            "calibration": Calibration(**self.moment),
            "fairness": Fairness(**self.moment),
            "importance": FeatureImportance(**self.moment),
            "reasons": Reasons(**self.moment),
            "quality": QualityCheck(),
            "gold": GoldFeatures(),
            **{f"model {g}": BestModel(generation=g) for g in self.champions},
        }

    def inputs(self) -> dict[str, StageTarget]:
        """All but the trail: of it only what is about these generations counts."""
        read = {
            "monitoring": "monitoring",
            "incidents": "incidents",
            "calibration": "grades",
            "fairness": "fairness",
            "importance": "importance",
            "reasons": "reasons",
            "quality": "report",
            **{f"model {g}": "model" for g in self.champions},
        }
        required = self.requires()
        found = {f"{name} {out}": required[name].output()[out] for name, out in read.items()}
        gold = required["gold"].output()
        return {**found, "gold": gold["features"], "excluded": gold["excluded"]}

    def output(self) -> dict[str, StageTarget]:
        return {"cards": self.place(Directory(in_reports("model_cards")))}

    def recipe(self) -> Recipe:
        trail = {g: [as_json(e) for e in self._entries(g)] for g in self.champions}
        return {
            **super().recipe(),
            "reigns": [[str(since), generation] for since, generation in self.reigns],
            "decisions": {str(g): digests.of_json(entries) for g, entries in trail.items()},
        }

    def _entries(self, generation: int) -> list[audit_trail.Entry]:
        return audit_trail.entries_about(generation, audit_trail.read_trail(), self.as_of)

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.models.store import read_metadata
        from luigi_tasks.reports.card import model_card
        from luigi_tasks.reports.card_facts import Facts

        targets = self.inputs()
        read = {
            name.partition(" ")[0]: tables.read(targets[name].path).to_pandas()
            for name in (
                "monitoring monitoring",
                "incidents incidents",
                "calibration grades",
                "fairness fairness",
                "importance importance",
            )
        }
        baselines = tables.read(targets["reasons reasons"].path, ["generation", "baseline"])
        baseline = baselines.to_pandas().groupby("generation")["baseline"].first()
        quality = json.loads(targets["quality report"].path.read_bytes())
        books = {name: self._loans(targets[name].path) for name in ("gold", "excluded")}
        folder = staging["cards"]
        folder.mkdir()
        for generation in self.champions:
            own = {
                name: table[table["generation"] == generation]
                for name, table in read.items()
                if name != "incidents"
            }
            facts = Facts(
                as_of=self.as_of,
                metadata=read_metadata(generation),
                reigns=self.reigns,
                entries=self._entries(generation),
                raised=registry.raised_by(generation),
                monitoring=own["monitoring"],
                grades=own["calibration"],
                fairness=own["fairness"],
                importance=own["importance"],
                baseline=baseline.get(generation),
                incidents=read["incidents"],
                customers=quality["customers"],
                included=books["gold"],
                excluded=books["excluded"],
                settings=self.params,
            )
            text = model_card(facts)
            (folder / f"model_card_{generation}.md").write_text(text, encoding="utf-8")

    def _loans(self, path: Path) -> pd.DataFrame:
        """delinquent and label of the loans that have reached their prediction point by the day."""
        columns = ["prediction_date", "delinquent", "label", "label_date"]
        loans = tables.read(path, columns).to_pandas()
        known = loans[loans["prediction_date"] <= self.as_of]
        labels = known["label"].astype("float64").where(known["label_date"] <= self.as_of)
        frame: pd.DataFrame = known.assign(label=labels)[["delinquent", "label"]]
        return frame
