"""Say what the last run found, and where to look."""

from __future__ import annotations

import argparse

from luigi_tasks.commands.status import add_as_of, status_of
from luigi_tasks.core.storage import in_reports
from luigi_tasks.generations import registry
from luigi_tasks.generations.audit_trail import read_trail, trail_path
from luigi_tasks.generations.marker import marker_path
from luigi_tasks.models.store import read_metadata
from luigi_tasks.pipeline import Pipeline


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_as_of(parser)


def run(arguments: argparse.Namespace) -> int:
    pipeline = Pipeline(as_of=arguments.as_of)
    rows = status_of(pipeline)
    paths = {row["task"].partition("(")[0]: row["output"] for row in rows}
    metadata = read_metadata(pipeline.generation)
    test = metadata.calibrated_metrics["performing"]
    print(f"as of {pipeline.as_of}, generation {pipeline.generation}")
    print(
        f"champion: {metadata.champion}, out-of-time AUC of performing loans {test['auc']:.3f} "
        f"[{test['auc_low']:.3f}, {test['auc_high']:.3f}], "
        f"knows labels until {metadata.window.train_until}"
    )
    trail = [e for e in read_trail() if e.as_of <= pipeline.as_of and e.action != "prune"]
    if trail:
        newest = trail[-1]
        state = f", {newest.state}" if newest.state not in (None, newest.action) else ""
        print(f"decision: {newest.action}{state} ({newest.reason}), of {newest.as_of}")
    if challenger := registry.challenger(pipeline.as_of):
        print(f"generation {challenger} is asked for as a challenger; run Pipeline")
    if kept := [row for row in rows if row["kept"]]:
        print(f"kept: {kept[0]['task']} is {kept[0]['kept']}; RestateGeneration makes it again")
    print("look at:")
    for path in (
        paths["Dashboard"],
        paths["DriftDashboard"],
        paths["ModelCard"],
        paths["Predictions"],
        paths["Monitoring"],
        paths["BestModel"],
        str(in_reports("data_quality.json")),
        str(trail_path()),
        str(marker_path()),
    ):
        print(f"  {path}")
    return 0
