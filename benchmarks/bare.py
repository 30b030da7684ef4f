"""The stages without the framework: what the same work costs in a plain script.

    python benchmarks/bare.py     (in a folder with data/, params.yaml and luigi.cfg)

One process calls `build` of every stage in order, from the extracts to the dashboard: the same
functions, engine, settings and files as a run of Pipeline, and the same slow imports beside the
first queries. An output is moved into place by a plain rename.

Left out is all that Luigi and this package add: scheduler and worker, asking what is stale,
recipes and provenance, digests of files and code, flushing to disk, the task history, finding
the newest day in the extracts before anything runs, and the decision of Governance. What remains
of it, because the stages stand on it, is the import of Luigi, and that candidates and model are
published with their digests, without which they would not be loaded.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pyarrow.compute as pc
import pyarrow.dataset as ds

import luigi_tasks
from luigi_tasks.core import imports
from luigi_tasks.core.settings import params
from luigi_tasks.core.targets import Document
from luigi_tasks.core.task import Stage
from luigi_tasks.extracts.contract import TABLES


def make(stage: Stage) -> None:
    """Build the outputs of a stage and move them into place."""
    targets = stage.output()
    staging = {name: target.staging() for name, target in targets.items()}
    stage.build(staging)
    for name, target in targets.items():
        if isinstance(target, Document) or isinstance(stage, luigi_tasks.TrainCandidate):
            target.publish(staging[name], {})
        else:
            staging[name].rename(target.path)


def to_the_model() -> Iterator[Stage]:
    for table in TABLES:
        yield luigi_tasks.Bronze(table=table)
        yield luigi_tasks.Silver(table=table)
    yield luigi_tasks.QualityCheck()
    yield luigi_tasks.GoldFeatures()
    yield luigi_tasks.TrainingData(generation=1)
    for name in params()["training.candidates"]:
        yield luigi_tasks.TrainCandidate(name=name, generation=1)
    yield luigi_tasks.BestModel(generation=1)


def from_the_model_on(day: dt.date) -> Iterator[Stage]:
    for stage in ("Predictions", "Monitoring", "Dashboard", "Plots"):
        yield getattr(luigi_tasks, stage)(as_of=day, generation=1)


def newest_day() -> dt.date:
    """The as-of day: the newest snapshot of the extracts."""
    tables = [luigi_tasks.Silver(table=name).path() for name in TABLES]
    dates = [ds.dataset(path).to_table(columns=["snapshot_date"])[0] for path in tables]
    day: dt.date = max(pc.max(column).as_py() for column in dates)
    return day


def main() -> None:
    for stage in (*to_the_model(), *from_the_model_on(dt.date.max)):
        imports.expect(stage.slow_imports())
    for stage in to_the_model():
        make(stage)
    for stage in from_the_model_on(newest_day()):
        make(stage)


if __name__ == "__main__":
    main()
