"""The tasks that users name on the command line."""

from __future__ import annotations

from luigi_tasks.core.settings import params
from luigi_tasks.core.task import Task, Wrapper
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.generations.as_of import AsOf, AsOfWrapper
from luigi_tasks.governance.task import Governance
from luigi_tasks.layers.bronze import Bronze
from luigi_tasks.models.champion import BestModel
from luigi_tasks.models.predictions import Predictions
from luigi_tasks.models.reasons_stage import Reasons
from luigi_tasks.models.shadow import ShadowScores
from luigi_tasks.monitoring.calibration_stage import Calibration
from luigi_tasks.monitoring.estimation_stage import EstimatedPerformance
from luigi_tasks.monitoring.fairness_stage import Fairness
from luigi_tasks.monitoring.importance_stage import FeatureImportance
from luigi_tasks.monitoring.incident_stage import Incidents
from luigi_tasks.monitoring.task import Monitoring
from luigi_tasks.monitoring.views import CreditRiskViews
from luigi_tasks.reports.credit_risk import CreditRiskPicture
from luigi_tasks.reports.dashboard import Dashboard
from luigi_tasks.reports.drift_dashboard import DriftDashboard
from luigi_tasks.reports.model_card import ModelCard
from luigi_tasks.reports.page.task import Report
from luigi_tasks.reports.plots import Plots
from luigi_tasks.reports.plots_page import PlotsPage


class BronzeLayer(Wrapper):
    """The bronze tables: one task for what is one stage in DVC."""

    def requires(self) -> list[Task]:
        return [Bronze(table=name) for name in TABLES]


class TrainingPipeline(AsOfWrapper):
    """From the extracts to the champion, and to the challenger that was asked for."""

    def requires(self) -> list[Task]:
        generations = [self.generation, *([self.challenger] if self.challenger else [])]
        return [BestModel(generation=generation) for generation in generations]


class InferencePipeline(AsOfWrapper):
    """From the extracts to the scored loan book, and the reasons for its scores."""

    def requires(self) -> list[Task]:
        required: list[Task] = [Predictions(**self.moment), Reasons(**self.moment)]
        if self.challenger and params()["governance.shadow_months"]:
            required.append(ShadowScores(challenger=self.challenger, **self.moment))
        return required


class Reports(AsOf, Wrapper):
    """How well the model and the loans do, for people to look at: tables, pictures and plots."""

    def requires(self) -> list[Task]:
        return [
            Monitoring(**self.moment),
            Incidents(**self.moment),
            Calibration(**self.moment),
            EstimatedPerformance(**self.moment),
            Fairness(**self.moment),
            FeatureImportance(**self.moment),
            CreditRiskViews(**self.moment),
            Dashboard(**self.moment),
            DriftDashboard(**self.moment),
            CreditRiskPicture(**self.moment),
            Plots(**self.moment),
            PlotsPage(),
        ]


class ChampionMonitoring(AsOf, Wrapper):
    """The reports on one champion, the decision on it, cards and the report page.

    One task for what is one stage in DVC. When the decision makes another model champion, what
    follows is the work of the stages before, by the next `dvc repro`.
    """

    def requires(self) -> list[Task]:
        return [
            Reports(**self.moment),
            Governance(**self.moment),
            ModelCard(**self.moment),
            Report(**self.moment),
        ]


class MonitoringPipeline(AsOfWrapper):
    """From the extracts to the reports, the decision on the model, its card and the report page."""

    def requires(self) -> list[Task]:
        return [ChampionMonitoring(**self.moment)]


class Pipeline(AsOfWrapper):
    """All of it."""

    def requires(self) -> list[Task]:
        return [
            TrainingPipeline(**self.moment),
            InferencePipeline(**self.moment),
            MonitoringPipeline(**self.moment),
        ]
