"""The stages without the framework: what the same work costs in a plain script.

    python benchmarks/bare.py     (in a folder with data/, params.yaml and luigi.cfg)

One process calls `build` of every stage in order, from the extracts to the dashboard: the same
functions, engine, settings and files as a run of Pipeline, and the same slow imports beside the
first queries. An output is moved into place by a plain rename.

Left out is all that Luigi and this package add: scheduler and worker, asking what is stale,
recipes and provenance, digests of files and code, flushing to disk, the task history, finding
the newest day in the extracts before anything runs, and the decision of Governance. What remains
of it, because the stages stand on it, is the import of Luigi, and that the model is published
with its digest, without which it would not be loaded.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.dataset as ds

import luigi_tasks
from luigi_tasks.core import imports
from luigi_tasks.core.settings import params
from luigi_tasks.core.targets import Document, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.extracts.contract import TABLES


def make(task: Stage) -> None:
    """Build the outputs of a stage and move them into place."""
    targets = task.output()
    staging = {name: target.staging() for name, target in targets.items()}
    task.build(staging)
    for name, target in targets.items():
        move(target, staging[name])


def move(target: StageTarget, staging: Path) -> None:
    if isinstance(target, Document):
        target.publish(staging, {})
    else:
        staging.rename(target.path)


def newest_day() -> dt.date:
    """The as-of day: the newest snapshot of the extracts."""
    tables = [luigi_tasks.Silver(table=name).path() for name in TABLES]
    dates = [ds.dataset(path).to_table(columns=["snapshot_date"])[0] for path in tables]
    day: dt.date = max(pc.max(column).as_py() for column in dates)
    return day


def stages() -> list[Stage]:
    """All stages that need no as-of day, in order."""
    candidates = params()["training.candidates"]
    return [
        *(
            stage(table=name)
            for name in TABLES
            for stage in (luigi_tasks.Bronze, luigi_tasks.Silver)
        ),
        luigi_tasks.QualityCheck(),
        luigi_tasks.GoldFeatures(),
        luigi_tasks.TrainingData(generation=1),
        *(luigi_tasks.TrainCandidate(name=name, generation=1) for name in candidates),
        luigi_tasks.BestModel(generation=1),
    ]


def main() -> None:
    for stage in stages():
        imports.expect(stage.slow_imports())
    for stage in stages():
        make(stage)
    moment = {"as_of": newest_day(), "generation": 1}
    for name in ("Predictions", "Monitoring", "Dashboard", "Plots"):
        make(getattr(luigi_tasks, name)(**moment))


if __name__ == "__main__":
    main()
