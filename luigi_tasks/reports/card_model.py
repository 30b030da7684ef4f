"""The sections of a model card about the model: what it is for, what it learnt, who lost to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from luigi_tasks.core import digests
from luigi_tasks.models.metadata import Comparison, FrozenBins, LoanFacts
from luigi_tasks.monitoring.intervals import jeffreys_interval
from luigi_tasks.monitoring.populations import POPULATIONS, populations
from luigi_tasks.reports.card_facts import Facts
from luigi_tasks.reports.markdown import (
    NOTHING,
    count,
    interval,
    items,
    number,
    p_value,
    share,
    signed,
    table,
)


def purpose(facts: Facts) -> Iterator[str]:
    """What the score says, and what it is not for."""
    settings = facts.settings
    yield (
        f"It gives the probability that a loan defaults: {facts.target_in_words}. A loan is scored "
        f"once, {settings['labels.prediction_mob']} months after its start, from what was known "
        "by then."
    )
    yield items(
        [
            "It is meant for ordering and watching the loans of this book after they were granted; "
            f"from {facts.metadata.threshold:g} on a default is predicted.",
            f"It is judged on {settings['governance.population']} loans. A performing loan has no "
            "arrears before its prediction point; of the others the outcome is plain.",
            "It is not meant for applicants: all loans here were granted, and nothing is known of "
            "those who were refused.",
            "It is not meant for customers whom the quality check flags: no loan of theirs is "
            "scored from then on.",
        ]
    )


def data(facts: Facts) -> Iterator[str]:
    """What the model has seen, and the digests by which it can be told again."""
    metadata, window = facts.metadata, facts.metadata.window
    rows = [
        _loans("fitted on", window.train),
        _loans("held out to choose and measure it", window.test),
    ]
    yield f"It knows labels until {window.train_until}."
    yield table(["loans", "vintages", "number", "default rate"], rows, texts=2)
    if window.since:
        yield f"It was fitted on the loans from {window.since:%B %Y} on alone, those since a break."
    if window.sampled_from:
        yield f"They are a sample of {count(window.sampled_from)} loans, by vintage and label."
    provenance = metadata.provenance
    if provenance is None:
        return
    recipe = provenance.recipe
    rows = [[f"`{name}` (SHA-256)", digest] for name, digest in sorted(provenance.files.items())]
    rows += [[f"`{name}` (content)", digest] for name, digest in sorted(recipe["inputs"].items())]
    rows.append(["code of the stage and all that it imports", digests.of_json(recipe["code"])])
    rows.append(["metadata and model together", provenance.content])
    yield table(["what", "digest"], rows, texts=2)
    fitted = ", ".join(f"{name} {version}" for name, version in metadata.libraries.items())
    yield f"Fitted with {fitted}."


def _loans(name: str, loans: LoanFacts | None) -> list[Any]:
    if loans is None:
        return [name, NOTHING, NOTHING, NOTHING]
    return [name, _vintages(loans), count(loans.loans), share(loans.default_rate)]


def _vintages(loans: LoanFacts) -> str:
    first, last = f"{loans.first_vintage:%Y-%m}", f"{loans.last_vintage:%Y-%m}"
    return first if first == last else f"{first} to {last}"


def _of_vintages(loans: LoanFacts) -> str:
    return f"vintage{'s' * (loans.first_vintage != loans.last_vintage)} {_vintages(loans)}"


def exclusions(facts: Facts) -> Iterator[str]:
    """Who is kept out, and whether their loans are others than those that are scored."""
    customers = facts.customers
    yield (
        f"{count(customers['flagged'])} of {count(customers['total'])} customers "
        f"({share(customers['flagged'] / customers['total'])}) are flagged; their loans are kept "
        "out from the day of the flag on."
    )
    reasons = sorted(customers["reasons"].items())
    if reasons:
        yield table(["reason", "customers"], [[name, count(n)] for name, n in reasons])
    rows = [
        [name, population, count(len(loans)), *_defaults(loans["label"])]
        for name, book in (("in gold", facts.included), ("kept out", facts.excluded))
        for population, loans in populations(book).items()
    ]
    yield f"Loans that have reached their prediction point by {facts.as_of}:"
    yield table(["loans", "population", "number", "matured", "default rate"], rows, texts=2)
    if facts.excluded["label"].notna().any():
        yield (
            "The labels of those that are kept out follow from their installments by the same "
            "rule. No model has seen them."
        )
    else:
        yield "No loan that is kept out has a label by then."


def _defaults(labels: pd.Series) -> list[str]:
    known = labels.dropna().astype("float64")
    if known.empty:
        return [count(0), NOTHING]
    low, high = jeffreys_interval(known.sum(), len(known))
    return [count(len(known)), interval(known.mean(), low, high, share)]


def candidates(facts: Facts) -> Iterator[str]:
    """All that were compared, on both populations, and the chosen one origin by origin."""
    metadata = facts.metadata
    yield (
        f"Chosen: **{metadata.champion}**, because its AUC of performing loans is the highest. "
        f"It is built of {_parameters(metadata.parameters)}; calibration: {metadata.calibration}. "
        f"It has {len(metadata.features)} features. Every loan was scored by models that did not "
        "know it; AUC with its 95 % interval."
    )
    heads = ["candidate", "population", "AUC", "KS", "Brier", "gap", "slope"]
    rows = [
        [
            f"**{name}**" if name == metadata.champion else name,
            population,
            *_measures(metrics[population]),
        ]
        for name, metrics in sorted(metadata.metrics.items())
        for population in POPULATIONS
    ]
    yield table(heads, rows, texts=2)
    if len(metadata.origins) > 1:
        yield "The chosen one, held-out part by held-out part:"
        yield table(
            ["vintages", "loans", "default rate", "AUC (all)", "AUC (performing)"],
            [
                [
                    _vintages(origin.loans),
                    count(origin.loans.loans),
                    share(origin.loans.default_rate),
                    *(_auc(origin.metrics[metadata.champion][p]) for p in POPULATIONS),
                ]
                for origin in metadata.origins
            ],
        )


def _parameters(parameters: dict[str, Any]) -> str:
    if "members" in parameters:
        parts = [f"{name}: {_arguments(own)}" for name, own in parameters["members"].items()]
        return "the mean of " + " and ".join(parts)
    return _arguments(parameters)


def _arguments(spec: dict[str, Any]) -> str:
    given = ", ".join(f"{name}={value}" for name, value in sorted(spec.items()) if name != "class")
    return f"`{spec['class'].rpartition('.')[2]}({given})`"


def _measures(metrics: dict[str, float | None]) -> list[str]:
    return [
        _auc(metrics),
        number(metrics.get("ks")),
        number(metrics.get("brier")),
        signed(metrics.get("calibration_gap")),
        number(metrics.get("calibration_slope"), 2),
    ]


def _auc(metrics: dict[str, float | None]) -> str:
    return interval(metrics.get("auc"), metrics.get("auc_low"), metrics.get("auc_high"))


def against_champion(facts: Facts) -> Iterator[str]:
    """The loans that are new to both models, who would be approved instead, and the ruling."""
    against = facts.metadata.against_champion
    if against is None:
        yield "It is the first generation: there was no champion to hold it against."
        return
    where = f", of {_of_vintages(against.loans)}" if against.loans else ""
    yield f"Against generation {against.champion}, on loans that neither was fitted on{where}:"
    both = [against.all, against.performing]
    yield table(["", *POPULATIONS], [[name, *map(show, both)] for name, show in _COMPARED.items()])
    yield (
        "Swapped in are loans that this model alone would approve, swapped out those that the "
        "champion alone would."
    )
    rulings = [
        e
        for e in facts.entries
        if e.generation == facts.generation and e.action in ("promote", "reject")
    ]
    yield (
        f"Ruling: {_RULED[rulings[0].action]} on {rulings[0].as_of}: {rulings[0].reason}."
        if rulings
        else "There is no ruling yet."
    )


_RULED = {"promote": "promoted", "reject": "rejected"}
_COMPARED: dict[str, Any] = {
    "loans": lambda c: count(c.loans),
    "default rate": lambda c: share(c.default_rate),
    "AUC, champion": lambda c: number(c.champion_auc),
    "AUC, this model": lambda c: number(c.challenger_auc),
    "difference": lambda c: interval(c.difference, c.difference_low, c.difference_high, signed),
    "p-value": lambda c: p_value(c.p_value),
    "gap, champion": lambda c: signed(c.champion_gap),
    "gap, this model": lambda c: signed(c.challenger_gap),
    "approved, champion": lambda c: share(c.champion_approval_rate),
    "approved, this model": lambda c: share(c.challenger_approval_rate),
    "swapped in": lambda c: _swap(c, "swapped_in"),
    "swapped out": lambda c: _swap(c, "swapped_out"),
}


def _swap(compared: Comparison, side: str) -> str:
    swap = getattr(compared, side)
    rate = f", {share(swap.default_rate)} default" if swap.loans else ""
    return f"{count(swap.loans)} loans{rate}"


def drift_reference(facts: Facts) -> Iterator[str]:
    """The bins that PSI and CSI compare with, and what has drifted in the newest live month."""
    metadata = facts.metadata
    held_out = metadata.window.test
    of = f" of {_of_vintages(held_out)}" if held_out else ""
    yield (
        f"Frozen when the model was fitted (labels until {metadata.window.train_until}), on the "
        f"held-out loans{of} and their out-of-time scores. The outer edges are open; missing is a "
        "bin of its own."
    )
    rows = [
        ["score, all", *_reference(metadata.score_bins)],
        ["score, performing", *_reference(metadata.performing_score_bins)],
    ]
    yield table(["reference", "loans", "bins"], rows)
    numbers = {n: b for n, b in metadata.feature_bins.items() if b.edges is not None}
    fewer = sum(bins.bins < metadata.requested_bins for bins in numbers.values())
    yield (
        f"{len(metadata.feature_bins)} features have a reference: {len(numbers)} numbers, of which "
        f"{fewer} have fewer than {metadata.requested_bins} bins because values repeat, and "
        f"{len(metadata.feature_bins) - len(numbers)} texts."
    )
    live = facts.live
    if live.empty:
        yield "No live loan has been scored yet."
        return
    newest = live.iloc[-1]
    yield (
        f"In {newest['month']:%B %Y} the PSI of performing loans is "
        f"{number(newest['performing_psi'])} (chance gives up to "
        f"{number(newest['performing_psi_chance_limit'])}); {count(newest['drifted_features'])} "
        f"features have drifted beyond chance. The highest CSI has `{newest['csi_max_feature']}`: "
        f"{number(newest['csi_max'])}."
    )


def _reference(bins: FrozenBins) -> list[str]:
    return [count(bins.n), count(bins.bins)]


def reproduction(facts: Facts) -> Iterator[str]:
    """How the same bytes come out again."""
    generation = facts.generation
    yield (
        "In a clone, at the revision that holds this model, with its data (`dvc checkout`) and the "
        "libraries named above, the same bytes come out:"
    )
    yield (
        "```sh\n"
        f"rm model_store/best_model_{generation}.pkl\n"
        f"luigi --module luigi_tasks BestModel --generation {generation} --local-scheduler\n"
        f"sha256sum model_store/best_model_{generation}.pkl   # as under Data\n"
        "python -m luigi_tasks verify    # every output is as it was published\n"
        "python -m luigi_tasks audit     # the trail and all that it names\n"
        "```"
    )
    provenance = facts.metadata.provenance
    if provenance:
        shown = ", ".join(f"`{k}` {v}" for k, v in sorted(provenance.recipe["params"].items()))
        yield f"Settings of the choice: {shown}. Those of the candidates are named above."
