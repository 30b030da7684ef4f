"""The task Governance: one decision a day, and the marker that says which model is current.

The marker names the generation, so a new marker is a new task and a stale model: no file is
deleted.
"""

from __future__ import annotations

import luigi

from luigi_tasks.core import digests, locks, tables
from luigi_tasks.core.task import Stage, log
from luigi_tasks.generations import audit_trail, marker
from luigi_tasks.generations.as_of import AsOfScoring, data_span, newest_answerable
from luigi_tasks.generations.audit_trail import Decision
from luigi_tasks.monitoring.incident_stage import Incidents
from luigi_tasks.monitoring.task import Monitoring


class AuditTrail(luigi.Target):
    """datamart/governance/decisions.jsonl."""

    def __init__(self) -> None:
        self.path = audit_trail.trail_path()

    def __str__(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        return self.path.exists()


class Governance(AsOfScoring):
    """Takes one decision on a day's monitoring, appends it to the trail, sets the marker.

    It is no stage: it adds to its output instead of building it anew. On a day before the newest
    decision nothing is decided any more: what was true then stands in the trail.
    """

    reads = ("governance.*",)

    def requires(self) -> dict[str, Stage]:
        return {"monitoring": Monitoring(**self.moment), "incidents": Incidents(**self.moment)}

    def output(self) -> AuditTrail:
        return AuditTrail()

    def examine(self) -> str | None:
        trail = audit_trail.read_trail()
        if marker.read_marker() != marker.marker_for(trail):
            return "marker: is not what the audit trail says"
        if self._is_settled(trail):
            return None
        return self.stale_upstream() or (
            None
            if self._is_decided(trail, self.evidence())
            else "decision: none has been taken on this evidence"
        )

    def _is_settled(self, trail: list[Decision]) -> bool:
        """Whether a later day has been decided on, or this generation was replaced already.

        A day that the data do not reach yet settles nothing: it was never today.
        """
        newest = newest_answerable(data_span()[1])
        return any(
            (self.as_of < decision.as_of <= newest and decision.action != "close_incident")
            or (decision.action == "retrain" and decision.generation >= self.generation)
            for decision in trail
        )

    def _is_decided(self, trail: list[Decision], evidence: str) -> bool:
        return any(decision.evidence == evidence for decision in trail)

    def evidence(self) -> str:
        """The digest of all that the decision is taken on."""
        return digests.of_json(self.recipe())

    def run(self) -> None:
        """Decide once on this evidence; a repeated run only mends the marker.

        The trail is read under the lock: what another run has decided meanwhile counts.
        """
        from luigi_tasks.governance.decide import decide

        evidence, limits = self.evidence(), self.params.named()
        required = self.requires()
        monitoring = tables.read(required["monitoring"].path()).to_pandas()
        incidents = tables.read(required["incidents"].path()).to_pylist()
        is_open = [incident["words"] for incident in incidents if incident["is_open"]]
        with locks.publishing():
            trail = audit_trail.read_trail()
            if not self._is_settled(trail) and not self._is_decided(trail, evidence):
                verdict = decide(monitoring, is_open, self.generation, limits)
                retrains = verdict.action == "retrain"
                audit_trail.append(
                    Decision(
                        as_of=self.as_of,
                        generation=self.generation,
                        action=verdict.action,
                        state=verdict.state,
                        reason=verdict.reason,
                        newly_matured_labels=verdict.newly_matured_labels,
                        limits=limits,
                        evidence=evidence,
                        next_generation=self.generation + 1 if retrains else None,
                    )
                )
                log.info("%s: %s, %s (%s)", self, verdict.action, verdict.state, verdict.reason)
            marker.write_marker(marker.marker_for(audit_trail.read_trail()))
