"""Which extract feeds a feature of gold."""

from __future__ import annotations

from luigi_tasks.extracts.contract import ATTRIBUTES, CLICKSTREAM, FINANCIALS, LOANS


def feed_of(feature: str) -> str:
    """The name of the extract without which a feature is missing.

    What is computed from several, such as Loan_to_Annual_Income, is fed by the financials: the
    loans are what is scored, and always there.
    """
    if feature in ATTRIBUTES.names:
        return ATTRIBUTES.name
    if feature.startswith("fe_"):
        return CLICKSTREAM.name
    if feature.startswith("hist_") or feature in LOANS.names:
        return LOANS.name
    return FINANCIALS.name
