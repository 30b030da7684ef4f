"""What docs/contract.md promises of a text, in plain Python: an oracle that knows no line of code.

Columns, ranges and placeholders are read from the page. How a text of each kind is read is written
here once more, without a regular expression of the package:

- Blanks around a text do not matter: those of Unicode, and those that take no room.
- One `_` at the end of a number is dropped, and so is `.0` of a whole number; it has at most nine
  digits, and an exponent at most two.
- A length of time has at most eleven odd months.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "contract.md"
DIGITS = frozenset("0123456789")
Verdict = tuple[Any, str | None]
"""The value, or why there is none."""


@dataclass(frozen=True)
class Promise:
    """One line of the page."""

    name: str
    expected: str
    low: Any
    high: Any
    placeholder: str
    otherwise: str

    @property
    def keys_the_row(self) -> bool:
        """Whether a row without a valid value goes to quarantine."""
        return self.otherwise.startswith("row to quarantine")

    @property
    def constant_within(self) -> str | None:
        found = re.search(r"constant within a (\w+)", self.otherwise)
        return found[1] if found else None

    def verdict(self, text: str) -> Verdict:
        """The value in silver or, with null, the reason that is counted."""
        text = without_blanks(text)
        if self.expected.startswith("a number such as 123-45-6789"):
            return _is_ssn(text), None
        if not text:
            return None, "empty"
        if self._is_placeholder(text):
            return None, "placeholder"
        value = _READERS[self.expected.split(",")[0]](text)
        if value is None:
            return None, "unreadable"
        if (self.low is not None and value < self.low) or (
            self.high is not None and value > self.high
        ):
            return None, "out of range"
        return value, None

    def fault(self, text: str) -> str | None:
        """Why a row with this text in a column that keys it goes to quarantine."""
        value, reason = self.verdict(text)
        if value is not None:
            return None
        if reason == "empty":
            return f"{self.name} is empty"
        day = _date(without_blanks(text)) if isinstance(self.high, dt.date) else None
        if self.name == "snapshot_date" and day and day > self.high:
            return f"{self.name} lies after {self.high}"
        return f"{self.name} is impossible"

    def _is_placeholder(self, text: str) -> bool:
        filler = len(text) >= 4 and text.startswith("__") and text.endswith("__")
        if filler and "number" in self.expected:
            return True
        return bool(self.placeholder) and re.fullmatch(self.placeholder, text) is not None


@cache
def promises() -> Mapping[str, Mapping[str, Promise]]:
    """{table: {column: what the page says}}, without the columns that stay in bronze."""
    tables: dict[str, dict[str, Promise]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            table = tables.setdefault(line[3:].removesuffix(".csv"), {})
        elif line.startswith("| ") and not line.startswith("| column"):
            name, expected, limits, placeholder, otherwise, _ = (
                cell.strip() for cell in line.strip("|").split("|")
            )
            if otherwise != "goes no further than bronze":
                low, high = _limits(limits)
                regex = placeholder.strip("`").removeprefix("^").removesuffix("$")
                table[name] = Promise(name, expected, low, high, regex, otherwise)
    return tables


def _limits(text: str) -> tuple[Any, Any]:
    low, _, high = text.rpartition("to ")
    return _limit(low.removesuffix("up ").strip()), _limit(high.strip())


def _limit(text: str) -> Any:
    if not text:
        return None
    return dt.date.fromisoformat(text) if text.count("-") == 2 else float(text.replace(",", ""))


def first_fault(table: str, row: Mapping[str, str]) -> str | None:
    """Why a row goes to quarantine: the fault of the first column that has one."""
    faults: Iterator[str | None] = (
        promise.fault(row[name])
        for name, promise in promises()[table].items()
        if promise.keys_the_row
    )
    return next(filter(None, faults), None)


# --- how a text is read -----------------------------------------------------------------------


def without_blanks(text: str) -> str:
    """The text between the blanks around it, those that take no room included."""
    no_width = "\u180e\u200b\u200c\u200d\u2060\ufeff"
    inside = [i for i, sign in enumerate(text) if not (sign.isspace() or sign in no_width)]
    return text[inside[0] : inside[-1] + 1] if inside else ""


def _is_number(text: str, most: int) -> bool:
    return 0 < len(text) <= most and set(text) <= DIGITS


def _whole_number(text: str) -> int | None:
    whole, point, zeros = text.removesuffix("_").partition(".")
    if point and set(zeros) != {"0"}:
        return None
    digits = whole[1:] if whole[:1] in ("+", "-") else whole
    return int(whole) if _is_number(digits, 9) else None


def _number(text: str) -> float | None:
    text = text.removesuffix("_").lower()
    exponent = text.partition("e")[2].lstrip("+-")
    if not set(text) <= DIGITS | set("+-.e") or len(exponent) > 2:
        return None
    try:
        return float(Decimal(text))
    except InvalidOperation:
        return None


def _date(text: str) -> dt.date | None:
    """The day; in place of the year 0, which Python does not know, one that is as impossible."""
    numbers = text.split("/")[::-1] if "/" in text else text.split("-")
    lengths = [len(number) for number in numbers]
    padded = lengths == [4, 2, 2]
    if not padded and not ("/" in text and len(lengths) == 3 and lengths[0] == 4):
        return None
    if not all(_is_number(number, 4 if i == 0 else 2) for i, number in enumerate(numbers)):
        return None
    year, month, day = map(int, numbers)
    try:
        return dt.date(year or 4, month, day)
    except ValueError:
        return None


def _history(text: str) -> int | None:
    words = text.split(" ")
    if len(words) != 5 or words[2] != "and":
        return None
    years, months = words[0], words[3]
    if words[1] not in ("Year", "Years") or words[4] not in ("Month", "Months"):
        return None
    if not _is_number(years, 3) or not _is_number(months, 2) or int(months) > 11:
        return None
    return int(years) * 12 + int(months)


def _loan_types(text: str) -> str:
    for between in (", and ", " and ", ", "):
        text = text.replace(between, "|")
    return text


def _is_ssn(text: str) -> bool:
    parts = text.split("-")
    return [len(part) for part in parts] == [3, 2, 4] and all(_is_number(p, 4) for p in parts)


_READERS: dict[str, Callable[[str], Any]] = {
    "any text": str,
    "a whole number such as 1234": _whole_number,
    "a number such as 1234.56": _number,
    "d/M/yyyy or yyyy-MM-dd": _date,
    "a length of time such as 10 Years and 9 Months": _history,
    "a list such as Auto Loan": _loan_types,
}
