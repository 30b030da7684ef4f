"""Sections [health] and [notify] of luigi.cfg. No task reads them: they make nothing stale."""

from __future__ import annotations

import operator

import luigi

EVENTS = (
    "run_failed",
    "incident_opened",
    "incident_closed",
    "watch",
    "retrain",
    "promotion",
    "rejection",
    "ok",
)
"""What people can be told of."""


class health(luigi.Config):  # noqa: N801 (the class name is the section of luigi.cfg)
    """What `python -m luigi_tasks health` holds against the clock and the disk."""

    max_snapshot_age_days = luigi.NumericalParameter(
        default=0,
        var_type=int,
        min_value=0,
        max_value=36_500,
        right_op=operator.le,
        description="days that the newest snapshot may be old by today's clock; 0 is no limit;",
    )
    min_free_mb = luigi.NumericalParameter(
        default=1_000,
        var_type=int,
        min_value=0,
        max_value=1 << 40,
        right_op=operator.le,
        description="MiB that have to be free wherever outputs lie;",
    )


class notify(luigi.Config):  # noqa: N801
    """Who is told is in the environment, LOAN_PIPELINE_NOTIFY; here is of what."""

    events = luigi.ChoiceListParameter(
        choices=EVENTS, default=EVENTS, description="what people are told of, separated by commas"
    )
