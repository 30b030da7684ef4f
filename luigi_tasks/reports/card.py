"""A model card with its validation report, in Markdown, made from facts alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from luigi_tasks.reports import card_limits, card_loans, card_model
from luigi_tasks.reports.card_facts import Facts

SECTIONS: dict[str, Callable[[Facts], Iterator[str]]] = {
    "Purpose": card_model.purpose,
    "Limits and known weaknesses": card_limits.limits,
    "Data": card_model.data,
    "Target": lambda facts: _target(facts),
    "Exclusions": card_model.exclusions,
    "Candidates": card_model.candidates,
    "Against the champion": card_model.against_champion,
    "Out of time": card_loans.out_of_time,
    "Calibration": card_loans.calibration,
    "Reference of drift": card_model.drift_reference,
    "Explanations": card_loans.explanations,
    "Groups of customers": card_loans.groups,
    "Decisions": card_limits.decisions,
    "Open incidents": card_limits.incidents,
    "How to make it again": card_model.reproduction,
}
"""The sections by title, in order: each gives its paragraphs and tables."""


def model_card(facts: Facts) -> str:
    """The page: a title, what it is made from, and SECTIONS."""
    parts = [
        f"# Model card and validation report: generation {facts.generation}",
        f"As of {facts.as_of}. Every figure is from the metadata of the model or from a table that "
        "the pipeline has published; no customer and no loan is named. A – stands for what cannot "
        "be said. It claims no conformity with any regulation.",
    ]
    for title, section in SECTIONS.items():
        parts += [f"## {title}", *section(facts)]
    return "\n\n".join(parts) + "\n"


def _target(facts: Facts) -> Iterator[str]:
    s = facts.settings
    yield (
        f"The label is 1 for {facts.target_in_words}, else 0. It is known from the day on which "
        f"the installment of month {s['labels.observation_mob']} has arrived; before that there is "
        "none. A loan of which an installment of that window is missing or unreadable has no "
        "label, unless another one proves a default."
    )
