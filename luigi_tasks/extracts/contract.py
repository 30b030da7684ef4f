"""The contract of the four extracts: their columns, types and the values that are possible.

A value outside its range becomes null in silver with the reason counted; a row without a valid
key or date goes to quarantine. Personal columns (`Name` and the raw `SSN`) are kept in bronze only.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from typing import Any, Literal

Kind = Literal[
    "key", "date", "decimal", "integer", "text", "history", "loan_types", "ssn", "bronze_only"
]

# What a text of each kind has to look like to be read.
FORMS: dict[Kind, str] = {
    "key": "any text",
    "date": "d/M/yyyy or yyyy-MM-dd",
    "decimal": "a number such as 1234.56, without decimal comma or thousands separator",
    "integer": "a whole number such as 1234, without thousands separator",
    "text": "any text",
    "history": "a length of time such as 10 Years and 9 Months",
    "loan_types": "a list such as Auto Loan, and Student Loan",
    "ssn": "a number such as 123-45-6789",
    "bronze_only": "any text",
}


@dataclass(frozen=True)
class Column:
    """One column of an extract.

    `low` and `high` bound a number, a date or the months of a history (inclusive; None is open).
    `placeholder` is a regular
    expression for the texts that stand for "unknown". `flag_negative`: the quality check flags a
    customer for a negative value. `constant_within` names the column of a key: all rows of that
    key have to agree in this one, or none of them is kept.
    """

    name: str
    kind: Kind
    low: float | dt.date | None = None
    high: float | dt.date | None = None
    placeholder: str | None = None
    flag_negative: bool = False
    constant_within: str | None = None

    def allows(self, value: Any) -> bool:
        """Whether a value of the type of the bounds is within them."""
        above = self.low is None or self.low <= value
        return above and (self.high is None or value <= self.high)

    @property
    def personal(self) -> bool:
        """Whether it says who somebody is. Its values are kept in bronze and nowhere else."""
        return self.kind in ("bronze_only", "ssn")


@dataclass(frozen=True)
class Table:
    """One extract: its file name without `.csv`, its columns in order, its key."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def file(self) -> str:
        return f"{self.name}.csv"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def until(self, latest: dt.date) -> Table:
        """The same contract without a snapshot after a day."""
        columns = tuple(
            replace(column, high=latest) if column.name == "snapshot_date" else column
            for column in self.columns
        )
        return replace(self, columns=columns)

    @property
    def constants(self) -> dict[str, list[Column]]:
        """The columns in which rows have to agree, by the column of the key that they share."""
        constants: dict[str, list[Column]] = {}
        for column in self.columns:
            if column.constant_within:
                constants.setdefault(column.constant_within, []).append(column)
        return constants

    def column(self, name: str) -> Column:
        """The column of this name."""
        return self.columns[self.names.index(name)]

    def of_kind(self, *kinds: Kind) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.kind in kinds)


# `__10000__` and `__-333…__` are fillers of the source system; one trailing `_` is a slip of
# the hand after a real number.
FILLER = r"^__(?s:.*)__$"
UNDERSCORES = r"^_+$"

# Dates and amounts that no month added and no sum of cents carries out of what a type holds.
FIRST_DAY, LAST_DAY = dt.date(1990, 1, 1), dt.date(2100, 12, 31)
AMOUNT = 1e12
# Squares of clickstream values are added up as 64-bit integers.
CLICKS = 1_000_000

ATTRIBUTES = Table(
    "features_attributes",
    (
        Column("Customer_ID", "key"),
        Column("Name", "bronze_only"),
        # No range: the quality check has to see what is outside.
        Column("Age", "integer"),
        Column("SSN", "ssn"),
        Column("Occupation", "text", placeholder=UNDERSCORES),
        Column("snapshot_date", "date", FIRST_DAY, LAST_DAY),
    ),
    key=("Customer_ID", "snapshot_date"),
)

