"""The stages without the framework: what the same work costs in a plain script.

    python benchmarks/bare.py     (in a folder with data/, params.yaml and luigi.cfg)

One process calls `build` of every stage in order, from the extracts to the dashboards: the same
functions, engine, settings and files as a run of Pipeline, and the same slow imports beside the
first queries. An output is moved into place by a plain rename. The model card and the report page
are not made, for they tell of provenance; bench.py takes them off the other side too.

Left out is all that Luigi and this package add: scheduler and worker, asking what is stale,
recipes and provenance, digests of files and code, flushing to disk, the task history, finding
the newest day in the extracts before anything runs, and the decision of Governance. What remains
of it, because the stages stand on it, is the import of Luigi, and that candidates and model are
published with their digests, without which they would not be loaded.
"""

from __future__ import annotations

import datetime as dt

import pyarrow.compute as pc
import pyarrow.dataset as ds

import luigi_tasks
from luigi_tasks.core import imports
from luigi_tasks.core.targets import Document
from luigi_tasks.core.task import Stage, Task, tasks_below
from luigi_tasks.extracts.contract import TABLES

TELL_OF_PROVENANCE = ("ModelCard", "Report")


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


def stages(root: Task) -> list[Stage]:
    """Every stage below a task that can do without provenance, inputs first."""
    return [
        task
        for task in tasks_below(root)
        if isinstance(task, Stage) and task.get_task_family() not in TELL_OF_PROVENANCE
    ]


def newest_day() -> dt.date:
    """The as-of day: the newest snapshot of the extracts."""
    tables = [luigi_tasks.Silver(table=name).path() for name in TABLES]
    dates = [ds.dataset(path).to_table(columns=["snapshot_date"])[0] for path in tables]
    day: dt.date = max(pc.max(column).as_py() for column in dates)
    return day


def main() -> None:
    model = stages(luigi_tasks.BestModel(generation=1))
    everything = luigi_tasks.Pipeline(as_of=dt.date.max, generation=1)
    for stage in stages(everything):
        imports.expect(stage.slow_imports())
    for stage in model:
        make(stage)
    for stage in stages(luigi_tasks.Pipeline(as_of=newest_day(), generation=1)):
        if stage not in model:
            make(stage)


if __name__ == "__main__":
    main()
