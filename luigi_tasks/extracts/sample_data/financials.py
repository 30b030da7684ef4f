"""The extract of financials: what a customer earns, owes, pays and spends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from luigi_tasks.extracts.sample_data.columns import Columns, Floats
from luigi_tasks.extracts.sample_data.customers import Customers
from luigi_tasks.extracts.sample_data.dirt import FINANCIALS_DIRT, with_dirt
from luigi_tasks.extracts.sample_data.distributions import (
    Indicator,
    at_percentiles,
    correlated,
    draw_indicator,
)
from luigi_tasks.extracts.sample_data.drift import INCOME_SHIFT, Drift
from luigi_tasks.extracts.sample_data.months import iso_date
from luigi_tasks.extracts.sample_data.text import date_text, number_text, quoted, years_and_months

_ANNUAL_INCOME = Indicator(
    0.38, (7_000, 7_500, 9_700, 19_500, 37_300, 73_400, 133_000, 170_000, 179_000), False
)
_INDICATORS = {
    "Num_Bank_Accounts": Indicator(-0.76, (-1, 0, 1, 3.4, 5.4, 7.2, 9.6, 10, 10)),
    "Num_Credit_Card": Indicator(-0.58, (0, 1, 3, 4, 5, 7, 9, 10, 11)),
    "Interest_Rate": Indicator(-0.80, (1, 1, 2, 8, 13, 20, 31, 34, 34)),
    "Num_of_Loan": Indicator(-0.71, (-0.4, -0.4, -0.2, 1.65, 3.2, 5.1, 8, 9, 9)),
    "Delay_from_due_date": Indicator(-0.74, (-5, 0, 3, 10, 18, 28, 54, 60, 67)),
    "Num_of_Delayed_Payment": Indicator(-0.75, (-3, 0, 2, 9, 14, 18, 23, 25, 28)),
    "Changed_Credit_Limit": Indicator(
        -0.40, (-6.5, -1.4, 1.2, 5.5, 9.5, 14.9, 23.5, 28.8, 36), False
    ),
    "Num_Credit_Inquiries": Indicator(-0.79, (0, 0, 1, 4, 6, 10, 14, 16, 17)),
    "Outstanding_Debt": Indicator(
        -0.77, (0.5, 28, 119, 558, 1_152, 1_900, 3_900, 4_830, 5_000), False
    ),
    "Credit_Utilization_Ratio": Indicator(
        0.08, (20, 22.6, 24.2, 28.1, 32.5, 36.6, 40.3, 42.5, 49), False
    ),
    "Credit_History_Age": Indicator(0.79, (1, 21, 71, 153, 224, 309, 383, 400, 404)),
}

_HALF_CENT_SHARE = 0.08
_INCOME_SHIFT_FACTOR = 1.8

# Ratios at the same percentiles as an indicator's values.
_SALARY_TO_MONTHLY_INCOME = (0.55, 0.72, 0.84, 0.957, 1, 1.039, 1.16, 1.3, 1.46)
_EMI_TO_SALARY_PER_LOAN = (0.0037, 0.0047, 0.0051, 0.0063, 0.0076, 0.009, 0.0173, 0.07, 0.19)
_INVESTED_TO_SALARY = (0, 0.007, 0.0116, 0.025, 0.0445, 0.0761, 0.119, 0.1325, 0.154)

_CREDIT_MIX = ("Bad", "Standard", "Good")
_CREDIT_MIX_LOADING = 0.9
_CREDIT_MIX_CUTS = (-0.742, 0.490)  # shares 23, 46 and 31 %
_PAYS_MINIMUM_ONLY = {"Bad": 1.0, "Standard": 0.77, "Good": 0.0}

_BEHAVIOUR_AMOUNTS = {  # from thrifty to free; the amount is added to the monthly balance
    "Low_spent_Small_value_payments": 290,
    "Low_spent_Large_value_payments": 270,
    "High_spent_Small_value_payments": 260,
    "Low_spent_Medium_value_payments": 280,
    "High_spent_Medium_value_payments": 250,
    "High_spent_Large_value_payments": 240,
}
_SPENDING_INCOME_LOADING = 0.45
_SAVING_SPENDING_LOADING = -0.7
_BEHAVIOUR_CUTS = (-0.571, -0.266, 0.010, 0.402, 1.032)  # shares 28, 11, 11, 15, 20 and 15 %

_LOAN_TYPES = (
    "Auto Loan",
    "Credit-Builder Loan",
    "Debt Consolidation Loan",
    "Home Equity Loan",
    "Mortgage Loan",
    "Not Specified",
    "Payday Loan",
    "Personal Loan",
    "Student Loan",
)


def draw_financials(rng: np.random.Generator, customers: Customers, drift: Drift) -> Columns:
    """The 20 financial columns: one row a customer, on the day the loan starts.

    Money is in currency units, Interest_Rate and Credit_Utilization_Ratio in percent,
    Delay_from_due_date in days. Dates are yyyy-MM-dd here, unlike in the other extracts, so
    that both forms are met in every run.
    """
    quality = customers.quality
    clean = {
        name: draw_indicator(rng, quality, indicator) for name, indicator in _INDICATORS.items()
    }
    income_z = correlated(rng, quality, _ANNUAL_INCOME.loading)
    income = at_percentiles(income_z, _ANNUAL_INCOME.percentiles)
    is_shifted = drift.affects(INCOME_SHIFT, customers.vintage)
    income[is_shifted] *= _INCOME_SHIFT_FACTOR
    spending = correlated(rng, income_z, _SPENDING_INCOME_LOADING)
    behaviour = _payment_behaviours(spending)
    monthly = _monthly_amounts(rng, income, clean["Num_of_Loan"], spending, behaviour)
    mix = _credit_mix(rng, quality)

    columns = {
        "Customer_ID": customers.ids,
        "Annual_Income": _income_text(rng, income),
        "Monthly_Inhand_Salary": number_text(monthly["Monthly_Inhand_Salary"]),
        "Num_Bank_Accounts": number_text(clean["Num_Bank_Accounts"]),
        "Num_Credit_Card": number_text(clean["Num_Credit_Card"]),
        "Interest_Rate": number_text(clean["Interest_Rate"]),
        "Num_of_Loan": number_text(clean["Num_of_Loan"]),
        "Type_of_Loan": quoted(_loan_types(rng, clean["Num_of_Loan"])),
        "Delay_from_due_date": number_text(clean["Delay_from_due_date"]),
        "Num_of_Delayed_Payment": number_text(clean["Num_of_Delayed_Payment"]),
        "Changed_Credit_Limit": number_text(clean["Changed_Credit_Limit"].round(2)),
        "Num_Credit_Inquiries": number_text(clean["Num_Credit_Inquiries"]),
        "Credit_Mix": mix,
        "Outstanding_Debt": number_text(clean["Outstanding_Debt"].round(2)),
        "Credit_Utilization_Ratio": number_text(clean["Credit_Utilization_Ratio"]),
        "Credit_History_Age": years_and_months(clean["Credit_History_Age"]),
        "Payment_of_Min_Amount": _pays_minimum_only(rng, mix),
        "Total_EMI_per_month": number_text(monthly["Total_EMI_per_month"]),
        "Amount_invested_monthly": number_text(monthly["Amount_invested_monthly"]),
        "Payment_Behaviour": behaviour,
        "Monthly_Balance": number_text(monthly["Monthly_Balance"]),
        "snapshot_date": date_text(customers.vintage, iso_date),
    }
    return with_dirt(rng, columns, FINANCIALS_DIRT)


def _income_text(rng: np.random.Generator, income: Floats) -> list[str]:
    """Annual_Income in cents; in some rows half a cent more, which makes a third decimal."""
    half_cents = 2 * np.rint(income * 100) + (rng.random(len(income)) < _HALF_CENT_SHARE)
    return number_text(half_cents / 200)


def _payment_behaviours(spending: Floats) -> list[str]:
    """Payment_Behaviour by how freely the customer spends."""
    names = tuple(_BEHAVIOUR_AMOUNTS)
    return [names[index] for index in np.searchsorted(_BEHAVIOUR_CUTS, spending).tolist()]


def _monthly_amounts(
    rng: np.random.Generator,
    income: Floats,
    loans: Floats,
    spending: Floats,
    behaviour: Sequence[str],
) -> dict[str, Floats]:
    """Monthly salary and what becomes of it; who spends freely invests less.

    Monthly_Balance is a tenth of the salary, plus the amount of the payment behaviour, less
    installments (EMI: equated monthly installments) and investments. Each of the two takes at
    most 80 % of what is there for it, so that the balance stays positive.
    """
    noise = rng.standard_normal((2, len(income)))
    saving = correlated(rng, spending, _SAVING_SPENDING_LOADING)
    salary = income / 12 * at_percentiles(noise[0], _SALARY_TO_MONTHLY_INCOME)
    budget = salary / 10 + np.array([_BEHAVIOUR_AMOUNTS[name] for name in behaviour])
    installments = salary * loans * at_percentiles(noise[1], _EMI_TO_SALARY_PER_LOAN)
    emi = np.minimum(installments, 0.8 * budget)
    investments = salary * at_percentiles(saving, _INVESTED_TO_SALARY)
    invested = np.minimum(investments, 0.8 * (budget - emi))
    return {
        "Monthly_Inhand_Salary": salary,
        "Total_EMI_per_month": emi,
        "Amount_invested_monthly": invested,
        "Monthly_Balance": budget - emi - invested,
    }


def _credit_mix(rng: np.random.Generator, quality: Floats) -> list[str]:
    """Credit_Mix: the bureau's own view of the quality."""
    rating = correlated(rng, quality, _CREDIT_MIX_LOADING)
    return [_CREDIT_MIX[index] for index in np.searchsorted(_CREDIT_MIX_CUTS, rating).tolist()]


def _pays_minimum_only(rng: np.random.Generator, mix: Sequence[str]) -> list[str]:
    """Payment_of_Min_Amount: Yes with every bad mix, with no good one."""
    draws = rng.random(len(mix)).tolist()
    return [
        "Yes" if draw < _PAYS_MINIMUM_ONLY[name] else "No"
        for draw, name in zip(draws, mix, strict=True)
    ]


def _loan_types(rng: np.random.Generator, loans: Floats) -> list[str]:
    """Type_of_Loan: as many types as loans, `A`, `A, and B` or `A, B, and C`; empty for none."""
    types = rng.integers(0, len(_LOAN_TYPES), (len(loans), int(loans.max()))).tolist()
    texts = []
    for row, count in zip(types, loans.astype(int).tolist(), strict=True):
        names = [_LOAN_TYPES[loan_type] for loan_type in row[:count]]
        if count > 1:
            names[-1] = f"and {names[-1]}"
        texts.append(", ".join(names))
    return texts
