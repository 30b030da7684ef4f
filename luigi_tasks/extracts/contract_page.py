"""The contract as a page for people: docs/contract.md."""

from __future__ import annotations

from luigi_tasks.extracts.contract import FORMS, TABLES, Column, Table

_TITLE = """\
# The contract of the extracts

Written by `python -m luigi_tasks generate` from `luigi_tasks/extracts/contract.py`.

A text that cannot be read, a placeholder and a value outside its range become null in silver, and
the reason is counted in `reports/data_quality.json`. A row without a valid key or date goes to
quarantine, and so do all rows of a key that contradict one another. In every column of numbers,
`__10000__` and the like are placeholders too.
"""


def page() -> str:
    """The contract in Markdown: a table an extract."""
    return "\n".join([_TITLE, *(_section(table) for table in TABLES.values())])


def _section(table: Table) -> str:
    rows = (" | ".join(_cells(column, table)) for column in table.columns)
    return "\n".join(
        [
            f"## {table.file}",
            "",
            f"Key: {', '.join(table.key)}.",
            "",
            "| column | expected | range | placeholder | otherwise | personal |",
            "|---|---|---|---|---|---|",
            *(f"| {row} |" for row in rows),
            "",
        ]
    )


def _cells(column: Column, table: Table) -> tuple[str, ...]:
    placeholder = f"`{column.placeholder}`" if column.placeholder else ""
    return (
        column.name,
        FORMS[column.kind],
        _range(column),
        placeholder,
        _otherwise(column, table),
        "yes" if column.kind in ("bronze_only", "ssn") else "",
    )


def _range(column: Column) -> str:
    low, high = ("" if bound is None else _bound(bound) for bound in (column.low, column.high))
    if low and high:
        return f"{low} to {high}"
    return f"up to {high}" if high else f"from {low}" if low else ""


def _bound(bound: object) -> str:
    return f"{bound:,.0f}" if isinstance(bound, (int, float)) else str(bound)


def _otherwise(column: Column, table: Table) -> str:
    if column.kind == "bronze_only":
        return "goes no further than bronze"
    if column.kind == "ssn":
        return "only whether it is valid goes further than bronze"
    keyed = column.kind in ("key", "date") or column.name in table.key
    rules = ["row to quarantine" if keyed else "null"]
    if column.flag_negative:
        rules.append("a negative value flags the customer")
    if column.constant_within:
        rules.append(f"constant within a {column.constant_within}")
    return "; ".join(rules)
