"""The task Backfill: the pipeline as of month after month, oldest first.

Luigi's own range tools know no order, and fix the generation of every day before the first of them
has run: they refuse tasks that answer for a day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import luigi
from luigi.tools.range import RangeBase

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.task import Task, log
from luigi_tasks.generations.as_of import AsOf, check_day, data_span
from luigi_tasks.generations.months import check_months, last_day
from luigi_tasks.generations.registry import months_after
from luigi_tasks.governance.task import Governance
from luigi_tasks.models.predictions import Predictions
from luigi_tasks.models.reasons_stage import Reasons
from luigi_tasks.pipeline import Pipeline, Reports
from luigi_tasks.reports.model_card import ModelCard


def day_of(month: dt.date) -> dt.date:
    """The day as of which a month is run: its last, or that of the newest snapshot if earlier."""
    return min(last_day(month), data_span()[1])


def is_finished(day: dt.date) -> bool:
    """Whether a run as of a day has nothing to do.

    A challenger that was in shadow on the day asks for nothing here: it was the affair of the run
    after.
    """
    moment = Pipeline(as_of=day).moment
    told = (Predictions, Reasons, Reports, ModelCard, Governance)
    return all(task(**moment).complete() for task in told)


class Backfill(Task):
    """The pipeline as of the end of every month that is missing, oldest first.

    What it leaves is what a run a month would have left: the audit trail, the outputs of the last
    month, and those of the months before in the folders of their days. A month that is finished
    is not run again.
    """

    start = luigi.MonthParameter(description="the first month, as YYYY-MM")
    end = luigi.MonthParameter(
        default=None,  # type: ignore[arg-type]
        description="the last month; default: that of the newest snapshot",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._missing: list[dt.date] | None = None

    @classmethod
    def concrete_values(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values["end"] is None:
            values["end"] = data_span()[1].replace(day=1)
        return values

    def days(self) -> list[dt.date]:
        """The days as of which the months are run, oldest first."""
        months = [self.start]
        while months[-1] < self.end:
            months.append(months_after(months[-1], 1))
        return [day_of(month) for month in months]

    def check(self) -> None:
        check_months(self.start, self.end)
        check_day(day_of(self.start))

    def examine(self) -> str | None:
        days = self.days()
        missing = [day for day in days if not is_finished(day)]
        if self._missing is None:
            self._missing = missing
            names = ", ".join(f"{day:%Y-%m}" for day in missing) or "none"
            log.info(
                "%s: %d of %d months are missing: %s",
                self,
                len(missing),
                len(days),
                names,
                extra={"shown": True},
            )
        return f"month: {missing[0]:%Y-%m} has not been run" if missing else None

    def run(self) -> Iterator[Task]:
        for day in self._missing or []:
            yield Pipeline(as_of=day)


def refuse_ranges() -> None:
    """Let the range tools of Luigi refuse what answers for a day."""
    required = RangeBase.requires

    def requires(self: RangeBase) -> Any:
        if issubclass(self.of, AsOf):
            raise PipelineError(
                f"{self.get_task_family()} runs days in any order; for months in theirs there is "
                "luigi --module luigi_tasks Backfill --start YYYY-MM --end YYYY-MM"
            )
        return required(self)

    RangeBase.requires = requires  # type: ignore[method-assign]
