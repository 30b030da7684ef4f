"""Markdown for people: numbers as they are read, tables whose columns line up in the source too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeGuard

NOTHING = "–"
"""What stands for a value that there is not."""


def is_known(value: Any) -> TypeGuard[Any]:
    """Whether there is a value: neither None nor NaN nor one of pandas' missing values."""
    return value is not None and str(value) not in ("<NA>", "NaT", "nan")


def number(value: Any, digits: int = 3) -> str:
    """A number with so many digits behind the point."""
    if not is_known(value):
        return NOTHING
    text = f"{float(value):.{digits}f}"
    return text.removeprefix("-") if not float(text) else text


def signed(value: Any, digits: int = 3) -> str:
    """The same with its sign."""
    text = number(value, digits)
    return f"+{text}" if is_known(value) and float(text) > 0 else text


def count(value: Any) -> str:
    """A whole number, thousands apart."""
    return f"{int(value):,}" if is_known(value) else NOTHING


def share(value: Any, digits: int = 1) -> str:
    """A share as a percentage."""
    return f"{number(100 * float(value), digits)} %" if is_known(value) else NOTHING


def interval(value: Any, low: Any, high: Any, show: Any = number) -> str:
    """A value with the ends of its interval: 0.712 [0.690, 0.734]; without ends the value alone."""
    if not (is_known(low) and is_known(high)):
        return str(show(value))
    return f"{show(value)} [{show(low)}, {show(high)}]"


def p_value(value: Any) -> str:
    """A p-value; below a thousandth it says no more than that."""
    if is_known(value) and float(value) < 0.001:
        return "< 0.001"
    return number(value)


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], texts: int = 1) -> str:
    """A table; the first `texts` columns are words, the others are set to the right."""
    cells = [[_cell(value) for value in row] for row in [heads, *rows]]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(heads))]
    rule = [
        f"{'-' * width}" if i < texts else f"{'-' * (width - 1)}:" for i, width in enumerate(widths)
    ]
    lines = [
        [
            text.ljust(width) if i < texts else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in cells
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], rule, *lines[1:]])


def items(lines: Iterable[str]) -> str:
    """A list, an item a line."""
    return "\n".join(f"- {line}" for line in lines)


def _cell(value: Any) -> str:
    text = str(value) if is_known(value) else NOTHING
    return " ".join(text.split()).replace("|", "\\|")
