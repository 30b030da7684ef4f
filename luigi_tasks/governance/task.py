"""The task Governance: a decision for every month end, and the marker that says what they come to.

The marker names the generation, so a new marker is a new task and a stale model: no file is
deleted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import luigi

from luigi_tasks.core import digests, locks, tables
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import is_shared
from luigi_tasks.core.recipes import content_of
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import StageTarget
from luigi_tasks.core.task import Stage, Task, log
from luigi_tasks.generations import audit_trail, registry, releases
from luigi_tasks.generations.as_of import AsOf, data_span, newest_answerable
from luigi_tasks.generations.audit_trail import Entry
from luigi_tasks.models import released
from luigi_tasks.models.champion import BestModel
from luigi_tasks.models.predictions import Predictions
from luigi_tasks.models.shadow import ShadowScores
from luigi_tasks.models.store import read_metadata
from luigi_tasks.monitoring.task import Monitoring

if TYPE_CHECKING:
    from luigi_tasks.governance.evidence import Book, Evidence

DECIDED = ("keep", "retrain")


class AuditTrail(luigi.Target):
    """datamart/governance/decisions.jsonl."""

    def __init__(self) -> None:
        self.path = audit_trail.trail_path()

    def __str__(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        return self.path.exists()


class Governance(AsOf):
    """Decides for every month end up to the day that has no decision yet, in order.

    Each decision is taken on what was known on the first day of the next month, so that it does
    not matter when it is taken. With it the scores of the loans since the month end before are
    published. A challenger that was asked for is judged first; when it becomes champion before
    the as-of day, its months are decided on in turn.

    It is no stage: it adds to its output instead of building it anew.
    """

    reads = ("governance.*", "monitoring.max_missing_jump", "monitoring.max_unseen_share")

    def requires(self) -> dict[str, Stage]:
        required: dict[str, Stage] = {"monitoring": Monitoring(**self.moment)}
        if self.challenger:
            required["challenger"] = BestModel(generation=self.challenger)
        return required

    def inputs(self) -> dict[str, Any]:
        targets = self.requires()["monitoring"].output()
        return {name: targets[name] for name in ("drift", "history", "drift history")}

    def output(self) -> AuditTrail:
        return AuditTrail()

    def examine(self) -> str | None:
        if not audit_trail.is_marker_settled():
            return "marker: is not what the audit trail says"
        decided = self._decided()
        if decided and self.as_of < decided[-1].as_of:
            return None  # what was true then stands in the trail
        return self.stale_upstream() or self._open_question()

    def _open_question(self) -> str | None:
        """What is to be decided next, as a reason; all that is required is there."""
        if self.challenger and self._due(self.challenger):
            return f"decision: generation {self.challenger} awaits its judgement"
        if self._restated():
            return "decision: a restatement is not in the audit trail yet"
        day = self._next_day()
        if day is None:
            return None
        if self._is_repeated(day):
            return "decision: none has been taken on this evidence"
        return f"decision: none has been taken for {day}"

    # --- what is there to decide on ---------------------------------------------------------

    def _decided(self) -> list[Entry]:
        """The decisions on days that the data reach: another was never today."""
        newest = newest_answerable(data_span()[1])
        return [e for e in audit_trail.read_trail() if e.action in DECIDED and e.as_of <= newest]

    def _is_repeated(self, day: dt.date) -> bool:
        return any(entry.as_of == day for entry in self._decided())

    def _next_day(self) -> dt.date | None:
        """The oldest day without a decision, or the newest that has one on other evidence."""
        decided = self._decided()
        since = max(registry.reigns(self.as_of)[-1].since, self._train_until())
        if decided:
            since = max(since, decided[-1].as_of)
        days = registry.decision_days(since, self.as_of)
        if days:
            return days[0]
        newest = decided[-1] if decided else None
        is_own = newest and newest.generation == self.generation and newest.action == "keep"
        if is_own and newest and newest.as_of <= self.as_of:
            own = {e.evidence for e in decided if e.as_of == newest.as_of}
            return newest.as_of if self._evidence_digest(newest.as_of) not in own else None
        return None

    def _train_until(self) -> dt.date:
        return read_metadata(self.generation).window.train_until

    def _learnt(self, day: dt.date) -> dt.date | None:
        """The last day before another on which a challenger of this champion was asked for."""
        since = self.reigns[-1].since
        return max(
            (
                e.as_of
                for e in audit_trail.read_trail()
                if e.next_generation is not None and since < e.as_of < day
            ),
            default=None,
        )

    def _limits(self) -> dict[str, Any]:
        return {
            name.rpartition(".")[2]: value
            for name, value in self.params.items()
            if name.rpartition(".")[2] in LIMITS
        }

    def _book(self) -> Book:
        """What was known when, of this champion."""
        from luigi_tasks.governance.evidence import Book

        targets: dict[str, StageTarget] = self.inputs()
        return Book(targets["history"].path, targets["drift"].path, targets["drift history"].path)

    def _evidence(self, day: dt.date, book: Book) -> Evidence:
        from luigi_tasks.monitoring.incidents import Closure

        return book.on(
            day,
            self._learnt(day),
            [Closure(str(e.extract), e.as_of, e.reason) for e in registry.closures(day)],
            {
                name: self.params[f"monitoring.{name}"]
                for name in ("max_missing_jump", "max_unseen_share")
            },
        )

    def _evidence_digest(self, day: dt.date) -> str:
        closed = [[e.extract, str(e.as_of)] for e in registry.closures(day)]
        facts = [self.recipe(), str(day), str(self._learnt(day)), closed]
        found: str = digests.remembered(
            f"evidence-{digests.of_json(facts)[:32]}",
            lambda: self._evidence(day, self._book()).digest(self._limits()),
        )
        return found

    def _predictions(self) -> Predictions:
        return Predictions(**self.moment)

    # --- the acts ---------------------------------------------------------------------------

    def run(self) -> Iterator[Task]:
        """Judge, restate and decide until nothing is open; a repeated run only mends the marker."""
        if not is_shared(published := in_datamart("governance", "published")):
            published.mkdir(parents=True, exist_ok=True)  # for DVC: it may hold nothing yet
        book: Book | None = None
        while True:
            if self.is_superseded():
                yield Governance(as_of=self.as_of)
                return
            if self._restated():
                self._restate()
                continue
            challenger = registry.challenger(self.as_of)
            due = self._due(challenger) if challenger else None
            day = self._next_day()
            if challenger and due and (day is None or day > due):
                if due == self.as_of and challenger != self.challenger:
                    break  # the next run trains it
                yield from self._judge(challenger, due)
            elif day is not None:
                book = book or self._book()
                self._decide(day, book)
            else:
                break
        audit_trail.settle_marker()

    def _decide(self, day: dt.date, book: Book) -> None:
        """Take the decision of a day, unless another run has taken it meanwhile."""
        from luigi_tasks.governance.decide import decide

        limits = self._limits()
        evidence = self._evidence(day, book)
        digest = evidence.digest(limits)
        scores = self._unpublished(day)
        verdict = decide(evidence.months, evidence.incidents, self.generation, limits)
        if verdict.action == "retrain" and (pending := registry.challenger(day)):
            words = f"{verdict.reason}; generation {pending} is in shadow"
            verdict = replace(verdict, action="keep", state="waiting", reason=words, since=None)
        retrains = verdict.action == "retrain"
        with locks.publishing():
            trail = self._decided()
            if self.is_superseded() or any(
                e.as_of > day or (e.as_of == day and e.evidence == digest) for e in trail
            ):
                return
            facts: dict[str, Any] = {"since": str(verdict.since)} if verdict.since else {}
            if len(scores) and day not in releases.published():
                facts |= self._publish(scores, day)
            entry = Entry(
                as_of=day,
                generation=self.generation,
                action=verdict.action,
                state=verdict.state,
                reason=verdict.reason,
                newly_matured_labels=verdict.newly_matured_labels,
                limits=limits,
                facts=facts,
                evidence=digest,
                next_generation=registry.generations()[-1] + 1 if retrains else None,
            )
            audit_trail.append(entry)
        log.info("%s: %s, %s, %s (%s)", self, day, verdict.action, verdict.state, verdict.reason)

    def _due(self, challenger: int) -> dt.date | None:
        """The day on which a challenger is judged, when it has come and it was not yet."""
        if registry.challenger(self.as_of) != challenger:
            return None
        asked = registry.raised_by(challenger)
        months = self.params["governance.shadow_months"]
        day = registry.months_after(asked.as_of, months) if asked else self.as_of
        return day if day <= self.as_of else None

    def _judge(self, challenger: int, day: dt.date) -> Iterator[Task]:
        """Let the challenger take the champion's place, or say why it does not.

        After months in shadow it is judged by the loans of these months, as soon as enough of
        them have matured for an AUC to count; else by those that were held out at its training.
        """
        from luigi_tasks.governance.gate import judge, shadow_comparison

        yield BestModel(generation=challenger)
        asked = registry.raised_by(challenger)
        against = read_metadata(challenger).against_champion
        if asked is None or against is None:
            raise PipelineError(f"generation {challenger} was held against no champion")
        if self.params["governance.shadow_months"]:
            shadow = ShadowScores(challenger=challenger, **self.moment)
            yield shadow
            against = (
                shadow_comparison(
                    tables.read(shadow.path()).to_pandas(),
                    day,
                    champion=self.generation,
                    threshold=read_metadata(challenger).threshold,
                    min_matured=self.params["governance.min_matured"],
                )
                or against
            )
        limits = {
            name: self.params[f"governance.{name}"]
            for name in (
                "population",
                "min_auc",
                "min_auc_gain",
                "max_approval_change",
                "max_calibration_loss",
            )
        }
        ruling = judge(against, is_condemned=asked.action == "retrain", **limits)
        with locks.publishing():
            if registry.challenger(self.as_of) != challenger:
                return
            audit_trail.append(
                Entry(
                    as_of=day,
                    generation=challenger,
                    action="promote" if ruling.is_promoted else "reject",
                    reason=ruling.reason,
                    limits=limits,
                    facts=ruling.facts,
                )
            )
        log.info("%s: generation %s: %s", self, challenger, ruling.reason)

    # --- what is published ------------------------------------------------------------------

    def _unpublished(self, day: dt.date) -> Any:
        """The scores of live loans since the decision day before."""
        from luigi_tasks.models.published import live_scores

        before = max((d for d in releases.published() if d < day), default=None)
        return live_scores(self._predictions().path(), before, day)

    def _publish(self, scores: Any, day: dt.date) -> dict[str, Any]:
        from luigi_tasks.models.published import write_published

        digest = write_published(scores, day, 0)
        return {
            "model": released.model_digest(self.generation),
            "scores": {str(day): digest},
            "loans": len(scores),
        }

    def _restated(self) -> list[int]:
        """The champions whose published scores are to be made again."""
        if self.params["governance.released"] == "refit":
            return [g for g in self.champions if releases.released_model(g) and self._differs(g)]
        return [g for g in self.champions if releases.asked_restatement(g)]

    def _differs(self, generation: int) -> bool:
        """Whether a generation's model or a score of it is another than was published."""
        from luigi_tasks.governance.restatement import differs

        if releases.released_model(generation) != released.model_digest(generation):
            return True
        predictions = self._predictions()
        facts = [content_of(predictions.output()[predictions.product]), generation]
        facts += [batch.digest for batch in releases.published().values()]
        found: bool = digests.remembered(
            f"differs-{digests.of_json(facts)[:32]}",
            lambda: differs(self.as_of, generation, predictions.path()),
        )
        return found

    def _restate(self) -> None:
        """Put what was made again beside what was published, and say how much it differs."""
        from luigi_tasks.governance.restatement import restate

        for generation in self._restated():
            restate(self.as_of, generation, self._predictions().path())


LIMITS = (
    "population",
    "min_auc",
    "max_psi",
    "max_calibration_gap",
    "min_matured",
    "min_scored",
    "min_new_labels",
)
"""The settings of governance that `decide` takes."""
