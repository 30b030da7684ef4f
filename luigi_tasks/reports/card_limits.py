"""The sections of a model card on what is weak about it, what was decided and what is broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from luigi_tasks.models.confidence import Z95
from luigi_tasks.models.metadata import FrozenBins
from luigi_tasks.reports.card_facts import Facts
from luigi_tasks.reports.markdown import (
    count,
    interval,
    is_known,
    items,
    number,
    share,
    signed,
    table,
)

# |z| beyond which chance explains a calibration gap once in a thousand times.
_Z999 = 3.290526731491926
# A slope outside is of scores that are plainly too extreme, or too much alike.
_SLOPES = (0.8, 1.25)
# A feature that is missing more often than this is named.
_MISSING = 0.10
_YEAR = 12


def limits(facts: Facts) -> Iterator[str]:
    """What the figures above cannot carry, each with its figure."""
    yield items(
        [
            *_of_labels(facts),
            *_of_calibration(facts),
            *_of_use(facts),
            *_of_data(facts),
            "All loans were granted. How applicants who were refused would have done is unknown.",
        ]
    )


def _of_labels(facts: Facts) -> Iterator[str]:
    window = facts.metadata.window
    metrics = facts.metadata.calibrated_metrics.get("performing", {})
    low, high = metrics.get("auc_low"), metrics.get("auc_high")
    if window.test:
        defaults = round(window.test.loans * window.test.default_rate)
        width = (
            f": its AUC of performing loans is known to ± {number((high - low) / 2)}"
            if low is not None and high is not None
            else ""
        )
        yield (
            f"It was chosen by {count(defaults)} defaults among {count(window.test.loans)} "
            f"held-out loans{width}."
        )
    if window.train:
        first, last = window.train.first_vintage, window.train.last_vintage
        months = (last.year - first.year) * _YEAR + last.month - first.month + 1
        if months < _YEAR:
            yield (
                f"It was fitted on {months} vintage{'s' * (months > 1)}, less than a year: it "
                "knows no season."
            )
    if window.since:
        yield f"It has forgotten all loans from before {window.since:%B %Y}."
    if window.sampled_from:
        yield f"It was fitted on a sample of {count(window.sampled_from)} matured loans."
    auc, least = metrics.get("auc"), facts.settings["governance.min_auc"]
    if auc is not None and low is not None and low < least:
        yield (
            f"On held-out performing loans its AUC, {interval(auc, low, high)}, is not beyond "
            f"chance above the {least:g} below which governance has a model retrained."
        )
    judged = facts.judged
    if judged is not None and judged["window_performing_auc_high"] < least:
        of_live = [judged[f"window_performing_auc{end}"] for end in ("", "_low", "_high")]
        yield (
            f"On live performing loans up to {judged['month']:%B %Y} its AUC, "
            f"{interval(*of_live)}, is below {least:g}, beyond chance."
        )
    needed = facts.settings["governance.min_matured"]
    matured = int(judged["window_performing_n_matured"]) if judged is not None else 0
    if matured < needed:
        yield (
            f"Of its newest live months {count(matured)} performing loans have matured, fewer than "
            f"the {count(needed)} that an AUC needs before it counts."
        )


def _of_calibration(facts: Facts) -> Iterator[str]:
    known: list[tuple[str, Mapping[str, Any], str]] = [
        ("held-out", facts.metadata.calibrated_metrics.get("performing", {}), "")
    ]
    if facts.judged is not None:
        known.append(
            (
                "live",
                {str(name): value for name, value in facts.judged.items()},
                "window_performing_",
            )
        )
    for name, row, prefix in known:
        slope, gap, z = (row.get(f"{prefix}calibration_{n}") for n in ("slope", "gap", "z"))
        if is_known(slope) and not _SLOPES[0] <= slope <= _SLOPES[1]:
            word = "too extreme" if slope < 1 else "too much alike"
            yield f"Of {name} performing loans the scores are {word}: slope {number(slope, 2)}."
        if is_known(gap) and is_known(z) and abs(z) > _Z999:
            word = "high" if z > 0 else "low"
            yield (
                f"Of {name} performing loans the scores are too {word} by {number(abs(gap))} "
                f"(z = {signed(z, 1)})."
            )
    if facts.metadata.calibration == "none":
        yield "Its scores are those of the classifier; nothing was done to calibrate them."


def _of_use(facts: Facts) -> Iterator[str]:
    metrics = facts.metadata.calibrated_metrics.get("performing", {})
    recall, precision = metrics.get("recall"), metrics.get("precision")
    if is_known(recall) and is_known(precision):
        yield (
            f"From {facts.metadata.threshold:g} on it finds {share(recall)} of the defaults of "
            f"held-out performing loans; of those that it calls defaults {share(precision)} are."
        )
    unsaid = facts.fairness[
        (facts.fairness["population"] == "performing") & facts.fairness["auc"].isna()
    ]
    if len(unsaid):
        named = ", ".join(f"{row['column']} {row['group']}" for _, row in unsaid.iterrows())
        yield f"Too small for an AUC are the groups {named}."


def _of_data(facts: Facts) -> Iterator[str]:
    window = facts.metadata.window
    began = facts.incidents[facts.incidents["first_month"] <= window.train_until]
    for _, incident in began.iterrows():
        yield (
            f"An incident began before it had learnt: {incident['words']}. Its training window may "
            "hold broken values."
        )
    alike: dict[str, list[str]] = {}
    for name, bins in sorted(facts.metadata.feature_bins.items(), key=_missing_most):
        if bins.shares[-1] > _MISSING:
            alike.setdefault(share(bins.shares[-1]), []).append(f"`{name}`")
    if alike:
        named = "; ".join(f"{much} of {_shortened(names)}" for much, names in alike.items())
        yield f"Often missing in its reference: {named}."
    kept, out = (
        book["label"].dropna().astype("float64") for book in (facts.included, facts.excluded)
    )
    if len(kept) and len(out):
        difference = out.mean() - kept.mean()
        spread = (
            Z95
            * (
                out.mean() * (1 - out.mean()) / len(out)
                + kept.mean() * (1 - kept.mean()) / len(kept)
            )
            ** 0.5
        )
        word = "beyond chance" if abs(difference) > spread else "which may be chance"
        yield (
            f"The loans that are kept out default {signed(100 * difference, 1)} percentage points "
            f"against those in gold ([{signed(100 * (difference - spread), 1)}, "
            f"{signed(100 * (difference + spread), 1)}]), {word}."
        )


def _missing_most(item: tuple[str, FrozenBins]) -> tuple[float, str]:
    return -item[1].shares[-1], item[0]


def _shortened(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 4 else ""
    return ", ".join(names[:3] if more else names) + more


def decisions(facts: Facts) -> Iterator[str]:
    """What the audit trail says of this generation, and what is broken now."""
    since = [reign for reign in facts.reigns if reign.generation == facts.generation]
    if facts.raised:
        yield (
            f"Asked for on {facts.raised.as_of} ({facts.raised.action.replace('_', ' ')} of "
            f"generation {facts.raised.generation}): {facts.raised.reason}."
        )
    if facts.reigns[-1].generation != facts.generation:
        following = facts.reigns[facts.reigns.index(since[-1]) + 1] if since else None
        yield (
            f"It is not champion any more: since {following.since} it is generation "
            f"{following.generation}."
            if following
            else "It was never champion."
        )
    elif facts.generation == 1 and len(facts.reigns) == 1:
        yield "It is champion from the beginning."
    else:
        yield f"It is champion since {since[-1].since}."
    if facts.entries:
        yield table(
            ["day", "generation", "decision", "state", "by", "reason"],
            [
                [
                    entry.as_of,
                    entry.generation,
                    entry.action.replace("_", " "),
                    entry.state,
                    "a person" if entry.who else "the pipeline",
                    entry.reason,
                ]
                for entry in facts.entries
            ],
            texts=6,
        )
    else:
        yield "Nothing has been decided on it yet."


def incidents(facts: Facts) -> Iterator[str]:
    """What is broken in the extracts on the day."""
    opened = facts.incidents[facts.incidents["is_open"].astype(bool)]
    if opened.empty:
        yield "No incident is open."
        return
    yield items(str(words) for words in opened["words"])
