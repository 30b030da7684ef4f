"""Generated extracts: the four CSV files with the columns, formats and dirt of the real ones.

Nothing here is taken from a real customer. Every customer has two hidden normal variables:
`quality` (credit quality, seen through the financial columns) and `engagement` (seen through
the clickstream). Together with chance they decide who falls into lasting arrears.

The same `customers` and `seed` give the same bytes on every machine, given the same numpy
release. Each chunk of customers, and each file within it, has a random stream of its own. A
stream is always drawn in full, and a drift only changes what is done with the draws, so rows
outside the drift stay as they were. The arithmetic is correctly rounded everywhere: no exp, log
or matrix product, which may differ in the last bit between processors.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from luigi_tasks.extracts.contract import (
    ATTRIBUTES,
    CLICKSTREAM,
    CLICKSTREAM_FEATURES,
    FINANCIALS,
    LOANS,
    Table,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]

__all__ = ["DRIFTS", "generate"]

_INCOME_SHIFT, _CLICKSTREAM_OUTAGE, _CONCEPT = "income-shift", "clickstream-outage", "concept"
DRIFTS = (_INCOME_SHIFT, _CLICKSTREAM_OUTAGE, _CONCEPT)

_CHUNK = 12_500
"""Customers made in memory at once. Part of the data's definition: changing it changes them."""

# --- the calendar: months are counted from January 2023 -----------------------------------------

_FIRST_YEAR = 2023
_VINTAGES = 25
_CLICKSTREAM_MONTHS = 24
_TENURE = 10


def _month_name(month: int) -> str:
    """`2023-01` for month 0."""
    return f"{_FIRST_YEAR + month // 12}-{month % 12 + 1:02d}"


def _iso_date(month: int) -> str:
    """The first of the month as yyyy-MM-dd."""
    return f"{_month_name(month)}-01"


def _day_first_date(month: int) -> str:
    """The first of the month as d/M/yyyy, without zero padding."""
    return f"1/{month % 12 + 1}/{_FIRST_YEAR + month // 12}"


# --- clean values -------------------------------------------------------------------------------

_PERCENTILE_Z = (-3.5, -2.326, -1.645, -0.674, 0.0, 0.674, 1.645, 2.326, 3.5)
"""Standard normal quantiles of the percentiles 0, 1, 5, 25, 50, 75, 95, 99 and 100."""


class _Indicator(NamedTuple):
    """A column driven by credit quality.

    `loading` is its correlation with quality on the normal scale, `percentiles` its values at
    the percentiles of `_PERCENTILE_Z`; with `is_integer` they are rounded afterwards.
    """

    loading: float
    percentiles: tuple[float, ...]
    is_integer: bool = True


_AGE = _Indicator(0.27, (14, 15, 17, 25, 33, 42, 52, 55, 56))
_ANNUAL_INCOME = _Indicator(
    0.38, (7_000, 7_500, 9_700, 19_500, 37_300, 73_400, 133_000, 170_000, 179_000), False
)
_INDICATORS = {
    "Num_Bank_Accounts": _Indicator(-0.76, (-1, 0, 1, 3.4, 5.4, 7.2, 9.6, 10, 10)),
    "Num_Credit_Card": _Indicator(-0.58, (0, 1, 3, 4, 5, 7, 9, 10, 11)),
    "Interest_Rate": _Indicator(-0.80, (1, 1, 2, 8, 13, 20, 31, 34, 34)),
    "Num_of_Loan": _Indicator(-0.71, (-0.4, -0.4, -0.2, 1.65, 3.2, 5.1, 8, 9, 9)),
    "Delay_from_due_date": _Indicator(-0.74, (-5, 0, 3, 10, 18, 28, 54, 60, 67)),
    "Num_of_Delayed_Payment": _Indicator(-0.75, (-3, 0, 2, 9, 14, 18, 23, 25, 28)),
    "Changed_Credit_Limit": _Indicator(
        -0.40, (-6.5, -1.4, 1.2, 5.5, 9.5, 14.9, 23.5, 28.8, 36), False
    ),
    "Num_Credit_Inquiries": _Indicator(-0.79, (0, 0, 1, 4, 6, 10, 14, 16, 17)),
    "Outstanding_Debt": _Indicator(
        -0.77, (0.5, 28, 119, 558, 1_152, 1_900, 3_900, 4_830, 5_000), False
    ),
    "Credit_Utilization_Ratio": _Indicator(
        0.08, (20, 22.6, 24.2, 28.1, 32.5, 36.6, 40.3, 42.5, 49), False
    ),
    "Credit_History_Age": _Indicator(0.79, (1, 21, 71, 153, 224, 309, 383, 400, 404)),
}

