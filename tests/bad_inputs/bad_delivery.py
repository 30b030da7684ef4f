"""One delivery of all four extracts with every bad value and key in it, and what came of each."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from conftest import ATTRIBUTES, CLICKSTREAM, FINANCIALS, LOANS
from corpus import Case, cases, table
from small_tables import SOUND_TEXTS

from luigi_tasks.extracts.contract import TABLES, Column
from luigi_tasks.layers.silver_columns import kept_columns, silver_name

# Where the name of a case stands in its row: the first of these columns that is not broken.
TAGS = {
    ATTRIBUTES: ("Customer_ID", "Occupation"),
    FINANCIALS: ("Customer_ID", "Payment_Behaviour"),
    LOANS: ("loan_id", "Customer_ID"),
    CLICKSTREAM: ("Customer_ID", "fe_1"),
}
RELATIVE = re.compile(r"fe_\d+_z|fe_coverage")
KINDS = ("integer and decimal", "integer", "decimal", "date", "key")


class BrokenValue(NamedTuple):
    """A row with one broken value, found again by its tag."""

    name: str
    extract: str
    column: Column
    expected: Case
    tag: str
    row: dict[str, str]

    @property
    def tagged(self) -> str:
        """The column that holds the tag."""
        return next(name for name in TAGS[self.extract] if name != self.column.name)

    @property
    def quarantine(self) -> str | None:
        """The reason with which the row goes to quarantine; None when it stays."""
        column, reason = self.column, self.expected.get("reason")
        keyed = column.kind in ("key", "date") or column.name in TABLES[self.extract].key
        if keyed and reason:
            return f"{column.name} is {'empty' if reason == 'empty' else 'impossible'}"
        return self.expected.get("quarantine")


class BrokenKey(NamedTuple):
    """The rows of a customer, and which of the extracts is broken."""

    name: str
    expected: Case
    customer: str
    rows: dict[str, list[dict[str, str]]]

    @property
    def extract(self) -> str:
        return str(self.expected.get("extract", LOANS))


@cache
def broken_values() -> tuple[BrokenValue, ...]:
    """The cases of both tables of values."""
    both = {**table("values_of_customers"), **table("values_of_loans")}
    named = [(case["case"], name, case["column"], case) for name in both for case in both[name]]
    return tuple(_numbered("7", named))


@cache
def broken_everywhere() -> tuple[BrokenValue, ...]:
    """Every text of `texts_of_every_column` in every column of its kind."""
    named = [
        (f"{case['case']} in {name}.{column.name}", name, column.name, case)
        for kinds in KINDS
        for case in table("texts_of_every_column")[kinds]
        for name, contract in TABLES.items()
        for column in contract.columns
        if column.kind in kinds.split(" and ")
    ]
    return tuple(_numbered("8", named))


def _numbered(first: str, named: list[tuple[str, str, str, Case]]) -> Iterator[BrokenValue]:
    for number, (name, extract, column, case) in enumerate(named):
        tag = f"{first}{number:05}"  # digits, for fe_1 is a number
        row = {**SOUND_TEXTS[extract], **dict.fromkeys(TAGS[extract], tag), column: case["text"]}
        yield BrokenValue(name, extract, TABLES[extract].column(column), case, tag, row)


@cache
def broken_keys() -> tuple[BrokenKey, ...]:
    """The cases of the table of keys."""
    return tuple(_broken_key(f"KEY_{i:02}", case) for i, case in enumerate(cases("keys")))


def _broken_key(customer: str, case: Case) -> BrokenKey:
    rows = {name: [_sound_row(name, 0, customer)] for name in (ATTRIBUTES, FINANCIALS, CLICKSTREAM)}
    rows[LOANS] = [_sound_row(LOANS, number, customer) for number in range(7)]
    broken = rows[case.get("extract", LOANS)]
    names = {"{customer}": customer, "{small}": customer.lower()}
    again = [_changed(broken[int(n)], texts, names) for n, texts in case.get("again", {}).items()]
    for number, texts in case.get("change", {}).items():
        broken[int(number)] = _changed(broken[int(number)], texts, names)
    dropped = {int(number) for number in case.get("drop", ())}
    broken[:] = [row for number, row in enumerate(broken) if number not in dropped] + again
    return BrokenKey(case["case"], case, customer, rows)


def _sound_row(extract: str, number: int, customer: str) -> dict[str, str]:
    row = {**SOUND_TEXTS[extract], "Customer_ID": customer, "snapshot_date": "1/1/2023"}
    if extract == CLICKSTREAM:
        row["snapshot_date"] = "1/12/2022"
    if extract == LOANS:
        row |= {"loan_id": customer, "loan_start_date": "1/1/2023", "installment_num": str(number)}
        row["snapshot_date"] = f"1/{number + 1}/2023"
    return row


def _changed(row: Mapping[str, str], texts: Mapping[str, str], names: Mapping[str, str]) -> Any:
    changed = {**row, **texts}
    for mark, name in names.items():
        changed = {column: text.replace(mark, name) for column, text in changed.items()}
    return changed


def add_to(folder: Path) -> None:
    """Append all rows to the extracts in a folder; an extract that is not there begins."""
    for name, contract in TABLES.items():
        path = folder / contract.file
        is_new = not path.exists()
        rows = [
            value.row for value in (*broken_values(), *broken_everywhere()) if value.extract == name
        ]
        rows += [row for key in broken_keys() for row in key.rows[name]]
        with path.open("a", newline="", encoding="utf-8") as file:
            lines = csv.DictWriter(file, contract.names, lineterminator="\n")
            if is_new:
                lines.writeheader()
            lines.writerows(rows)


class Outcome:
    """What the stages made of a delivery, from the files of a datamart."""

    def __init__(self, datamart: Path) -> None:
        self._datamart = datamart
        flags = self._read("quarantine/quality/flagged_customers.parquet")
        self._flags = {(row["Customer_ID"], row["reason"]) for row in flags}
        self._gold = {row["loan_id"]: row for row in self._read("gold/features.parquet")}
        unlabelled = self._read("quarantine/gold/unlabelled.parquet")
        self._unlabelled = {row["loan_id"]: row["reason"] for row in unlabelled}
        self.silver = {name: self._read(f"silver/{name}.parquet") for name in TABLES}
        self._quarantine = {
            name: self._read(f"quarantine/silver/{name}.parquet") for name in TABLES
        }
        self._tagged = {
            (where, name, column): self._by_tag(rows[name], column)
            for where, rows in (("silver", self.silver), ("quarantine", self._quarantine))
            for name in TABLES
            for column in TAGS[name]
        }

    def _read(self, name: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = pq.read_table(self._datamart / name).to_pylist()
        return rows

    @staticmethod
    def _by_tag(rows: list[dict[str, Any]], column: str) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            found.setdefault(str(row[column]), []).append(row)
        return found

    def nulls(self) -> Counter[tuple[str, str, str]]:
        """How many nulls of (extract, column, reason) silver has counted."""
        found: Counter[tuple[str, str, str]] = Counter()
        for name in TABLES:
            for row in self._read(f"quarantine/silver/{name}_nulls.parquet"):
                found[name, row["column"], row["reason"]] += row["rows"]
        return found

    def of_value(self, case: BrokenValue) -> dict[str, Any]:
        """{"quarantine": reason}, or {"silver": value, "changed": columns, "flags": reasons}."""
        kept, apart = (
            self._tagged[where, case.extract, case.tagged].get(case.tag, [])
            for where in ("silver", "quarantine")
        )
        if len(kept) + len(apart) != 1:
            return {"lost": f"{len(kept)} rows in silver and {len(apart)} in quarantine"}
        if apart:
            return {"quarantine": apart[0]["reason"]}
        (row,), broken = kept, silver_name(case.column)
        changed = [
            silver_name(column)
            for column in kept_columns(TABLES[case.extract])
            if silver_name(column) != broken
            and row[silver_name(column)] != _sound_value(column, case.row[column.name])
        ]
        flags = sorted(reason for customer, reason in self._flags if customer == case.tag)
        return {"silver": row[broken], "changed": changed, "flags": flags}

    def of_key(self, case: BrokenKey) -> Case:
        """The same words as in the table of keys."""
        key = TABLES[case.extract].key[0]
        rows = [row for row in self.silver[case.extract] if row[key] == case.customer]
        quarantine: Counter[str] = Counter()
        for row in self._quarantine[case.extract]:
            if str(row[key]).strip() == case.customer:
                quarantine[row["reason"]] += row["rows"]
        found: Case = {"silver": str(len(rows)), "gold": "none"}
        if quarantine:
            found["quarantine"] = {reason: str(n) for reason, n in quarantine.items()}
        if case.customer in self._gold:
            label = self._gold[case.customer]["label"]
            found["gold"] = "unlabelled" if label is None else str(label)
        if case.customer in self._unlabelled:
            found["why"] = self._unlabelled[case.customer]
        flags = sorted(reason for customer, reason in self._flags if customer == case.customer)
        if flags:
            found["flag"] = ", ".join(flags)
        return found

    def rows_of(self, customers: set[str]) -> dict[str, list[dict[str, Any]]]:
        """The rows of silver and gold that are about these customers.

        Without the columns of gold that measure a customer by everybody's snapshots: others who
        are added move them (docs/features.md).
        """
        found = {
            name: [row for row in rows if row["Customer_ID"] in customers]
            for name, rows in self.silver.items()
        }
        found["gold"] = [
            {column: value for column, value in row.items() if not RELATIVE.fullmatch(column)}
            for row in self._gold.values()
            if row["customer_id"] in customers
        ]
        return found


def expected_of_value(case: BrokenValue) -> dict[str, Any]:
    """What the table says, in the words of `Outcome.of_value`."""
    if case.quarantine:
        return {"quarantine": case.quarantine}
    silver = case.expected.get("silver")
    flag = case.expected.get("flag")
    if case.extract == LOANS:  # its customer has no attributes; who has no loan, needs none
        scored = int(case.row["installment_num"].rstrip("_")) < 3
        flags = sorted([*(["age missing"] if scored else []), *([flag] if flag else [])])
    elif case.column.name == "Age" and silver is None:
        flags = ["age missing"]
    else:
        flags = [flag] if flag else []
    value = None if silver is None else _sound_value(case.column, silver)
    if case.column.kind == "ssn":
        value = silver == "true"
    return {"silver": value, "changed": [], "flags": flags}


def _sound_value(column: Column, text: str) -> Any:
    """What silver holds of a sound text."""
    if column.kind == "integer":
        return int(text)
    if column.kind == "decimal":
        return float(text)
    if column.kind == "date":
        day, month, year = reversed(text.split("-")) if "-" in text else text.split("/")
        return dt.date(int(year), int(month), int(day))
    if column.kind == "history":
        years, months = (int(word) for word in text.split() if word.isdigit())
        return years * 12 + months
    if column.kind == "loan_types":
        return text.replace(", and ", "|")
    return True if column.kind == "ssn" else text
