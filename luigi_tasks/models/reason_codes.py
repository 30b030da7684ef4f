"""The reasons that a customer can be told for a high score: a code and words for every feature.

Features that say the same to a customer share a code. The words name what counted, not whether it
was too high or too low: a model with interactions may hold either against somebody, and words
that are wrong for one loan in a hundred are worse than neutral ones.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass

from luigi_tasks.core.errors import PipelineError


@dataclass(frozen=True)
class ReasonCode:
    """A code, what a customer reads, and the columns of gold behind it (* is a wildcard)."""

    code: str
    words: str
    features: tuple[str, ...]


# A code that has been told is never given another meaning: new ones come at the end.
REASON_CODES = (
    ReasonCode("R01", "Age", ("Age",)),
    ReasonCode("R02", "Occupation", ("Occupation",)),
    ReasonCode("R03", "Income", ("Annual_Income", "Monthly_Inhand_Salary")),
    ReasonCode("R04", "Money left at the end of the month", ("Monthly_Surplus", "Monthly_Balance")),
    ReasonCode("R05", "Number of bank accounts", ("Num_Bank_Accounts",)),
    ReasonCode("R06", "Number of credit cards", ("Num_Credit_Card",)),
    ReasonCode("R07", "Number of recent credit inquiries", ("Num_Credit_Inquiries",)),
    ReasonCode("R08", "Interest rate of existing credit", ("Interest_Rate",)),
    ReasonCode("R09", "Number and kinds of loans", ("Num_of_Loan", "Num_Loan_Types")),
    ReasonCode(
        "R10",
        "Number and length of delays in past payments",
        ("Delay_from_due_date", "Num_of_Delayed_Payment", "Delayed_per_Loan"),
    ),
    ReasonCode("R11", "Changes of the credit card limit", ("Changed_Credit_Limit",)),
    ReasonCode("R12", "Mix of kinds of credit", ("Credit_Mix",)),
    ReasonCode(
        "R13",
        "Outstanding debt, also in proportion to income",
        ("Outstanding_Debt", "Debt_to_Annual_Income"),
    ),
    ReasonCode("R14", "Share of the credit limit in use", ("Credit_Utilization_Ratio",)),
    ReasonCode("R15", "Length of the credit history", ("Credit_History_Months",)),
    ReasonCode("R16", "Payment of minimum amounts only", ("Payment_of_Min_Amount",)),
    ReasonCode(
        "R17",
        "Monthly installments, also in proportion to salary",
        ("Total_EMI_per_month", "DTI"),
    ),
    ReasonCode(
        "R18",
        "Amount invested each month, also in proportion to salary",
        ("Amount_invested_monthly", "Savings_Ratio"),
    ),
    ReasonCode("R19", "Spending and payment behaviour", ("Payment_Behaviour",)),
    ReasonCode(
        "R20",
        "Amount of this loan, also in proportion to income",
        ("loan_amt", "Loan_to_Annual_Income"),
    ),
    ReasonCode("R21", "Repayment of this loan so far", ("hist_*",)),
    ReasonCode("R22", "Use of the website and the app", ("fe_*",)),
)


def matches(feature: str, patterns: Iterable[str]) -> bool:
    """Whether a feature is one of the patterns, in which * and ? are wildcards."""
    return any(fnmatch.fnmatchcase(feature, pattern) for pattern in patterns)


def code_of(feature: str) -> ReasonCode:
    """The code of a feature; raises PipelineError for a feature without one."""
    for reason in REASON_CODES:
        if matches(feature, reason.features):
            return reason
    raise PipelineError(
        f"{feature} has no reason code: give it one in luigi_tasks/models/reason_codes.py, or name "
        "it under explanations.not_told of params.yaml"
    )


def codes_by_feature(features: Iterable[str], not_told: Iterable[str]) -> dict[str, str]:
    """{feature: code} of the features that a customer may be told.

    Raises PipelineError for one that has no code.
    """
    hidden = tuple(not_told)
    return {name: code_of(name).code for name in features if not matches(name, hidden)}


def page(features: Iterable[str], not_told: Iterable[str]) -> str:
    """reports/reason_codes.md: the codes, their words, and which features of a model they tell."""
    known = list(features)
    told = codes_by_feature(known, not_told)
    lines = [
        "# Reason codes",
        "",
        "What a customer is told for each code in `datamart/gold/reasons.parquet`. The words say",
        "what raised the score, not in which direction it differs from other customers.",
        "",
        "| code | words | features |",
        "|---|---|---|",
    ]
    for reason in REASON_CODES:
        own = [f"`{name}`" for name in known if told.get(name) == reason.code]
        lines.append(f"| {reason.code} | {reason.words} | {', '.join(own) or 'none'} |")
    hidden = [f"`{name}`" for name in known if name not in told]
    lines += ["", f"Told to nobody (`explanations.not_told`): {', '.join(hidden) or 'none'}.", ""]
    return "\n".join(lines)
