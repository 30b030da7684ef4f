"""What the pipeline has come to on a day: champion, decisions, incidents, and where to look.

A run closes with it and `summary` tells it: both take it from here.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from luigi_tasks.core import digests, tables
from luigi_tasks.core.storage import in_reports
from luigi_tasks.generations import registry
from luigi_tasks.generations.audit_trail import Entry, read_trail, trail_path
from luigi_tasks.generations.marker import marker_path
from luigi_tasks.models.champion import BestModel
from luigi_tasks.models.metadata import ModelMetadata
from luigi_tasks.models.names import metadata_path
from luigi_tasks.models.predictions import Predictions
from luigi_tasks.models.store import read_metadata
from luigi_tasks.monitoring.incident_stage import Incidents
from luigi_tasks.monitoring.task import Monitoring
from luigi_tasks.reports.dashboard import Dashboard
from luigi_tasks.reports.drift_dashboard import DriftDashboard
from luigi_tasks.reports.model_card import ModelCard

NOTHING_YET = (
    "nothing has run yet: luigi --module luigi_tasks Pipeline --local-scheduler makes all of it"
)


def found(as_of: dt.date, generation: int) -> dict[str, Any]:
    """All of it, for machines; what is not there yet is null or empty."""
    trail = [e for e in read_trail() if e.as_of <= as_of and e.action != "prune"]
    return {
        "as_of": str(as_of),
        "generation": generation,
        "champion": _champion(generation),
        "decisions": [
            {
                "day": str(entry.as_of),
                "generation": entry.generation,
                "action": entry.action,
                "words": action(entry),
                "state": entry.state,
                "reason": entry.reason,
                "next_generation": entry.next_generation,
            }
            for entry in trail
        ],
        "decision": f"{action(trail[-1])} on {trail[-1].as_of}: {trail[-1].reason}"
        if trail
        else None,
        "asked": _asked(as_of, generation),
        "incidents": open_incidents(Incidents(as_of=as_of, generation=generation)),
        "look_at": [str(path) for path in _places(as_of, generation) if path.exists()],
    }


def in_lines(verdict: dict[str, Any]) -> list[str]:
    """The same for people."""
    champion = verdict["champion"]
    lines = [
        f"champion  {champion['words']} of performing loans out of time, "
        f"knows labels until {champion['train_until']}"
        if champion
        else f"champion  generation {verdict['generation']} has no model yet; run Pipeline",
        f"decision  {verdict['decision'] or 'none has been taken yet'}",
    ]
    if verdict["asked"]:
        lines.append(f"asked     {verdict['asked']}")
    incidents = verdict["incidents"]
    first = "not looked for yet" if incidents is None else "none open"
    lines += [f"incident  {words}" for words in incidents or [first]]
    return lines


def look_at(verdict: dict[str, Any]) -> list[str]:
    """Where people look first, as lines."""
    paths = verdict["look_at"]
    return ["look at:", *(f"  {path}" for path in paths)] if paths else []


def action(entry: Entry) -> str:
    """What an entry of the audit trail decides, in a few words."""
    state = f", {entry.state}" if entry.state not in (None, entry.action) else ""
    asked = f" as generation {entry.next_generation}" if entry.next_generation else ""
    return f"{entry.action}{asked}{state}"


def of_model(metadata: ModelMetadata) -> str:
    """The champion of the candidates and its AUC of performing loans, with its 95 % interval."""
    test = metadata.calibrated_metrics["performing"]
    return (
        f"{metadata.model_in_words}, AUC {test['auc']:.3f} "
        f"[{test['auc_low']:.3f}, {test['auc_high']:.3f}]"
    )


def open_incidents(task: Incidents) -> list[str] | None:
    """The open incidents in words; None when nobody has looked for them.

    Remembered by the content of the table: a run that has nothing to do does not open it.
    """
    target = task.output()[task.product]
    provenance = target.provenance()
    if provenance is None:
        return None

    def read() -> list[str]:
        rows = tables.read(target.path, ["is_open", "words"]).to_pylist()
        return [row["words"] for row in rows if row["is_open"]]

    return list(digests.remembered(f"incidents-{provenance.content[:32]}", read))


def _champion(generation: int) -> dict[str, Any] | None:
    if not metadata_path(generation).exists():
        return None
    metadata = read_metadata(generation)
    return {
        "name": metadata.champion,
        "words": of_model(metadata),
        "metrics": metadata.calibrated_metrics["performing"],
        "train_until": str(metadata.window.train_until),
    }


def _asked(as_of: dt.date, generation: int) -> str | None:
    """The challenger that waits, and for what."""
    challenger = registry.challenger(as_of)
    if challenger is None:
        return None
    entry = registry.raised_by(challenger)
    since = f" since {entry.as_of}" if entry else ""
    if metadata_path(challenger).exists():
        return f"generation {challenger} is trained{since} and awaits its judgement; run Pipeline"
    return f"generation {challenger} is asked for{since}; run Pipeline"


def _places(as_of: dt.date, generation: int) -> list[Path]:
    moment: dict[str, Any] = {"as_of": as_of, "generation": generation}
    return [
        in_reports("index.html"),
        *(kind(**moment).path() for kind in (Dashboard, DriftDashboard, ModelCard)),
        in_reports("data_quality.json"),
        *(kind(**moment).path() for kind in (Predictions, Monitoring)),
        BestModel(generation=generation).path(),
        trail_path(),
        marker_path(),
    ]
