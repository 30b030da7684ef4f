"""The stage Incidents: what is broken in the extracts, month by month."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from luigi_tasks.core import tables
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.generations import registry
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.monitoring.task import Monitoring


class Incidents(AsOfStage):
    """datamart/gold/incidents.parquet: one row an incident, whether open or closed by now."""

    reads = ("monitoring.max_missing_jump", "monitoring.max_unseen_share")
    product = "incidents"

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.monitoring.incidents",)

    def requires(self) -> Monitoring:
        return Monitoring(**self.moment)

    def inputs(self) -> dict[str, StageTarget]:
        monitoring = self.requires()
        return {f"{monitoring} drift": monitoring.output()["drift"]}

    def output(self) -> dict[str, StageTarget]:
        return {"incidents": self.place(Directory(in_datamart("gold", "incidents.parquet")))}

    def _closures(self) -> list[dict[str, str]]:
        """What people have closed by the as-of day."""
        return [
            {"extract": str(d.extract), "day": d.as_of.isoformat(), "reason": d.reason}
            for d in registry.closures(self.as_of)
        ]

    def recipe(self) -> Recipe:
        return {**super().recipe(), "closures": self._closures()}

    def build(self, staging: Mapping[str, Path]) -> None:
        import datetime as dt

        from luigi_tasks.monitoring.incidents import Closure, as_table, find_incidents

        drift = tables.read(self.requires().path("drift")).to_pandas()
        closures = [
            Closure(c["extract"], dt.date.fromisoformat(c["day"]), c["reason"])
            for c in self._closures()
        ]
        found = find_incidents(drift, closures, **self.params.named())
        tables.write(staging["incidents"], as_table(found))
