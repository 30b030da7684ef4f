"""The task CloseIncident: a person accepts what is wrong with an extract."""

from __future__ import annotations

import luigi

from luigi_tasks.core import digests, locks, tables
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.task import log
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.generations import audit_trail, marker
from luigi_tasks.generations.as_of import AsOfScoring
from luigi_tasks.generations.audit_trail import Decision, read_trail
from luigi_tasks.governance.task import AuditTrail
from luigi_tasks.monitoring.incident_stage import Incidents


class CloseIncident(AsOfScoring):
    """Closes the open incidents of an extract, with a reason in the audit trail.

    From then on the extract as it is counts as usual, and governance judges the model again.
    """

    extract = luigi.ChoiceParameter(choices=list(TABLES), description="name of the extract")
    reason = luigi.Parameter(description="why it is accepted, for the audit trail")

    def requires(self) -> Incidents:
        return Incidents(**self.moment)

    def output(self) -> AuditTrail:
        return AuditTrail()

    def check(self) -> None:
        super().check()
        if not self.reason.strip():
            raise PipelineError("--reason: say why the incident is closed")

    def _is_done(self, trail: list[Decision]) -> bool:
        return any(
            (d.action, d.extract, d.as_of, d.reason)
            == ("close_incident", self.extract, self.as_of, self.reason)
            for d in trail
        )

    def examine(self) -> str | None:
        return None if self._is_done(read_trail()) else "decision: nobody has closed it"

    def run(self) -> None:
        """Append the closure; raises PipelineError when the extract has no open incident."""
        incidents = tables.read(self.requires().path()).to_pylist()
        closed = [i["words"] for i in incidents if i["is_open"] and i["extract"] == self.extract]
        if not closed:
            raise PipelineError(f"--extract {self.extract}: on {self.as_of} no incident is open")
        with locks.publishing():
            if not self._is_done(audit_trail.read_trail()):
                audit_trail.append(
                    Decision(
                        as_of=self.as_of,
                        generation=self.generation,
                        action="close_incident",
                        reason=self.reason,
                        newly_matured_labels=0,
                        limits={},
                        evidence=digests.of_json(closed),
                        extract=self.extract,
                    )
                )
                log.info("%s: closed %s", self, "; ".join(closed))
            marker.write_marker(marker.marker_for(audit_trail.read_trail()))
