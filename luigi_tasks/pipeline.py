"""The tasks that users name on the command line."""

from __future__ import annotations

import luigi

from luigi_tasks.asof import AsOf
from luigi_tasks.dashboard import Dashboard
from luigi_tasks.governance import Governance
from luigi_tasks.monitoring import Monitoring
from luigi_tasks.predictions import Predictions
from luigi_tasks.training import BestModel


class TrainingPipeline(AsOf, luigi.WrapperTask):
    """From the extracts to the champion."""

    def requires(self) -> BestModel:
        return BestModel(generation=self.generation)


class InferencePipeline(AsOf, luigi.WrapperTask):
    """From the extracts to the scored loan book."""

    def requires(self) -> Predictions:
        return Predictions(**self.moment)


class MonitoringPipeline(AsOf, luigi.WrapperTask):
    """From the extracts to the monitoring table, the dashboard and the decision on the model."""

    def requires(self) -> list[luigi.Task]:
        return [Monitoring(**self.moment), Dashboard(**self.moment), Governance(**self.moment)]


class Pipeline(AsOf, luigi.WrapperTask):
    """All of it."""

    def requires(self) -> list[luigi.Task]:
        return [
            TrainingPipeline(**self.moment),
            InferencePipeline(**self.moment),
            MonitoringPipeline(**self.moment),
        ]
