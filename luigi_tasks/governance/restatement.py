"""What was published is made again: both versions stay, and the trail says how much they differ."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from luigi_tasks.core import locks
from luigi_tasks.core.task import log
from luigi_tasks.generations import audit_trail, releases
from luigi_tasks.generations.audit_trail import Entry
from luigi_tasks.models.published import digest_of, live_scores, read_published, write_published
from luigi_tasks.models.released import model_digest


def differs(as_of: dt.date, generation: int, predictions: Path) -> bool:
    """Whether the live scores of a generation are others than those it has published."""
    after: dt.date | None = None
    for batch in sorted(releases.published().values()):
        is_its_own = batch.generation == generation and batch.day <= as_of
        if is_its_own and digest_of(live_scores(predictions, after, batch.day)) != batch.digest:
            return True
        after = batch.day
    return False


def restate(as_of: dt.date, generation: int, predictions: Path) -> None:
    """Publish the scores of a generation's live loans as they are now, beside those before."""
    with locks.publishing():
        asked = releases.asked_restatement(generation)
        batches = sorted(releases.published().values())
        digests: dict[str, str] = {}
        before: dict[str, str] = {}
        changed, largest, counted = 0, 0.0, 0
        last: dt.date | None = None
        for batch in batches:
            after, last = last, batch.day
            if batch.generation != generation or batch.day > as_of:
                continue
            scores = live_scores(predictions, after, batch.day)
            old = read_published([batch]).reindex(scores["loan_id"])
            difference = abs(scores["prediction_proba"].to_numpy() - old.to_numpy())
            changed += int((difference != 0).sum())
            largest = max(largest, float(difference.max()) if len(difference) else 0.0)
            counted += len(scores)
            before[str(batch.day)] = batch.digest
            digests[str(batch.day)] = write_published(scores, batch.day, batch.version + 1)
        entry = Entry(
            as_of=as_of,
            generation=generation,
            action="restated",
            reason=f"{changed} of {counted} live scores changed, by {largest:.6f} at most"
            + ("" if asked else " (governance.released: refit)"),
            facts={
                "model_before": releases.released_model(generation),
                "model": model_digest(generation),
                "scores_before": before,
                "scores": digests,
                "loans": counted,
                "changed": changed,
                "largest_change": largest,
            },
        )
        audit_trail.append(entry)
    log.info("generation %s restated: %s", generation, entry.reason)
