"""The features that are computed from others, as Spark SQL."""

from __future__ import annotations


def ratio(numerator: str, denominator: str) -> str:
    """One column by another; null where the denominator is less than a cent.

    What is divided by next to nothing is too large for a model.
    """
    return f"CASE WHEN {denominator} >= 0.01D THEN {numerator} / {denominator} END"


_SALARY = "Monthly_Inhand_Salary"
# The one place for a new one. All are without unit but Monthly_Surplus: currency a month.
ENGINEERED = {
    "DTI": ratio("Total_EMI_per_month", _SALARY),
    "Savings_Ratio": ratio("Amount_invested_monthly", _SALARY),
    "Monthly_Surplus": f"{_SALARY} - Total_EMI_per_month - Amount_invested_monthly",
    "Debt_to_Annual_Income": ratio("Outstanding_Debt", "Annual_Income"),
    "Loan_to_Annual_Income": ratio("loan_amt", "Annual_Income"),
    "Delayed_per_Loan": ratio("Num_of_Delayed_Payment", "Num_of_Loan"),
}
