"""The tasks that users name on the command line."""

from __future__ import annotations

from typing import Any

import luigi

from luigi_tasks.core.engine import engine, expect_training
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.settings import params
from luigi_tasks.core.task import one_look
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.generations.as_of import AsOf
from luigi_tasks.governance.task import Governance
from luigi_tasks.layers.bronze import Bronze
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.models.predictions import Predictions
from luigi_tasks.models.training import BestModel, check_candidates
from luigi_tasks.monitoring.task import Monitoring
from luigi_tasks.reports.dashboard import Dashboard
from luigi_tasks.reports.plots import Plots


def check_settings() -> None:
    """Refuse a wrong setting before anything runs: raises PipelineError.

    Making the candidates takes slow imports. Where gold has to be built first they are made
    when it is their turn, and the imports are done while gold is built.
    """
    params()
    if GoldFeatures().complete():
        check_candidates()
    else:
        expect_training()
    try:
        engine()
    except ValueError as error:
        raise PipelineError(f"luigi.cfg: [engine] {error.__cause__ or error}") from None


class Wrapper(luigi.WrapperTask):
    """Does nothing but require; complete when all that it requires is."""

    abstract = True

    @classmethod
    def get_param_values(cls, names: Any, args: Any, kwargs: Any) -> list[tuple[str, Any]]:
        if kwargs.get("generation") is None:  # made by a user, not by another wrapper
            check_settings()
        return list(super().get_param_values(names, args, kwargs))

    def complete(self) -> bool:
        with one_look():
            return bool(super().complete())


class BronzeLayer(Wrapper):
    """The four bronze tables: one task for what is one stage in DVC."""

    def requires(self) -> list[luigi.Task]:
        return [Bronze(table=name) for name in TABLES]


class TrainingPipeline(AsOf, Wrapper):
    """From the extracts to the champion."""

    def requires(self) -> BestModel:
        return BestModel(generation=self.generation)


class InferencePipeline(AsOf, Wrapper):
    """From the extracts to the scored loan book."""

    def requires(self) -> Predictions:
        return Predictions(**self.moment)


class Reports(AsOf, Wrapper):
    """How well the model does, for people to look at: monitoring table, dashboard and plots."""

    def requires(self) -> list[luigi.Task]:
        return [Monitoring(**self.moment), Dashboard(**self.moment), Plots(**self.moment)]


class MonitoringPipeline(AsOf, Wrapper):
    """From the extracts to the reports and the decision on the model."""

    def requires(self) -> list[luigi.Task]:
        return [Reports(**self.moment), Governance(**self.moment)]


class Pipeline(AsOf, Wrapper):
    """All of it."""

    def requires(self) -> list[luigi.Task]:
        return [
            TrainingPipeline(**self.moment),
            InferencePipeline(**self.moment),
            MonitoringPipeline(**self.moment),
        ]
