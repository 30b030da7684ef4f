"""The stage GoldFeatures: features and labels of every loan at its prediction point."""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from luigi_tasks.core import locks, tables
from luigi_tasks.core.engines import session
from luigi_tasks.core.engines.base import PART
from luigi_tasks.core.engines.stage import SparkStage
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.parts import PartedStage, differing
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.extracts.contract import CLICKSTREAM, LOANS, TABLES
from luigi_tasks.layers.quality import QualityCheck
from luigi_tasks.layers.silver import Silver

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from luigi_tasks.layers.gold_parts import Vintages

log = logging.getLogger("luigi-interface")

# Vintages of a query: more take more memory and no less time.
_VINTAGES_AT_ONCE = 12


class GoldFeatures(PartedStage, SparkStage):
    """Features and labels of every loan at its prediction point, without flagged customers.

    A part is a vintage, where silver's loans are kept by month.

    Beside them the loans that should have a label by now and have none, each with the reason, and
    the loans that the flags keep out, with the label that they would have.
    """

    reads = ("labels.*", "features.*")
    product = "features"
    parted = ("features",)

    def check(self) -> None:
        super().check()
        last = self.params["labels.observation_mob"]
        if (
            self.params["labels.performance_from"] == "after"
            and self.params["labels.prediction_mob"] >= last
        ):
            raise PipelineError(
                f"params.yaml: labels.prediction_mob = {self.params['labels.prediction_mob']} "
                f"leaves no installment up to labels.observation_mob = {last} with "
                "labels.performance_from = after"
            )

    def requires(self) -> dict[str, Stage]:
        return {"flags": QualityCheck(), **{name: Silver(table=name) for name in TABLES}}

    def output(self) -> dict[str, StageTarget]:
        return {
            "features": Directory(in_datamart("gold", "features.parquet")),
            "unlabelled": Directory(in_datamart("quarantine", "gold", "unlabelled.parquet")),
            "excluded": Directory(in_datamart("quarantine", "gold", "excluded.parquet")),
        }

    def changed_parts(self) -> tuple[list[str], int] | None:
        """The vintages of which silver or the flags say something else."""
        loans = self.requires()[LOANS.name].path()
        if tables.ONE_PART in tables.parts_of(loans):
            return None
        return differing(self.published_parts("features"), self._vintages()[2])

    def _vintages(self) -> tuple[dict[str, dict[str, str]], Vintages, dict[str, Recipe]]:
        """The parts of silver by extract, what its loans say, and the recipe of each vintage."""
        from luigi_tasks.layers import gold_parts

        required = self.requires()
        paths = {name: required[name].path() for name in TABLES}
        parts = {name: tables.parts_of(path) for name, path in paths.items()}
        flags = gold_parts.read_flags(required["flags"].path())
        last = self.params["labels.observation_mob"]
        found = gold_parts.vintages(paths[LOANS.name], flags, observation_mob=last)
        return parts, found, gold_parts.recipes(parts, flags, found, **self._window())

    def _window(self) -> dict[str, int]:
        return {
            "prediction_mob": self.params["labels.prediction_mob"],
            "clickstream_months": self.params["features.clickstream_months"],
        }

    def build(self, staging: Mapping[str, Path]) -> None:
        import pyarrow.dataset as ds

        from luigi_tasks.layers.clickstream import sums_by_day
        from luigi_tasks.layers.gold_table import excluded_loans
        from luigi_tasks.layers.labels import first_of_window, unlabelled

        required = self.requires()
        paths = {name: required[name].path() for name in TABLES}
        flags = session.read(required["flags"].path())
        installments = session.read(paths[LOANS.name])
        settings = self.params.named()
        reached = ds.field("installment_num") == self.params["labels.prediction_mob"]
        total = tables.count_rows(paths[LOANS.name], reached)
        with Progress(self, "joining", total, "loans") as progress:
            if tables.ONE_PART in tables.parts_of(paths[LOANS.name]):
                self.keep(staging, {})
                silver = {name: session.read(path) for name, path in paths.items()}
                by_day = sums_by_day(silver[CLICKSTREAM.name])
                self._add(staging, silver, flags, by_day, progress, by_month=False)
            else:
                self._add_stale_vintages(staging, paths, flags, progress)
        without_label = unlabelled(
            session.read(staging["features"]),
            installments,
            first_mob=first_of_window(
                self.params["labels.prediction_mob"], self.params["labels.performance_from"]
            ),
            observation_mob=self.params["labels.observation_mob"],
        )
        session.write(without_label, staging["unlabelled"], ["loan_id"])
        del settings["clickstream_months"]
        excluded = excluded_loans(session.read(staging["features"]), installments, **settings)
        session.write(excluded, staging["excluded"], ["loan_id"])
        reasons = tables.read(staging["unlabelled"], ["reason"])["reason"].to_pylist()
        for reason, n in sorted(Counter(reasons).items()):
            log.warning("loans past their observation point without a label: %d (%s)", n, reason)

    def _add_stale_vintages(
        self,
        staging: Mapping[str, Path],
        silver: Mapping[str, Path],
        flags: DataFrame,
        progress: Progress,
    ) -> None:
        """Add the vintages that are not as they were; the others are kept.

        A few at a time: what a query holds does not grow with the history.
        """
        from luigi_tasks.layers import gold_parts
        from luigi_tasks.layers.clickstream import sums_by_day

        parts, found, recipes = self._vintages()
        window = self._window()
        with locks.publishing():
            kept = self.keep(staging, recipes)
        stale = sorted(recipes.keys() - kept) or sorted(recipes)[-1:]
        self.drop(staging, kept & set(stale))

        def rests_on(vintages: Sequence[str]) -> dict[str, DataFrame]:
            needed: dict[str, set[str]] = {name: set() for name in silver}
            for vintage in vintages:
                for name, months in gold_parts.rests_on(vintage, parts, found, **window).items():
                    needed[name].update(months)
            return {name: session.read(path, needed[name] or None) for name, path in silver.items()}

        everybody = sums_by_day(rests_on(stale)[CLICKSTREAM.name])
        with session.stored(everybody, staging["features"] / "by_day", ["snapshot_date"]) as by_day:
            for start in range(0, len(stale), _VINTAGES_AT_ONCE):
                some = stale[start : start + _VINTAGES_AT_ONCE]
                rows = rests_on(some)
                if len(some) < len(recipes):
                    rows[LOANS.name] = rows[LOANS.name].where(gold_parts.started_in(some))
                newest = found.newest
                self._add(staging, rows, flags, by_day, progress, by_month=True, newest=newest)

    def _add(
        self,
        staging: Mapping[str, Path],
        silver: Mapping[str, DataFrame],
        flags: DataFrame,
        by_day: DataFrame,
        progress: Progress,
        *,
        by_month: bool,
        newest: dt.date | None = None,
    ) -> None:
        """Add the gold table of these rows of silver."""
        from pyspark.sql import functions as F

        from luigi_tasks.layers.gold_table import gold_table, scored_loans
        from luigi_tasks.layers.parts_by_month import part_of

        settings = self.params.named()
        reached = scored_loans(
            silver[LOANS.name],
            flags,
            prediction_mob=settings["prediction_mob"],
            overdue_threshold=settings["overdue_threshold"],
            newest=newest,
        )
        with session.stored(reached, staging["features"] / "loans", ["loan_id"]) as loans:
            gold = gold_table(loans, silver, flags, by_day, **settings)
            placed = gold.withColumn(PART, part_of(F.col("vintage"), by_month=by_month))
            session.write_parts(placed, staging["features"], ["loan_id"], progress)