_HALF_CENT_SHARE = 0.08
_INCOME_SHIFT_FACTOR = 1.8
_SALARY_TO_TWELFTH_OF_INCOME = (0.55, 0.72, 0.84, 0.957, 1, 1.039, 1.16, 1.3, 1.46)
_EMI_TO_SALARY_PER_LOAN = (0.0037, 0.0047, 0.0051, 0.0063, 0.0076, 0.009, 0.0173, 0.07, 0.19)
_INVESTED_SPENDING_LOADING = -0.7
_INVESTED_TO_SALARY = (0, 0.007, 0.0116, 0.025, 0.0445, 0.0761, 0.119, 0.1325, 0.154)

_CREDIT_MIX = ("Bad", "Standard", "Good")
_CREDIT_MIX_LOADING = 0.9
_CREDIT_MIX_CUTS = (-0.742, 0.490)  # shares 23, 46 and 31 %
_PAYS_MINIMUM_ONLY = {"Bad": 1.0, "Standard": 0.77, "Good": 0.0}

_BEHAVIOURS = {  # from thrifty to free; the value is what it adds to the monthly balance
    "Low_spent_Small_value_payments": 290,
    "Low_spent_Large_value_payments": 270,
    "High_spent_Small_value_payments": 260,
    "Low_spent_Medium_value_payments": 280,
    "High_spent_Medium_value_payments": 250,
    "High_spent_Large_value_payments": 240,
}
_SPENDING_INCOME_LOADING = 0.45
_BEHAVIOUR_CUTS = (-0.571, -0.266, 0.010, 0.402, 1.032)  # shares 28, 11, 11, 15, 20 and 15 %

