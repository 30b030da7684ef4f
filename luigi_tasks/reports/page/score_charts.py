"""The charts of the page about scores and the loan book."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luigi_tasks.monitoring.roll_rates import STATES as ARREARS
from luigi_tasks.reports.page.chart import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    RED,
    Chart,
    Spec,
    coloured,
    data,
    months,
    names,
    number,
    tips,
)

_REASONS = (BLUE, ORANGE, GREEN, PURPLE, RED, GREY)
_ONE = {"filter": "datum.population == population"}


def _params(numbers: Mapping[str, Any]) -> list[Spec]:
    return [
        {"name": "threshold", "value": numbers["scores"]["threshold"]},
        {"name": "population", "value": "performing"},
    ]


def _at_threshold() -> Spec:
    """A line at the threshold of the slider."""
    return {
        "data": {"values": [{}]},
        "transform": [{"calculate": "threshold", "as": "at"}],
        "mark": {"type": "rule", "color": INK, "strokeDash": [5, 4]},
        "encoding": {"x": {"field": "at", "type": "quantitative"}},
    }


def score_distribution(numbers: Mapping[str, Any]) -> Chart:
    layers: list[Spec] = [
        {
            **data("scores.distribution"),
            "transform": [_ONE],
            "mark": {"type": "bar", "opacity": 0.6, "binSpacing": 0},
            "encoding": {
                "x": {
                    "field": "from",
                    "type": "quantitative",
                    "bin": {"binned": True},
                    "title": "Probability of default",
                    "scale": {"domain": [0, 1]},
                    "axis": {"format": ".0%", "grid": False, "tickCount": 6},
                },
                "x2": {"field": "to"},
                "y": {**number("loans", "Matured loans", "", zero=True), "stack": None},
                "color": coloured("outcome", {"good": GREEN, "default": RED}),
                "tooltip": tips(
                    ("from", "from", ".1%"),
                    ("to", "to", ".1%"),
                    ("outcome", "outcome", ""),
                    ("loans", "loans", ","),
                ),
            },
        },
        _at_threshold(),
    ]
    return Chart(
        "distribution",
        "Distribution of scores",
        "Matured loans by outcome. The dashed line is the threshold.",
        {"params": _params(numbers), "layer": layers},
        "scores.distribution",
        [
            ("from", "From", "share"),
            ("to", "to", "share"),
            ("outcome", "Outcome", ""),
            ("loans", "Loans", "count"),
        ],
        [("good", GREEN, "area"), ("default", RED, "area"), ("threshold", INK, "dashed")],
        height=240,
        empty="" if numbers["scores"]["thresholds"] else "No loan has matured yet.",
        where={"population": "performing"},
    )


def rates_by_threshold(numbers: Mapping[str, Any]) -> Chart:
    def line(name: str, colour: str) -> Spec:
        return {
            **data("scores.thresholds"),
            "transform": [_ONE],
            "mark": {"type": "line", "color": colour, "strokeWidth": 2},
            "encoding": {"x": x, "y": number(name, "Share of loans", ".0%", zero=True)},
        }

    x = {
        **number("threshold", "Threshold: approved below it", ".0%", domain=[0, 1]),
        "axis": {"format": ".0%", "grid": False, "tickCount": 6},
    }
    layers: list[Spec] = [
        {
            **data("scores.thresholds"),
            "transform": [_ONE],
            "mark": {"type": "area", "color": RED, "opacity": 0.18},
            "encoding": {
                "x": x,
                "y": number("bad_rate_low", "Share of loans", ".0%", zero=True),
                "y2": {"field": "bad_rate_high"},
            },
        },
        line("approval_rate", BLUE),
        line("bad_rate", RED),
        _at_threshold(),
    ]
    return Chart(
        "rates",
        "Approval and bad rate by threshold",
        "The bad rate is that of the approved, with its 95 % interval.",
        {"params": _params(numbers), "layer": layers},
        "scores.thresholds",
        [
            ("threshold", "Threshold", "number2"),
            ("approved", "Approved", "count"),
            ("approval_rate", "Approval rate", "share"),
            ("missed_default", "Bad", "count"),
            ("bad_rate", "Bad rate", "share"),
            ("bad_rate_low", "from", "share"),
            ("bad_rate_high", "to", "share"),
        ],
        [
            ("approval rate", BLUE, "line"),
            ("bad rate of the approved, 95 %", RED, "line"),
            ("threshold", INK, "dashed"),
        ],
        height=240,
        empty="" if numbers["scores"]["thresholds"] else "No loan has matured yet.",
        where={"population": "performing"},
    )


def _heat(value: str, highest: float) -> Spec:
    return {
        "field": value,
        "type": "quantitative",
        "scale": {"scheme": "blues", "domain": [0, highest or 1], "clamp": True},
        "legend": None,
    }


def _written(value: str, highest: float, style: str, size: int) -> Spec:
    """The value in each field of a heat map, light on dark ones."""
    return {
        "mark": {"type": "text", "fontSize": size, "clip": True},
        "encoding": {
            "text": {"field": value, "type": "quantitative", "format": style},
            "color": {
                "condition": {"test": f"datum.{value} > {0.48 * (highest or 1)}", "value": "white"},
                "value": "#1b2733",
            },
        },
    }


def vintage_map(numbers: Mapping[str, Any]) -> Chart:
    rows = numbers["book"]["vintages"]
    highest = max([row["cumulative_default_rate"] for row in rows], default=1)
    order = [row["vintage"] for row in rows]
    layers: list[Spec] = [
        {
            "mark": {"type": "rect", "stroke": "var(--paper)", "strokeWidth": 1},
            "encoding": {
                "color": _heat("cumulative_default_rate", highest),
                "tooltip": tips(
                    ("vintage_name", "vintage", ""),
                    ("mob", "months on book", ","),
                    ("cumulative_default_rate", "defaulted", ".1%"),
                    ("loans", "loans", ","),
                ),
            },
        },
        {
            "transform": [{"calculate": "100 * datum.cumulative_default_rate", "as": "percent"}],
            **_written("percent", 100 * highest, ".0f", 10),
        },
    ]
    return Chart(
        "vintages",
        "Vintages: cumulative default by months on book",
        "Read down a column: newer vintages that are darker at the same maturity are a worse "
        "intake. Percent of the vintage.",
        {
            **data("book.vintages"),
            "encoding": {
                "x": {
                    "field": "mob",
                    "type": "ordinal",
                    "title": "Months on book",
                    "axis": {"labelAngle": 0},
                },
                "y": {
                    "field": "vintage_name",
                    "type": "nominal",
                    "title": "Vintage",
                    "sort": {"field": "vintage"},
                },
            },
            "layer": layers,
        },
        "book.vintages",
        [
            ("vintage_name", "Vintage", ""),
            ("mob", "Months on book", "count"),
            ("loans", "Loans", "count"),
            ("defaulted", "Defaulted", "count"),
            ("cumulative_default_rate", "Cumulative default", "share"),
        ],
        height=max(120, 18 * len(set(order))),
        empty="" if rows else "No vintage has reached a month on book yet.",
    )


def roll_rates(numbers: Mapping[str, Any]) -> Chart:
    rows = numbers["book"]["rolls"]
    layers: list[Spec] = [
        {
            "mark": {"type": "rect", "stroke": "var(--paper)", "strokeWidth": 2},
            "encoding": {
                "color": _heat("share", 1),
                "tooltip": tips(
                    ("from_state", "from", ""),
                    ("to_state", "to", ""),
                    ("share", "share", ".1%"),
                    ("loans", "loans", ","),
                ),
            },
        },
        _written("share", 1, ".1%", 13),
    ]
    return Chart(
        "rolls",
        "Roll rates from one installment to the next",
        "Due amounts in arrears; each row adds up to 100 %. From current to 1 is intake, from 1 "
        "on it is collections.",
        {
            **data("book.rolls"),
            "encoding": {
                "x": {
                    **names("to_state", "Next installment", list(ARREARS)),
                    "axis": {"labelAngle": 0},
                },
                "y": names("from_state", "Installment", list(ARREARS)),
            },
            "layer": layers,
        },
        "book.rolls",
        [
            ("from_state", "From", ""),
            ("to_state", "To", ""),
            ("loans", "Loans", "count"),
            ("share", "Share", "share"),
        ],
        height=240,
        empty="" if rows else "No loan has had two installments yet.",
    )


def set_aside(numbers: Mapping[str, Any]) -> Chart:
    rows = [row for row in numbers["quality"]["set_aside"] if row["month"]]
    found = sorted({row["reason"] for row in rows})
    colours = {name: _REASONS[min(i, len(_REASONS) - 1)] for i, name in enumerate(found)}
    width = max(2, min(14, 200 // max(len({row["month"] for row in rows}), 1)))
    spec: Spec = {
        **data("quality.set_aside"),
        "transform": [{"filter": "isValid(datum.month)"}],
        "mark": {"type": "bar", "size": width},
        "encoding": {
            "x": months("month", "Month of the snapshot"),
            "y": number("n", "Customers or rows", "", zero=True),
            "color": coloured("reason", colours),
            "detail": {"field": "reason"},
            "tooltip": tips(
                ("month_name", "month", ""),
                ("extract", "extract", ""),
                ("reason", "reason", ""),
                ("n", "customers or rows", ","),
            ),
        },
    }
    return Chart(
        "quarantine",
        "Set aside by reason and month",
        "Customers whose master data cannot be trusted, and rows that cannot be keyed or dated.",
        spec,
        "quality.set_aside",
        [
            ("extract", "Extract", ""),
            ("reason", "Reason", ""),
            ("month_name", "Month", ""),
            ("what", "What", ""),
            ("n", "Number", "count"),
        ],
        [(name, colour, "area") for name, colour in colours.items()],
        height=240,
        empty="" if rows else "Nothing lies in quarantine.",
    )


def nulls(numbers: Mapping[str, Any]) -> Chart:
    rows = numbers["quality"]["nulls"]
    found = sorted({row["reason"] for row in rows})
    colours = {name: _REASONS[min(i, len(_REASONS) - 1)] for i, name in enumerate(found)}
    columns = {(row["extract"], row["column"]) for row in rows}
    return Chart(
        "nulls",
        "Values that became null, by column and reason",
        "Share of the rows of the extract. A jump of unreadable values is a change of format.",
        {
            **data("quality.nulls"),
            "mark": {"type": "bar"},
            "encoding": {
                "y": names("column", None, "-x"),
                "x": number("share", "Share of rows", ".0%", zero=True),
                "color": coloured("reason", colours),
                "detail": {"field": "reason"},
                "tooltip": tips(
                    ("extract", "extract", ""),
                    ("column", "column", ""),
                    ("reason", "reason", ""),
                    ("values", "values", ","),
                    ("share", "share", ".1%"),
                ),
            },
        },
        "quality.nulls",
        [
            ("extract", "Extract", ""),
            ("column", "Column", ""),
            ("reason", "Reason", ""),
            ("values", "Values", "count"),
            ("share", "Share", "share"),
        ],
        [(name, colour, "area") for name, colour in colours.items()],
        height=max(120, 22 * len(columns)),
        empty="" if rows else "No value became null.",
    )
