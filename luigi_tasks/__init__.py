"""A loan-default pipeline; `luigi --module luigi_tasks <Task>` finds every public task."""

from luigi_tasks.core import messages

messages.in_one_sentence()  # before the first import of Luigi, which reads luigi.cfg then

from luigi_tasks import backfill, column_settings, page_names
from luigi_tasks.backfill import Backfill
from luigi_tasks.core import proxies, run_log, settings
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.governance.acts import (
    CloseIncident,
    PromoteModel,
    RequestRetraining,
    RestateGeneration,
    RollbackModel,
)
from luigi_tasks.governance.task import Governance
from luigi_tasks.layers.bronze import Bronze, RawCsv
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.layers.quality import QualityCheck
from luigi_tasks.layers.silver import Silver
from luigi_tasks.models.candidates import TrainCandidate
from luigi_tasks.models.champion import BestModel
from luigi_tasks.models.predictions import Predictions
from luigi_tasks.models.reasons_stage import Reasons
from luigi_tasks.models.shadow import ShadowScores
from luigi_tasks.models.training_data import TrainingData
from luigi_tasks.monitoring.calibration_stage import Calibration
from luigi_tasks.monitoring.estimation_stage import EstimatedPerformance
from luigi_tasks.monitoring.fairness_stage import Fairness
from luigi_tasks.monitoring.importance_stage import FeatureImportance
from luigi_tasks.monitoring.incident_stage import Incidents
from luigi_tasks.monitoring.task import Monitoring
from luigi_tasks.monitoring.views import CreditRiskViews
from luigi_tasks.operations import config as config  # declares [health] and [notify]
from luigi_tasks.pipeline import (
    BronzeLayer,
    ChampionMonitoring,
    InferencePipeline,
    MonitoringPipeline,
    Pipeline,
    Reports,
    TrainingPipeline,
)
from luigi_tasks.replay.task import Replay
from luigi_tasks.reports.credit_risk import CreditRiskPicture
from luigi_tasks.reports.dashboard import Dashboard
from luigi_tasks.reports.drift_dashboard import DriftDashboard
from luigi_tasks.reports.model_card import ModelCard
from luigi_tasks.reports.page.task import Report
from luigi_tasks.reports.plots import Plots
from luigi_tasks.reports.plots_page import PlotsPage
from luigi_tasks.runs import worker

__all__ = [
    "Backfill",
    "BestModel",
    "Bronze",
    "BronzeLayer",
    "Calibration",
    "ChampionMonitoring",
    "CloseIncident",
    "CreditRiskPicture",
    "CreditRiskViews",
    "Dashboard",
    "DriftDashboard",
    "EstimatedPerformance",
    "Fairness",
    "FeatureImportance",
    "GoldFeatures",
    "Governance",
    "Incidents",
    "InferencePipeline",
    "ModelCard",
    "Monitoring",
    "MonitoringPipeline",
    "Pipeline",
    "PipelineError",
    "Plots",
    "PlotsPage",
    "Predictions",
    "PromoteModel",
    "QualityCheck",
    "RawCsv",
    "Reasons",
    "Replay",
    "Report",
    "Reports",
    "RequestRetraining",
    "RestateGeneration",
    "RollbackModel",
    "ShadowScores",
    "Silver",
    "TrainCandidate",
    "TrainingData",
    "TrainingPipeline",
]

settings.declare(column_settings.check)
proxies.none_for_this_machine()
page_names.tell_luigid()
backfill.refuse_ranges()
run_log.install()
worker.install()
