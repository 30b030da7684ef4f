"""Hand-made rows at the edges of the contract, to be appended to generated extracts."""

from __future__ import annotations

import csv
from pathlib import Path

from luigi_tasks.extracts.contract import TABLES, Table

INTEGERS = (
    "12.0",
    "+5",
    " 7 ",
    "1e5",
    "٣",
    "",
    " ",
    "\t8",
    "\u00a012",
    "0x1F",
    "-0",
    "007",
    "5_",
    "5__",
    "_5",
    "5.0_",
    "5_.0",
    "1.5",
    "12.",
    "999999999",
    "2147483648",
    "1_000",
    "NaN",
    "null",
    "\u22125",
    "-100",
    "__10000__",
    "_",
    "−1",
)
DECIMALS = (
    *INTEGERS,
    "1E+05",
    ".5",
    "5.",
    "1e99",
    "1e-99",
    "1e400",
    "1,000.5",
    "0.1",
    "12345678.9",
    "123456789.123456789",
    "9007199254740993",
    "5f",
    "5d",
    "Infinity",
    "-0.0",
    "10000000",
    "0.0001",
    "2.675",
    "1.005",
    "33.33333333333333",
    "4.35",
    "__-333333333333333333333333333__",
)
DATES = (
    "1/9/2024",
    "01/09/2024",
    "1/09/2024",
    " 1/9/2024 ",
    "2024-09-01",
    "31/2/2023",
    "29/2/2023",
    "29/2/2024",
    "2024-02-30",
    "0/1/2024",
    "1/13/2024",
    "31/4/2024",
    "1/1/1900",
    "9999-12-31",
    "00/00/0000",
    "0000-01-01",
    "1/1/0001",
    "",
)
HISTORIES = (
    "10 Years and 9 Months",
    "1 Year and 1 Month",
    "1 Years and 11 Month",
    "999 Years and 99 Months",
    " 3 Years and 0 Months ",
    "10 years and 9 months",
    "٣ Years and 1 Months",
)
LOAN_KINDS = (
    "A",
    "A, and B",
    "A and B",
    "A, B, and C",
    ", and B",
    "Not Specified, and Payday Loan",
    "A|B",
    "  A, B ",
    "",
)
TEXTS = (
    "_",
    "_______",
    "__x__",
    " Good ",
    "",
    "É€😀",
    'a"b',
    "back\\slash",
    "NM",
    " NM ",
    "nm",
    "!@9#%8",
    "comma, inside",
    "$1",
    "NULL",
)
SSNS = (
    "969-21-6795",
    " 969-21-6795 ",
    "969-21-679",
    "٣69-21-6795",
    "",
    "#F%$D@*&8",
)
KEYS = ("", "   ", " CUS_padded ", "\tCUS_tab", "cus_lower", "CUS_ünïcode", "\u00a0CUS_nbsp")

BY_KIND = {
    "integer": INTEGERS,
    "decimal": DECIMALS,
    "date": DATES,
    "history": HISTORIES,
    "loan_types": LOAN_KINDS,
    "text": TEXTS,
    "ssn": SSNS,
    "key": KEYS,
    "bronze_only": TEXTS,
}


def add_nasty_rows(folder: Path) -> None:
    """Append to each extract one row a nasty value, then repeated and conflicting rows."""
    for table in TABLES.values():
        path = folder / table.file
        with path.open(newline="", encoding="utf-8") as file:
            lines = [row for row, _ in zip(csv.reader(file), range(60), strict=False)]
        names, good = lines[0], lines[1:]
        with path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(nasty_rows(table, names, good))


def nasty_rows(table: Table, names: list[str], good: list[list[str]]) -> list[list[str]]:
    found = []
    for column in table.columns:
        place = names.index(column.name)
        for number, text in enumerate(BY_KIND[column.kind]):
            row = list(good[number % len(good)])
            if column.kind not in ("key", "date"):
                # a key of its own, so that the value survives into silver and gold
                for key in (c for c in table.columns if c.kind == "key"):
                    row[names.index(key.name)] = f"NASTY_{number}_{column.name}"
            row[place] = text
            found.append(row)
    # Repeated once and twice; the same value in another text; the same key with another value.
    found += [good[0], good[1], good[1], good[40]]
    for row, number in ((good[2], 0), (good[3], 1)):
        other = list(row)
        place = next(
            names.index(c.name)
            for c in table.columns
            if c.kind in ("integer", "decimal") and c.name not in table.key
        )
        other[place] = f"{other[place].rstrip('_')}.0" if number else "4"
        found.append(other)
    return found
