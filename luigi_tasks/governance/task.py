"""Governance: decides whether the champion is retrained, and writes the marker that says so.

A decision looks at live loans only, at the newest months together. The marker names the
generation, so a new marker is a new task and a stale model: no file is deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import luigi

from luigi_tasks.core import digests, tables
from luigi_tasks.core.task import log
from luigi_tasks.generations import audit_trail as decisions
from luigi_tasks.generations.as_of import AsOfTask
from luigi_tasks.monitoring.task import Monitoring

if TYPE_CHECKING:
    import pandas as pd


def breaches(
    live: pd.DataFrame, min_auc: float, max_psi: float, min_matured: int, min_scored: int
) -> list[str]:
    """What the newest live months break, as sentences.

    AUC counts at the newest month whose window holds `min_matured` matured loans, PSI at the
    newest month whose window holds `min_scored` scored loans.
    """
    found = []
    ordered = live.sort_values("month")
    matured = ordered[(ordered["window_n_matured"] >= min_matured) & ordered["window_auc"].notna()]
    if len(matured) and (row := matured.iloc[-1])["window_auc"] < min_auc:
        found.append(
            f"AUC {row['window_auc']:.4f} [{row['window_auc_low']:.4f}, "
            f"{row['window_auc_high']:.4f}] < {min_auc:g} on {row['window_n_matured']} matured "
            f"live loans up to {row['month']}"
        )
    scored = ordered[ordered["window_n"] >= min_scored]
    if len(scored) and (row := scored.iloc[-1])["window_psi"] >= max_psi:
        found.append(
            f"PSI {row['window_psi']:.4f} >= {max_psi:g} on {row['window_n']} live loans up to "
            f"{row['month']}"
        )
    return found


def decide(
    monitoring: pd.DataFrame, generation: int, limits: dict[str, Any]
) -> tuple[str, str, int]:
    """(action, reason, newly matured labels): keep, or retrain when a limit is broken.

    There is no retrain without labels that matured after the model's `train_until`.
    """
    own = monitoring[monitoring["generation"] == generation]
    live = own[own["sample"] == "live"]
    new_labels = int(monitoring["n_new_labels"].sum())
    broken = breaches(live, **limits)
    if not broken:
        reason = "no limit is broken" if len(live) else "no live loan has been scored yet"
        return "keep", reason, new_labels
    if not new_labels:
        return "keep", "; ".join(broken) + "; but no label has matured since", new_labels
    return "retrain", "; ".join(broken), new_labels


class AuditTrail(luigi.Target):
    """datamart/governance/decisions.jsonl with the marker that belongs to it."""

    def __init__(self) -> None:
        self.path = decisions.trail_path()

    def __str__(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        return self.path.exists()


class Governance(AsOfTask):
    """Takes one decision on a day's monitoring, appends it to the trail, sets the marker.

    On a day before the newest decision nothing is decided any more: what was true then stands
    in the trail.
    """

    reads = (
        "governance.min_auc",
        "governance.max_psi",
        "governance.min_matured",
        "governance.min_scored",
    )

    def requires(self) -> Monitoring:
        return Monitoring(**self.moment)

    def output(self) -> AuditTrail:
        return AuditTrail()

    def _examine(self) -> str | None:
        trail = decisions.read_trail()
        if decisions.read_marker() != decisions.marker_for(trail):
            return "marker: is not what the audit trail says"
        if self._is_settled(trail):
            return None
        monitoring = self.requires()
        if not monitoring.complete():
            return f"upstream: {monitoring} is stale"
        if self._evidence() in (decision["evidence"] for decision in trail):
            return None
        return "decision: none has been taken on this evidence"

    def _is_settled(self, trail: list[decisions.Decision]) -> bool:
        """Whether a later day has been decided on, or this generation was replaced already."""
        return any(
            decision["as_of"] > self.as_of.isoformat()
            or (decision["action"] == "retrain" and decision["generation"] >= self.generation)
            for decision in trail
        )

    def _evidence(self) -> str:
        return digests.of_json(self.recipe())

    def run(self) -> None:
        """Decide once on this evidence; a repeated run only mends the marker."""
        trail = decisions.read_trail()
        evidence = self._evidence()
        taken = [decision["evidence"] for decision in trail]
        if not self._is_settled(trail) and evidence not in taken:
            table = tables.read(self.requires().targets()[0].path).to_pandas()
            limits = {name.partition(".")[2]: value for name, value in self.params.items()}
            action, reason, new_labels = decide(table, self.generation, limits)
            decision = {
                "as_of": self.as_of.isoformat(),
                "generation": self.generation,
                "action": action,
                "reason": reason,
                "newly_matured_labels": new_labels,
                "limits": limits,
                "evidence": evidence,
            }
            if action == "retrain":
                decision["next_generation"] = self.generation + 1
            decisions.append(decision)
            log.info("%s: %s (%s)", self, action, reason)
        decisions.write_marker(decisions.marker_for(decisions.read_trail()))
