"""The casts of an extract's texts as DuckDB's SQL, made from the contract.

They need `MACROS`: `plain` is a text without the blanks around it, null when nothing is left.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


def _contract() -> ModuleType:
    """The contract without the package around it, whose imports the peer does not need."""
    path = Path(__file__).parents[1] / "luigi_tasks" / "extracts" / "contract.py"
    spec = importlib.util.spec_from_file_location("contract", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["contract"] = module
    spec.loader.exec_module(module)
    return module


contract = _contract()

REASONS = ("empty", "placeholder", "unreadable", "out of range")
EMPTY, PLACEHOLDER, UNREADABLE, OUT_OF_RANGE = range(4)
NUMBERS = {
    "integer": ("[+-]?[0-9]{1,9}", "INTEGER"),
    "decimal": ("[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,2})?", "DOUBLE"),
}
HISTORY = "([0-9]{1,3}) Years? and (1[01]|0?[0-9]) Months?"


def literal(value: Any) -> str:
    """A Python value as SQL."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return f"DATE '{value}'" if isinstance(value, dt.date) else repr(value)


# Most texts have no blanks around them: to see that costs a tenth of what `trim` does.
MACROS = f"""
    CREATE MACRO plain(raw) AS CASE
        WHEN regexp_full_match(raw, '[!-~]([ -~]*[!-~])?') THEN raw
        ELSE nullif(trim(raw, {literal(contract.BLANKS)}), '')
    END;
    CREATE MACRO day(text) AS CASE
        WHEN regexp_matches(text, '{contract.DAY_MONTH_YEAR}') THEN try_strptime(text, '%d/%m/%Y')
        WHEN regexp_matches(text, '{contract.ISO}') THEN try_strptime(text, '%Y-%m-%d')
    END::DATE;
"""


def placeholder(column: Any) -> str:
    """Whether the text stands for "unknown"."""
    patterns = [contract.FILLER] if column.kind in NUMBERS else []
    patterns += [column.placeholder] if column.placeholder else []
    tests = [f"regexp_matches(plain({column.name}), {literal(p)})" for p in patterns]
    return f"({' OR '.join(tests)})" if tests else "false"


def parsed(column: Any) -> str:
    """The value by its kind, before its range is looked at; null when it cannot be read."""
    raw, text = column.name, f"plain({column.name})"
    if column.kind in NUMBERS:
        return _number(column)
    if column.kind == "date":
        return f"coalesce(day({raw}), day({text}))"
    if column.kind == "history":
        years, months = (f"regexp_extract({text}, '{HISTORY}', {i})::INTEGER" for i in (1, 2))
        return f"CASE WHEN regexp_full_match({text}, '{HISTORY}') THEN {years} * 12 + {months} END"
    if column.kind == "loan_types":
        return f"regexp_replace({text}, ',? and |, ', '|', 'g')"
    if column.kind == "ssn":
        return f"coalesce(regexp_matches({text}, '{contract.SSN}'), false)"
    return f"CASE WHEN NOT {placeholder(column)} THEN {text} END"


def _number(column: Any) -> str:
    """Plain numbers first; then without blanks, a trailing `_` and `.0` of an integer."""
    shape, type_name = NUMBERS[column.kind]
    mended = f"regexp_replace(plain({column.name}), '_$', '')"
    if column.kind == "integer":
        mended = f"regexp_replace({mended}, '[.]0+$', '')"
    return (
        f"TRY_CAST(CASE WHEN regexp_full_match({column.name}, '{shape}') THEN {column.name} "
        f"WHEN NOT {placeholder(column)} AND regexp_full_match({mended}, '{shape}') "
        f"THEN {mended} END AS {type_name})"
    )


def in_range(column: Any, value: str) -> str:
    """Whether there is a value within the contract."""
    tests = [f"{value} IS NOT NULL"]
    tests += [f"{value} >= {literal(column.low)}"] if column.low is not None else []
    tests += [f"{value} <= {literal(column.high)}"] if column.high is not None else []
    return f"({' AND '.join(tests)})"


def null_reason(column: Any, value: str) -> str:
    """Why there is no sound value, as a position in REASONS; null where there is one."""
    return (
        f"CASE WHEN {in_range(column, value)} THEN NULL "
        f"WHEN {value} IS NOT NULL THEN {OUT_OF_RANGE} "
        f"WHEN plain({column.name}) IS NULL THEN {EMPTY} "
        f"WHEN {placeholder(column)} THEN {PLACEHOLDER} ELSE {UNREADABLE} END::UTINYINT"
    )
