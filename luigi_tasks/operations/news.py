"""What there is to tell people of: gathered from scheduled commands, audit trail and monitoring."""

from __future__ import annotations

import contextlib
from typing import Any

from luigi_tasks.core import tables
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.settings import params
from luigi_tasks.generations.as_of import resolve
from luigi_tasks.generations.audit_trail import Entry, read_trail
from luigi_tasks.monitoring.incident_stage import Incidents
from luigi_tasks.monitoring.task import Monitoring
from luigi_tasks.operations import scheduled_runs
from luigi_tasks.operations.events import Champion, Now


def gather() -> Now:
    """All of it; what cannot be read for now is left for the next time."""
    runs = scheduled_runs.read()
    running = scheduled_runs.running(runs)
    # Health may be running too: it holds no lock.
    ended = {
        name: run
        for name, run in runs.items()
        if name != running and not (name == scheduled_runs.HEALTH and run.code is None)
    }
    trail: list[Entry] | None = None
    champion = None
    with contextlib.suppress(PipelineError):
        trail = read_trail()
        champion = _champion(trail)
    return Now(
        runs=ended,
        faults={name: scheduled_runs.faults(name) for name, run in ended.items() if run.code},
        trail=trail,
        champion=champion,
    )


def _champion(trail: list[Entry]) -> Champion:
    """Raises PipelineError when monitoring has not run yet, or an extract cannot be read."""
    from luigi_tasks.reports.state import champion_state, findings, state_in_words

    as_of, generation = resolve(None, None)
    moment: dict[str, Any] = {"as_of": as_of, "generation": generation}
    monitoring, incidents = Monitoring(**moment), Incidents(**moment)
    rows = tables.read(incidents.path()).to_pandas()
    found = findings(
        tables.read(monitoring.path()).to_pandas(),
        rows,
        tables.read(monitoring.path("drift")).to_pandas(),
        min_auc=params()["governance.min_auc"],
        max_calibration_gap=params()["governance.max_calibration_gap"],
    )
    decided = [e.state for e in trail if e.state is not None and e.generation == generation]
    is_open = rows[rows["is_open"].astype(bool)]
    return Champion(
        level=champion_state(found, decided[-1] if decided else None),
        words=" ".join(state_in_words(found).split()),
        incidents={
            f"{row.extract} {row.kind} {row.first_month:%Y-%m}": str(row.words)
            for row in is_open.itertuples()
        },
    )
