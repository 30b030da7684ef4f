"""What a stage has made, in a few words: rows, an AUC, a decision.

From the footers of parquet files and from JSON documents that are small; no data is read. It
stands here, not in the tasks: their modules are code that decides what comes out, and another
word would make a model stale.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from luigi_tasks.core import tables
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.targets import Directory
from luigi_tasks.core.task import Stage, Task
from luigi_tasks.extracts.contract import LOANS
from luigi_tasks.generations.audit_trail import read_trail
from luigi_tasks.governance.acts import Act
from luigi_tasks.governance.task import Governance
from luigi_tasks.layers.bronze import Bronze
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.layers.quality import QualityCheck
from luigi_tasks.layers.silver import Silver
from luigi_tasks.models.champion import BestModel
from luigi_tasks.models.predictions import Predictions
from luigi_tasks.models.shadow import ShadowScores
from luigi_tasks.models.store import read_metadata
from luigi_tasks.models.training_data import TrainingData
from luigi_tasks.monitoring.incident_stage import Incidents
from luigi_tasks.monitoring.task import Monitoring
from luigi_tasks.runs import verdict


def told(task: Task) -> str | None:
    """What a task has made, when something can be said of it in a few words."""
    try:
        for kind, words in _WORDS.items():
            if isinstance(task, kind):
                return words(task)
        return _rows_or_path(task) if isinstance(task, Stage) else None
    except (PipelineError, OSError, KeyError, ValueError):
        return None  # the stage is there all the same


def _of_bronze(task: Bronze) -> str:
    out, malformed = tables.count_rows(task.path()), tables.count_rows(task.path("quarantine"))
    return _in_out(out + malformed, out)


def _of_silver(task: Silver) -> str:
    return _in_out(tables.count_rows(task.requires().path()), tables.count_rows(task.path()))


def _of_gold(task: GoldFeatures) -> str:
    loans = Silver(table=LOANS.name).path()
    return _in_out(tables.count_rows(loans), tables.count_rows(task.path()))


def _of_training_data(task: TrainingData) -> str:
    from luigi_tasks.models.training_sets import TRAINING

    gold = GoldFeatures().path()
    return _in_out(tables.count_rows(gold), tables.count_rows(task.path() / TRAINING))


def _from_gold(task: Predictions | Monitoring | ShadowScores) -> str:
    gold = GoldFeatures().path()
    return _in_out(tables.count_rows(gold), tables.count_rows(task.path()))


def _of_quality(task: QualityCheck) -> str:
    text = (task.path("report")).read_text(encoding="utf-8")
    customers = json.loads(text)["customers"]
    return f"{customers['flagged']:,} of {customers['total']:,} flagged"


def _of_model(task: BestModel) -> str:
    metadata = read_metadata(task.generation)
    return f"AUC {metadata.calibrated_metrics['performing']['auc']:.3f} {metadata.model_in_words}"


def _of_incidents(task: Incidents) -> str:
    found = verdict.open_incidents(task)
    return f"{len(found)} open" if found else "none open"


def _of_trail(task: Governance | Act) -> str:
    entry = [e for e in read_trail() if e.as_of <= task.as_of][-1]
    return f"{verdict.action(entry)} on {entry.as_of}"


def _rows_or_path(task: Stage) -> str:
    target = task.output()[task.product]
    if not isinstance(target, Directory) or not _is_table(target.path):
        return str(target.path)
    return f"{tables.count_rows(target.path):,} rows"


def _is_table(path: Path) -> bool:
    return any(file.suffix == ".parquet" for file in path.iterdir())


def _in_out(before: int, after: int) -> str:
    return f"{before:,} → {after:,} rows"


_WORDS: dict[type[Task], Callable[..., str | None]] = {
    Bronze: _of_bronze,
    Silver: _of_silver,
    QualityCheck: _of_quality,
    GoldFeatures: _of_gold,
    TrainingData: _of_training_data,
    BestModel: _of_model,
    Predictions: _from_gold,
    ShadowScores: _from_gold,
    Monitoring: _from_gold,
    Incidents: _of_incidents,
    Governance: _of_trail,
    Act: _of_trail,
}
