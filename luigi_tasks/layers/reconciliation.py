"""Reconciliation: no row is lost, and not too much of the data is quarantined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.extracts.contract import FORMS, Table


def row_counts(
    *, malformed: int, bronze: int, quarantined: int, silver: int, of_flagged: int, passed: int
) -> dict[str, int]:
    """The rows of one extract on their way to gold, as the quality report names them.

    `malformed` lines and rows `quarantined` by silver are in quarantine; `of_flagged` customers
    are those rows of silver that the quality check keeps out, and `passed` the others.
    """
    return {
        "csv": bronze + malformed,
        "malformed": malformed,
        "bronze": bronze,
        "not keyed or dated": quarantined,
        "silver": silver,
        "of flagged customers": of_flagged,
        "passed": passed,
    }


def reconcile(table: str, counts: Mapping[str, int]) -> None:
    """Raise PipelineError unless rows in = rows out + rows quarantined at every step."""
    steps = (
        ("silver", counts["bronze"], counts["silver"], counts["not keyed or dated"]),
        ("quality check", counts["silver"], counts["passed"], counts["of flagged customers"]),
    )
    for step, rows_in, rows_out, quarantined in steps:
        if rows_in != rows_out + quarantined:
            raise PipelineError(
                f"{table}: the {step} lost rows: {rows_in} in, {rows_out} out, "
                f"{quarantined} quarantined"
            )


def check_share(what: str, part: int, whole: int, setting: str, limit: float) -> None:
    """Raise PipelineError when part / whole passes the limit that a setting gives."""
    if part > limit * whole:
        raise PipelineError(
            f"{part} of {whole} {what} ({part / whole:.1%}); more than {setting} = {limit:g}"
        )


def check_quarantined(
    file: str, counts: Mapping[str, int], *, max_quarantined_share: float
) -> None:
    """Raise PipelineError when more rows of an extract are quarantined than allowed."""
    check_share(
        f"rows of {file} are malformed or quarantined",
        counts["malformed"] + counts["not keyed or dated"],
        counts["csv"],
        "quality.max_quarantined_share",
        max_quarantined_share,
    )


def check_unreadable(
    table: Table,
    nulls: Mapping[str, Mapping[str, int]],
    *,
    rows: int,
    max_unreadable_share: float,
) -> None:
    """Raise PipelineError when more values of a column than allowed cannot be read.

    `nulls` is {column: {reason: rows}}. Many unreadable values in one column are a column written
    in another way, which the error names. Dates are left to the limit on quarantined rows.
    """
    for column in table.columns:
        unreadable = nulls.get(column.name, {}).get("unreadable", 0)
        if column.kind != "date" and unreadable > max_unreadable_share * rows:
            raise PipelineError(
                f"{table.file}: {unreadable} of {rows} values of column {column.name} cannot be "
                f"read ({unreadable / rows:.1%}); more than quality.max_unreadable_share = "
                f"{max_unreadable_share:g}. Expected is {FORMS[column.kind]}"
            )


def check_flagged(customers: Mapping[str, Any], *, max_flagged_share: float) -> None:
    """Raise PipelineError when more customers are flagged than allowed, with the reasons."""
    reasons = ", ".join(f"{reason}: {n}" for reason, n in sorted(customers["reasons"].items()))
    check_share(
        f"customers are flagged ({reasons})",
        customers["flagged"],
        customers["total"],
        "quality.max_flagged_share",
        max_flagged_share,
    )


def nulls_by_column(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """{column: {reason: rows}} of the null counts beside a silver table, all months together."""
    nulls: dict[str, Counter[str]] = {}
    for row in rows:
        nulls.setdefault(row["column"], Counter())[row["reason"]] += row["rows"]
    return {column: dict(by_reason) for column, by_reason in nulls.items()}