_LOAN_KINDS = (
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

_OCCUPATIONS = (
    "Accountant",
    "Architect",
    "Developer",
    "Doctor",
    "Engineer",
    "Entrepreneur",
    "Journalist",
    "Lawyer",
    "Manager",
    "Mechanic",
    "Media_Manager",
    "Musician",
    "Scientist",
    "Teacher",
    "Writer",
)

_GIVEN_NAMES = (
    "Adira", "Belo", "Caspen", "Dorrel", "Elvane", "Fenno", "Galia", "Hestor", "Ivelle", "Jorun",
    "Kesh", "Lumi", "Marisk", "Nolwen", "Orsa", "Perrin", "Quill", "Rosk", "Sabela", "Tavi",
)  # fmt: skip
_FAMILY_NAMES = (
    "Abrenholt", "Birch-Odell", "Corvane", "Drummel", "Eskerly", "Farrowin", "Gantrey", "Hollin",
    "Istvale", "Jaskell", "Korrin", "Lathbury", "Mirrow", "Norquill", "Ostervale", "Pellam",
    "Quarrie", "St. Ember", "Thornby", "Ulvery", "Vantor", "Wexcombe", "Yarrowes", "Zellick",
)  # fmt: skip

# --- dirt ---------------------------------------------------------------------------------------


class _Dirt(NamedTuple):
    """A way in which a `share` of a column is spoilt.

    `{value}` in `text` stands for the clean value, `{outlier}` for a uniform integer of
    `outliers` (both ends included). Later entries may spoil what earlier ones left.
    """

    column: str
    share: float
    text: str
    outliers: tuple[int, int] = (0, 0)


_ATTRIBUTES_DIRT = (
    _Dirt("Name", 0.007, '"{value}"'),
    _Dirt("Name", 0.003, ", {value}"),
    _Dirt("Age", 0.019, "{outlier}", (150, 8_700)),
    _Dirt("Age", 0.050, "{value}_"),
    _Dirt("Age", 0.010, "-500"),
    _Dirt("SSN", 0.058, "#F%$D@*&8"),
    _Dirt("Occupation", 0.068, "_______"),
)
_FINANCIALS_DIRT = (
    _Dirt("Annual_Income", 0.009, "{outlier}", (200_000, 24_000_000)),
    _Dirt("Annual_Income", 0.070, "{value}_"),
    _Dirt("Num_Bank_Accounts", 0.011, "{outlier}", (12, 1_756)),
    _Dirt("Num_Credit_Card", 0.022, "{outlier}", (12, 1_499)),
    _Dirt("Interest_Rate", 0.022, "{outlier}", (36, 5_789)),
    _Dirt("Num_of_Loan", 0.005, "{outlier}", (11, 1_495)),
    _Dirt("Num_of_Loan", 0.050, "{value}_"),
    _Dirt("Num_of_Loan", 0.038, "-100"),
    _Dirt("Num_of_Delayed_Payment", 0.010, "{outlier}", (80, 4_293)),
    _Dirt("Num_of_Delayed_Payment", 0.026, "{value}_"),
    _Dirt("Changed_Credit_Limit", 0.022, "_"),
    _Dirt("Num_Credit_Inquiries", 0.016, "{outlier}", (40, 2_554)),
    _Dirt("Credit_Mix", 0.210, "_"),
    _Dirt("Outstanding_Debt", 0.010, "{value}_"),
    _Dirt("Payment_of_Min_Amount", 0.115, "NM"),
    _Dirt("Total_EMI_per_month", 0.038, "{outlier}", (2_000, 82_000)),
    _Dirt("Amount_invested_monthly", 0.045, "__10000__"),
    _Dirt("Payment_Behaviour", 0.080, "!@9#%8"),
    _Dirt("Monthly_Balance", 0.001, "__-333333333333333333333333333__"),
)

# --- risk and repayment -------------------------------------------------------------------------


class _Risk(NamedTuple):
    """Weights of what decides on default; chance takes the rest of a unit variance."""

    quality: float
    engagement: float


_USUAL_RISK = _Risk(quality=-0.55, engagement=0.65)
_CONCEPT_RISK = _Risk(quality=-0.45, engagement=-0.75)
_DEFAULT_CUTOFF = 0.565  # standard normal: 28.6 % default

_LOAN_AMOUNT = 10_000
_DUE_AMOUNT = 1_000

# Due amounts paid at installments 1, 2, …, one digit each, and the weight of that path. A default
# pays nothing after the last digit, any other loan one due amount a month. `102` is a loan that
# misses installment 2 and catches up at 3.
_LATE_DEFAULTS = {"11": 251, "111": 136, "1102": 64, "1111": 27}
_EARLY_DEFAULTS = {
    "1": 168, "102": 104, "02": 48, "1003": 39, "": 39, "021": 38, "003": 25, "1021": 21,
    "0202": 17, "0004": 11, "0211": 11, "0031": 1,
}  # fmt: skip
_USUAL_DEFAULTS = _LATE_DEFAULTS | _EARLY_DEFAULTS
_USUAL_GOOD = {"1": 1}
# After the concept drift, early arrears are as frequent as ever but belong to good loans, which
# make them good by installment 3.
_CONCEPT_GOOD = {"1": 792, "102": 132, "02": 46, "003": 30}

_CLICKSTREAM_SHARE = 0.72
_CLICKSTREAM_MEAN = 100
_CLICKSTREAM_DEVIATION = 100
_ENGAGEMENT_EFFECT = (2, 5, 8, 10, 12, -2, -5, -8, -10, -12, *(0,) * 10)
"""Shift of fe_1 … fe_20 per standard deviation of engagement."""


@dataclass(frozen=True)
class _Drift:
    """Which drift, if any, and the first vintage that it touches."""

    kind: str | None
    first_vintage: int

    def touches(self, kind: str, vintage: Ints) -> Bools:
        """Whether each loan of these vintages is under a drift of that kind."""
        touched: Bools = (vintage >= self.first_vintage) & (self.kind == kind)
        return touched


@dataclass(frozen=True)
class _Customers:
    """One chunk of customers: ids, month of the only loan, hidden variables."""

    ids: list[str]
    vintage: Ints
    quality: Floats
    engagement: Floats

    def __len__(self) -> int:
        return len(self.ids)


_Columns = dict[str, list[str]]


def generate(
    out: Path,
    customers: int = 12_500,
    seed: int = 7,
    drift: str | None = None,
    drift_from: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Write the four extracts to the directory `out`; return the rows per file name.

    `drift`, one of `DRIFTS`, changes the loans that start in `drift_from` (YYYY-MM) or later:
    income-shift multiplies incomes and what depends on them by 1.8, clickstream-outage leaves
    those customers without clickstream, concept changes who defaults and nothing else.
    `progress` is called with the customers done and in total. Files appear under their names
    only when all four are complete; existing ones are replaced.

    Raises ValueError naming the command-line argument that is wrong.
    """
    if customers < 1:
        raise ValueError(f"--customers: {customers} is less than 1")
    if seed < 0:
        raise ValueError(f"--seed: {seed} is negative")
    requested = _parse_drift(drift, drift_from)

    out.mkdir(parents=True, exist_ok=True)
    names = [table.file for table in _TABLES]
    parts = {name: out / f".{name}.part" for name in names}
    rows = dict.fromkeys(names, 0)
    try:
        with ExitStack() as stack:
            files = {
                name: stack.enter_context(part.open("w", encoding="utf-8", newline="\n"))
                for name, part in parts.items()
            }
            for start in range(0, customers, _CHUNK):
                count = min(_CHUNK, customers - start)
                for name, columns in _chunk(start // _CHUNK, count, seed, requested):
                    if start == 0:
                        files[name].write(",".join(columns) + "\n")
                    rows[name] += _append(files[name], columns)
                if progress is not None:
                    progress(start + count, customers)
        for name, part in parts.items():
            part.replace(out / name)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
    return rows


def _parse_drift(kind: str | None, month: str | None) -> _Drift:
    """The drift that the arguments ask for; ValueError when they are impossible."""
    if kind is None:
        if month is not None:
            raise ValueError("--drift-from: needs --drift")
        return _Drift(None, 0)
    if kind not in DRIFTS:
        raise ValueError(f"--drift: {kind!r} is not one of {', '.join(DRIFTS)}")
    if month is None:
        raise ValueError(f"--drift: {kind} needs --drift-from (YYYY-MM)")
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", month):
        raise ValueError(f"--drift-from: {month!r} is not a month (YYYY-MM)")
    vintages = [_month_name(vintage) for vintage in range(_VINTAGES)]
    if month not in vintages:
        raise ValueError(
            f"--drift-from: {month} is outside the vintages {vintages[0]} to {vintages[-1]}"
        )
    return _Drift(kind, vintages.index(month))


def _chunk(number: int, count: int, seed: int, drift: _Drift) -> Iterator[tuple[str, _Columns]]:
    """File name and columns of each table of one chunk, one table at a time."""
    import numpy as np

    children = np.random.SeedSequence([seed, number]).spawn(1 + len(_TABLES))
    streams = [np.random.default_rng(child) for child in children]
    customers = _customers(streams[0], number, count)
    for stream, (table, draw) in zip(streams[1:], _TABLES.items(), strict=True):
        yield table.file, draw(stream, customers, drift)


def _append(file: TextIO, columns: _Columns) -> int:
    """Write the rows of finished CSV fields; return how many."""
    lines = list(map(",".join, zip(*columns.values(), strict=True)))
    file.writelines(f"{line}\n" for line in lines)
    return len(lines)


# --- the four tables: columns in file order, every value a finished CSV field -------------------


def _customers(rng: np.random.Generator, number: int, count: int) -> _Customers:
    """Customers of chunk `number`: ids from a range of its own, vintages equally likely."""
    import numpy as np

    first_id, ids_per_customer = 0x1000, 4
    span = ids_per_customer * _CHUNK
    ids = first_id + number * span + np.sort(rng.choice(span, count, replace=False))
    return _Customers(
        ids=[f"CUS_0x{number:x}" for number in ids.tolist()],
        vintage=rng.integers(0, _VINTAGES, count),
        quality=rng.standard_normal(count),
        engagement=rng.standard_normal(count),
    )


def _attributes(rng: np.random.Generator, customers: _Customers, drift: _Drift) -> _Columns:
    """Name, Age (years), SSN and Occupation, one row a customer, on the day the loan starts.

    Area numbers from 900 with group numbers below 50 were never issued, neither as SSN nor as
    ITIN, so no SSN here is anybody's.
    """
    import numpy as np

    n = len(customers)
    given = rng.choice(("", *(f"{name} " for name in _GIVEN_NAMES)), n)
    ssn = zip(
        rng.integers(900, 1_000, n).tolist(),
        rng.integers(1, 50, n).tolist(),
        rng.integers(1, 10_000, n).tolist(),
        strict=True,
    )
    columns = {
        "Customer_ID": customers.ids,
        "Name": np.char.add(given, rng.choice(_FAMILY_NAMES, n)).tolist(),
        "Age": _number_text(_indicated(rng, customers.quality, _AGE)),
        "SSN": [f"{area}-{group:02d}-{serial:04d}" for area, group, serial in ssn],
        "Occupation": rng.choice(_OCCUPATIONS, n).tolist(),
        "snapshot_date": _date_text(customers.vintage, _day_first_date),
    }
    _soil(rng, columns, _ATTRIBUTES_DIRT)
    columns["Name"] = _quoted(columns["Name"])
    return columns


def _financials(rng: np.random.Generator, customers: _Customers, drift: _Drift) -> _Columns:
    """The 20 financial columns, one row a customer, on the day the loan starts.

    Money is in currency units, Interest_Rate and Credit_Utilization_Ratio in percent,
    Delay_from_due_date in days. Dates are yyyy-MM-dd here, unlike in the other three files, so
    that both forms are met in every run.
    """
    quality = customers.quality
    clean = {name: _indicated(rng, quality, column) for name, column in _INDICATORS.items()}
    income_z = _mixed(rng, quality, _ANNUAL_INCOME.loading)
    income = _at_percentiles(income_z, _ANNUAL_INCOME.percentiles)
    shifted = drift.touches(_INCOME_SHIFT, customers.vintage)
    income[shifted] *= _INCOME_SHIFT_FACTOR
    spending = _mixed(rng, income_z, _SPENDING_INCOME_LOADING)
    behaviour = _behaviours(spending)
    money = _money(rng, income, clean["Num_of_Loan"], spending, behaviour)
    mix = _credit_mix(rng, quality)

    columns = {
        "Customer_ID": customers.ids,
        "Annual_Income": _income_text(rng, income),
        "Monthly_Inhand_Salary": _number_text(money["Monthly_Inhand_Salary"]),
        "Num_Bank_Accounts": _number_text(clean["Num_Bank_Accounts"]),
        "Num_Credit_Card": _number_text(clean["Num_Credit_Card"]),
        "Interest_Rate": _number_text(clean["Interest_Rate"]),
        "Num_of_Loan": _number_text(clean["Num_of_Loan"]),
        "Type_of_Loan": _quoted(_loan_kinds(rng, clean["Num_of_Loan"])),
        "Delay_from_due_date": _number_text(clean["Delay_from_due_date"]),
        "Num_of_Delayed_Payment": _number_text(clean["Num_of_Delayed_Payment"]),
        "Changed_Credit_Limit": _number_text(clean["Changed_Credit_Limit"].round(2)),
        "Num_Credit_Inquiries": _number_text(clean["Num_Credit_Inquiries"]),
        "Credit_Mix": mix,
        "Outstanding_Debt": _number_text(clean["Outstanding_Debt"].round(2)),
        "Credit_Utilization_Ratio": _number_text(clean["Credit_Utilization_Ratio"]),
        "Credit_History_Age": _years_and_months(clean["Credit_History_Age"]),
        "Payment_of_Min_Amount": _pays_minimum_only(rng, mix),
        "Total_EMI_per_month": _number_text(money["Total_EMI_per_month"]),
        "Amount_invested_monthly": _number_text(money["Amount_invested_monthly"]),
        "Payment_Behaviour": behaviour,
        "Monthly_Balance": _number_text(money["Monthly_Balance"]),
        "snapshot_date": _date_text(customers.vintage, _iso_date),
    }
    _soil(rng, columns, _FINANCIALS_DIRT)
    return columns


def _loans(rng: np.random.Generator, customers: _Customers, drift: _Drift) -> _Columns:
    """Installments 0 to 10 of each loan, one a month; overdue_amt is the running arrears."""
    import numpy as np

    paid = _DUE_AMOUNT * _payments(rng, customers, drift)
    due = np.full_like(paid, _DUE_AMOUNT)
    due[:, 0] = 0
    overdue = (due - paid).cumsum(axis=1)
    balance = _LOAN_AMOUNT - paid.cumsum(axis=1)
    installment = np.broadcast_to(np.arange(_TENURE + 1), paid.shape)
    start = np.repeat(customers.vintage, _TENURE + 1)
    loan_ids = [
        f"{customer}_{_iso_date(vintage).replace('-', '_')}"
        for customer, vintage in zip(customers.ids, customers.vintage.tolist(), strict=True)
    ]
    return {
        "loan_id": [loan for loan in loan_ids for _ in range(_TENURE + 1)],
        "Customer_ID": [customer for customer in customers.ids for _ in range(_TENURE + 1)],
        "loan_start_date": _date_text(start, _day_first_date),
        "tenure": [str(_TENURE)] * paid.size,
        "installment_num": _integer_text(installment.ravel()),
        "loan_amt": [str(_LOAN_AMOUNT)] * paid.size,
        "due_amt": _integer_text(due.ravel()),
        "paid_amt": _integer_text(paid.ravel()),
        "overdue_amt": _integer_text(overdue.ravel()),
        "balance": _integer_text(balance.ravel()),
        "snapshot_date": _date_text(start + installment.ravel(), _day_first_date),
    }


def _clickstream(rng: np.random.Generator, customers: _Customers, drift: _Drift) -> _Columns:
    """fe_1 … fe_20, one row a month and observed customer, by month from January 2023."""
    import numpy as np

    observed = np.flatnonzero(rng.random(len(customers)) < _CLICKSTREAM_SHARE)
    effect = np.array(_ENGAGEMENT_EFFECT, dtype=np.float64)
    mean = _CLICKSTREAM_MEAN + customers.engagement[observed, np.newaxis] * effect
    noise = rng.standard_normal((_CLICKSTREAM_MONTHS, *mean.shape))
    values = np.rint(mean + _CLICKSTREAM_DEVIATION * noise).astype(np.int64)

    kept = ~drift.touches(_CLICKSTREAM_OUTAGE, customers.vintage[observed])
    values = values[:, kept]
    ids = [customers.ids[row] for row in observed[kept].tolist()]
    months = np.repeat(np.arange(_CLICKSTREAM_MONTHS), len(ids))
    columns = {
        name: _integer_text(values[:, :, feature].ravel())
        for feature, name in enumerate(CLICKSTREAM_FEATURES)
    }
    columns["Customer_ID"] = ids * _CLICKSTREAM_MONTHS
    columns["snapshot_date"] = _date_text(months, _day_first_date)
    return columns


_TABLES: Mapping[Table, Callable[[np.random.Generator, _Customers, _Drift], _Columns]] = {
    ATTRIBUTES: _attributes,
    FINANCIALS: _financials,
    LOANS: _loans,
    CLICKSTREAM: _clickstream,
}


# --- who defaults, and how loans are paid -------------------------------------------------------


def _payments(rng: np.random.Generator, customers: _Customers, drift: _Drift) -> Ints:
    """Due amounts paid, one row a loan, one column an installment from 0 to 10."""
    import numpy as np

    chance = rng.standard_normal(len(customers))
    pick = rng.random(len(customers))
    usual = _paid(_defaults(customers, chance, _USUAL_RISK), pick, _USUAL_DEFAULTS, _USUAL_GOOD)
    moved = _paid(_defaults(customers, chance, _CONCEPT_RISK), pick, _LATE_DEFAULTS, _CONCEPT_GOOD)
    concept = drift.touches(_CONCEPT, customers.vintage)
    payments: Ints = np.where(concept[:, np.newaxis], moved, usual)
    return payments


def _defaults(customers: _Customers, chance: Floats, risk: _Risk) -> Bools:
    """Whether each loan falls into lasting arrears before installment 6."""
    rest = math.sqrt(1 - risk.quality**2 - risk.engagement**2)
    score = (
        risk.quality * customers.quality + risk.engagement * customers.engagement + rest * chance
    )
    default: Bools = score > _DEFAULT_CUTOFF
    return default


def _paid(
    default: Bools, pick: Floats, defaults: Mapping[str, int], good: Mapping[str, int]
) -> Ints:
    """The payments that the uniform `pick` chooses for each loan, as `_payments` returns them."""
    import numpy as np

    def chosen(paths: Mapping[str, int], afterwards: str) -> Ints:
        weights = np.cumsum(list(paths.values()))
        digits = [[int(d) for d in "0" + path.ljust(_TENURE, afterwards)] for path in paths]
        index = np.searchsorted(weights, pick * weights[-1], side="right")
        payments: Ints = np.array(digits, dtype=np.int64)[index]
        return payments

    paid: Ints = np.where(default[:, np.newaxis], chosen(defaults, "0"), chosen(good, "1"))
    return paid


# --- financial columns --------------------------------------------------------------------------


def _mixed(rng: np.random.Generator, hidden: Floats, loading: float) -> Floats:
    """Standard normal values that correlate with the standard normal `hidden` by `loading`."""
    mixed: Floats = loading * hidden + math.sqrt(1 - loading**2) * rng.standard_normal(len(hidden))
    return mixed


def _at_percentiles(z: Floats, percentiles: Sequence[float]) -> Floats:
    """Map standard normal values to a distribution given by its values at `_PERCENTILE_Z`.

    Linear between, constant beyond. np.interp would do, but may fuse multiply and add.
    """
    import numpy as np

    knots, values = np.array(_PERCENTILE_Z), np.array(percentiles, dtype=np.float64)
    slopes = np.diff(values) / np.diff(knots)
    inside = np.clip(z, knots[0], knots[-1])
    left = np.searchsorted(knots[1:-1], inside)
    mapped: Floats = values[left] + slopes[left] * (inside - knots[left])
    return mapped


def _indicated(rng: np.random.Generator, quality: Floats, column: _Indicator) -> Floats:
    """Clean values of a column for customers of that quality."""
    values = _at_percentiles(_mixed(rng, quality, column.loading), column.percentiles)
    return values.round() if column.is_integer else values


def _behaviours(spending: Floats) -> list[str]:
    """Payment_Behaviour by how freely the customer spends."""
    import numpy as np

    names = tuple(_BEHAVIOURS)
    return [names[index] for index in np.searchsorted(_BEHAVIOUR_CUTS, spending).tolist()]


def _money(
    rng: np.random.Generator,
    income: Floats,
    loans: Floats,
    spending: Floats,
    behaviour: Sequence[str],
) -> dict[str, Floats]:
    """Monthly salary and what becomes of it; who spends freely invests less.

    Monthly_Balance is a tenth of the salary, plus the amount of the payment behaviour, less
    installments and investments. Each of these takes at most 80 % of what is there for it, so
    that the balance stays positive.
    """
    import numpy as np

    noise = rng.standard_normal((2, len(income)))
    saving = _mixed(rng, spending, _INVESTED_SPENDING_LOADING)
    salary = income / 12 * _at_percentiles(noise[0], _SALARY_TO_TWELFTH_OF_INCOME)
    budget = salary / 10 + np.array([_BEHAVIOURS[name] for name in behaviour])
    installments = salary * loans * _at_percentiles(noise[1], _EMI_TO_SALARY_PER_LOAN)
    emi = np.minimum(installments, 0.8 * budget)
    investments = salary * _at_percentiles(saving, _INVESTED_TO_SALARY)
    invested = np.minimum(investments, 0.8 * (budget - emi))
    return {
        "Monthly_Inhand_Salary": salary,
        "Total_EMI_per_month": emi,
        "Amount_invested_monthly": invested,
        "Monthly_Balance": budget - emi - invested,
    }


def _credit_mix(rng: np.random.Generator, quality: Floats) -> list[str]:
    """Credit_Mix: the bureau's own view of the quality."""
    import numpy as np

    rating = _mixed(rng, quality, _CREDIT_MIX_LOADING)
    return [_CREDIT_MIX[index] for index in np.searchsorted(_CREDIT_MIX_CUTS, rating).tolist()]


def _pays_minimum_only(rng: np.random.Generator, mix: Sequence[str]) -> list[str]:
    """Payment_of_Min_Amount: Yes with every bad mix, with no good one."""
    draws = rng.random(len(mix)).tolist()
    return [
        "Yes" if draw < _PAYS_MINIMUM_ONLY[name] else "No"
        for draw, name in zip(draws, mix, strict=True)
    ]


def _loan_kinds(rng: np.random.Generator, loans: Floats) -> list[str]:
    """Type_of_Loan: as many kinds as loans, `A`, `A, and B` or `A, B, and C`; empty for none."""
    kinds = rng.integers(0, len(_LOAN_KINDS), (len(loans), int(loans.max()))).tolist()
    texts = []
    for row, count in zip(kinds, loans.astype(int).tolist(), strict=True):
        names = [_LOAN_KINDS[kind] for kind in row[:count]]
        if count > 1:
            names[-1] = f"and {names[-1]}"
        texts.append(", ".join(names))
    return texts


# --- text ---------------------------------------------------------------------------------------


def _number_text(values: Floats) -> list[str]:
    """Decimals of ten significant digits, as in the real files; no trailing zeros or point."""
    return [f"{value + 0.0:.10g}" for value in values.tolist()]  # + 0.0 makes -0 a 0


def _income_text(rng: np.random.Generator, income: Floats) -> list[str]:
    """Annual_Income in cents; in some rows half a cent more, which makes a third decimal."""
    import numpy as np

    half_cents = 2 * np.rint(income * 100) + (rng.random(len(income)) < _HALF_CENT_SHARE)
    return _number_text(half_cents / 200)


def _integer_text(values: Ints) -> list[str]:
    """Integers of a small range; looking the text up is faster than formatting each."""
    import numpy as np

    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    texts = np.array([str(value) for value in range(low, high + 1)], dtype=object)
    return list(texts[values - low])


def _date_text(months: Ints, form: Callable[[int], str]) -> list[str]:
    """The first day of each month, written by `form`."""
    texts = [form(month) for month in range(_VINTAGES + _TENURE)]
    return [texts[month] for month in months.tolist()]


def _years_and_months(months: Floats) -> list[str]:
    """`10 Years and 9 Months` for 129."""
    return [f"{m // 12} Years and {m % 12} Months" for m in months.astype(int).tolist()]


def _soil(rng: np.random.Generator, columns: _Columns, dirt: Sequence[_Dirt]) -> None:
    """Spoil the columns in place, kind by kind."""
    import numpy as np

    for column, share, text, (low, high) in dirt:
        values = columns[column]
        hit = np.flatnonzero(rng.random(len(values)) < share).tolist()
        outliers = rng.integers(low, high, len(hit), endpoint=True).tolist()
        for row, outlier in zip(hit, outliers, strict=True):
            values[row] = text.format(value=values[row], outlier=outlier)


def _quoted(values: Sequence[str]) -> list[str]:
    """Fields quoted where RFC 4180 asks for it."""
    return [
        '"{}"'.format(value.replace('"', '""')) if '"' in value or "," in value else value
        for value in values
    ]
