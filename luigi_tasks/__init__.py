"""A loan-default pipeline; `luigi --module luigi_tasks <Task>` finds every public task."""

import logging

from luigi_tasks import parameters
from luigi_tasks.core import settings
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.governance.task import Governance
from luigi_tasks.layers.bronze import Bronze, RawCsv
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.layers.quality import QualityCheck
from luigi_tasks.layers.silver import Silver
from luigi_tasks.models.candidates import TrainCandidate
from luigi_tasks.models.champion import BestModel
from luigi_tasks.models.predictions import Predictions
from luigi_tasks.models.training_data import TrainingData
from luigi_tasks.monitoring.task import Monitoring
from luigi_tasks.pipeline import (
    BronzeLayer,
    InferencePipeline,
    MonitoringPipeline,
    Pipeline,
    Reports,
    TrainingPipeline,
)
from luigi_tasks.reports.dashboard import Dashboard
from luigi_tasks.reports.plots import Plots

__all__ = [
    "BestModel",
    "Bronze",
    "BronzeLayer",
    "Dashboard",
    "GoldFeatures",
    "Governance",
    "InferencePipeline",
    "Monitoring",
    "MonitoringPipeline",
    "Pipeline",
    "PipelineError",
    "Plots",
    "Predictions",
    "QualityCheck",
    "RawCsv",
    "Reports",
    "Silver",
    "TrainCandidate",
    "TrainingData",
    "TrainingPipeline",
]

settings.declare(parameters.RULES.check)


def _tell_in_one_sentence(record: logging.LogRecord) -> bool:
    """Show a PipelineError by its message, without the traceback that Luigi logs with it."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, PipelineError):
        failed = (
            f"{record.args[-1]} failed: " if isinstance(record.args, tuple) and record.args else ""
        )
        record.msg, record.args, record.exc_info = f"{failed}{error}", (), None
    elif _NAME in (message := record.getMessage()):
        first_line = message.partition("\n")[0].removesuffix(":")
        record.msg, record.args = f"{first_line}: {message.rpartition(_NAME)[2].strip()}", ()
    return True


_NAME = f"{PipelineError.__module__}.{PipelineError.__qualname__}: "


logging.getLogger("luigi-interface").addFilter(_tell_in_one_sentence)
