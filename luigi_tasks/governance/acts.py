"""What people do to the model: each act is an entry in the audit trail, with who and why."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from typing import Any

import luigi

from luigi_tasks.core import digests, locks, tables
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.task import Task, log
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.generations import audit_trail, registry, releases
from luigi_tasks.generations.as_of import AsOf, resolve
from luigi_tasks.generations.audit_trail import Action, Entry
from luigi_tasks.governance.task import AuditTrail, Governance
from luigi_tasks.models.champion import BestModel
from luigi_tasks.monitoring.incident_stage import Incidents

ACTOR = "LOAN_PIPELINE_ACTOR"
"""The environment variable that says who acts; without it the user of this machine."""


def actor() -> str | None:
    """Who acts, as far as the environment or this machine says."""
    try:
        return os.environ.get(ACTOR) or getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        return None


class Act(AsOf):
    """An act of a person on a day. It is done once: the same again changes nothing."""

    abstract = True
    action: Action
    reason = luigi.Parameter(description="why, for the audit trail")

    def output(self) -> AuditTrail:
        return AuditTrail()

    def check(self) -> None:
        super().check()
        if not self.reason.strip():
            raise PipelineError("--reason: say why, for the audit trail")

    def is_superseded(self) -> bool:
        return False

    def facts(self) -> dict[str, Any]:
        """The fields of the entry beside day, action, who and reason; what tells two acts apart."""
        return {"generation": self.generation}

    def check_that_it_can_be_done(self) -> None:
        """Raise PipelineError when there is nothing to do this to."""

    def is_done(self) -> bool:
        """Whether the trail has this act."""
        wanted = {"as_of": self.as_of, "action": self.action, "reason": self.reason}
        wanted |= {n: v for n, v in self.facts().items() if n in ("generation", "extract")}
        return any(
            all(getattr(entry, name) == value for name, value in wanted.items())
            for entry in audit_trail.read_trail()
        )

    def examine(self) -> str | None:
        return None if self.is_done() else "act: it is not in the audit trail yet"

    def run(self) -> Iterator[Task] | None:
        """Append the entry; raises PipelineError when it cannot be done."""
        with locks.publishing():
            if not self.is_done():
                self.check_that_it_can_be_done()
                entry = Entry(
                    as_of=self.as_of,
                    action=self.action,
                    reason=self.reason,
                    who=actor(),
                    **self.facts(),
                )
                audit_trail.append(entry)
                log.info("%s: %s", self, entry.reason)
        return None


class CloseIncident(Act):
    """Closes the open incidents of an extract.

    From then on the extract as it is counts as usual, and governance judges the model again.
    """

    action = "close_incident"
    extract = luigi.ChoiceParameter(choices=list(TABLES), description="name of the extract")

    def requires(self) -> Incidents:
        return Incidents(**self.moment)

    def _open(self) -> list[str]:
        incidents = tables.read(self.requires().path()).to_pylist()
        return [i["words"] for i in incidents if i["is_open"] and i["extract"] == self.extract]

    def facts(self) -> dict[str, Any]:
        return {"generation": self.generation, "extract": self.extract}

    def check_that_it_can_be_done(self) -> None:
        if not self._open():
            raise PipelineError(f"--extract {self.extract}: on {self.as_of} no incident is open")
        log.info("%s: closes %s", self, digests.of_json(self._open()))


class RequestRetraining(Act):
    """Asks for a challenger that knows all labels up to the day; the next run trains it."""

    action = "request_retraining"

    def facts(self) -> dict[str, Any]:
        return {
            "generation": self.generation,
            "next_generation": registry.generations()[-1] + 1,
        }

    def check_that_it_can_be_done(self) -> None:
        pending = registry.challenger(self.as_of)
        if pending:
            raise PipelineError(
                f"generation {pending} is a challenger that has not been judged yet; run Pipeline"
            )


class _Change(Act):
    """Makes another generation champion, from the month after the day on."""

    abstract = True
    generation = luigi.IntParameter(description="the generation that becomes champion")

    @classmethod
    def concrete_values(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values["as_of"] is None:
            values["as_of"] = resolve(None, None)[0]
        return values

    def requires(self) -> BestModel:
        return BestModel(generation=self.generation)

    def check(self) -> None:
        super().check()
        known = registry.generations(self.as_of)
        if self.generation not in known:
            raise PipelineError(
                f"--generation {self.generation}: on {self.as_of} there are generations "
                f"{', '.join(map(str, known))}"
            )

    def check_that_it_can_be_done(self) -> None:
        trail = audit_trail.read_trail()
        changes = [e.generation for e in trail if e.action in audit_trail.CHANGES]
        if self.generation == (changes[-1] if changes else 1):
            raise PipelineError(f"--generation {self.generation} is champion already")


class PromoteModel(_Change):
    """Makes a generation champion, whatever the comparison said."""

    action = "promote"


class RollbackModel(_Change):
    """Makes an earlier champion champion again."""

    action = "rollback"

    def check_that_it_can_be_done(self) -> None:
        super().check_that_it_can_be_done()
        if self.generation not in [r.generation for r in registry.reigns(self.as_of)]:
            raise PipelineError(
                f"--generation {self.generation} was never champion; PromoteModel makes it so"
            )


class RestateGeneration(Act):
    """Makes a released generation's model and its published scores again, beside the old ones."""

    action = "restate"
    generation = luigi.IntParameter(description="the generation that is made again")

    @classmethod
    def concrete_values(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values["as_of"] is None:
            values["as_of"] = resolve(None, None)[0]
        return values

    def check_that_it_can_be_done(self) -> None:
        if releases.released_model(self.generation) is None:
            raise PipelineError(
                f"--generation {self.generation} has published nothing: it is made again as soon "
                "as it is stale"
            )

    def run(self) -> Iterator[Task]:
        """Ask for it, make it, and put both versions into the trail."""
        super().run()
        yield Governance(as_of=self.as_of)