FINANCIALS = Table(
    "features_financials",
    (
        Column("Customer_ID", "key"),
        # What is flagged when it is negative has no lower bound.
        Column("Annual_Income", "decimal", high=1_000_000, flag_negative=True),
        Column("Monthly_Inhand_Salary", "decimal", high=1_000_000, flag_negative=True),
        Column("Num_Bank_Accounts", "integer", 0, 30),
        Column("Num_Credit_Card", "integer", 0, 30),
        Column("Interest_Rate", "integer", 0, 100),
        Column("Num_of_Loan", "integer", 0, 30),
        Column("Type_of_Loan", "loan_types"),
        # Negative: paid before the due date.
        Column("Delay_from_due_date", "decimal", -60, 366),
        Column("Num_of_Delayed_Payment", "integer", 0, 100),
        Column("Changed_Credit_Limit", "decimal", -100, 100, placeholder=UNDERSCORES),
        Column("Num_Credit_Inquiries", "integer", 0, 50),
        Column("Credit_Mix", "text", placeholder=UNDERSCORES),
        Column("Outstanding_Debt", "decimal", high=1_000_000, flag_negative=True),
        Column("Credit_Utilization_Ratio", "decimal", 0, 100),
        Column("Credit_History_Age", "history", 0, 1_200),
        Column("Payment_of_Min_Amount", "text", placeholder=r"^NM$"),
        Column("Total_EMI_per_month", "decimal", 0, 5_000),
        Column("Amount_invested_monthly", "decimal", 0, 1_000_000),
        Column("Payment_Behaviour", "text", placeholder=r"^!@9#%8$"),
        Column("Monthly_Balance", "decimal", -1_000_000, 1_000_000),
        Column("snapshot_date", "date", FIRST_DAY, LAST_DAY),
    ),
    key=("Customer_ID", "snapshot_date"),
)

LOANS = Table(
    "lms_loan_daily",
    (
        Column("loan_id", "key"),
        Column("Customer_ID", "key", constant_within="loan_id"),
        Column("loan_start_date", "date", FIRST_DAY, LAST_DAY, constant_within="loan_id"),
        Column("tenure", "integer", 1, 600, constant_within="loan_id"),
        Column("installment_num", "integer", 0, 600),
        Column("loan_amt", "decimal", high=AMOUNT, flag_negative=True, constant_within="loan_id"),
        Column("due_amt", "decimal", -AMOUNT, AMOUNT),
        Column("paid_amt", "decimal", -AMOUNT, AMOUNT),
        Column("overdue_amt", "decimal", -AMOUNT, AMOUNT),
        Column("balance", "decimal", -AMOUNT, AMOUNT),
        Column("snapshot_date", "date", FIRST_DAY, LAST_DAY),
    ),
    key=("loan_id", "installment_num"),
)

CLICKSTREAM_FEATURES = tuple(f"fe_{i}" for i in range(1, 21))

CLICKSTREAM = Table(
    "feature_clickstream",
    (
        *(Column(name, "integer", -CLICKS, CLICKS) for name in CLICKSTREAM_FEATURES),
        Column("Customer_ID", "key"),
        Column("snapshot_date", "date", FIRST_DAY, LAST_DAY),
    ),
    key=("Customer_ID", "snapshot_date"),
)

TABLES = {table.name: table for table in (ATTRIBUTES, FINANCIALS, LOANS, CLICKSTREAM)}

# What may stand around a value and is no part of it: the blanks of Unicode, those of no width too,
# which nobody sees on a screen.
BLANKS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u180e"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d"
    "\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
SSN = r"^[0-9]{3}-[0-9]{2}-[0-9]{4}$"
# Unpadded or padded day and month, four digits of year; ISO is padded always. 5/1/2023 is the
# fifth of January in the first form: M/d/yyyy is never guessed.
DAY_MONTH_YEAR = r"^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}$"
ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def parse_date(text: str) -> dt.date | None:
    """The date in a text of either form; None when it is neither or no day of the contract."""
    text = text.strip(BLANKS)
    try:
        if re.fullmatch(ISO, text):
            date = dt.date.fromisoformat(text)
        elif re.fullmatch(DAY_MONTH_YEAR, text):
            day, month, year = (int(part) for part in text.split("/"))
            date = dt.date(year, month, day)
        else:
            return None
    except ValueError:
        return None
    return date if FIRST_DAY <= date <= LAST_DAY else None
