"""The charts of the page about the champion: AUC and PSI by month, calibration by grade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luigi_tasks.reports.page.chart import (
    BLUE,
    GREY,
    INK,
    LEVELS,
    ORANGE,
    PURPLE,
    RED,
    SAMPLES,
    Chart,
    Spec,
    coloured,
    data,
    limit,
    months,
    number,
    tips,
    what_happened,
)

MARKS = [
    ("open incident", RED, "area"),
    ("closed incident", GREY, "area"),
    ("another model scores", INK, "dotted"),
]


def _marks(section: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The legend of what happened, as far as it did."""
    found = {row["state"] for row in section["incidents"]}
    found |= {row["what"] for row in section["retrains"]}
    return [each for each in MARKS if each[0] in found]


def _samples(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    there = {row["sample"] for row in rows}
    words = {"live": "live", "unseen": "unseen: scored after the fact"}
    return [(words[name], colour, "dot") for name, colour in SAMPLES.items() if name in there]


def auc_by_month(numbers: Mapping[str, Any]) -> Chart:
    own = numbers["performance"]
    ends = [row[end] for row in own["auc"] for end in ("auc_low", "auc")]
    ends += [row["low"] for row in own["estimated"]]
    lowest = min([each for each in [*ends, own["min_auc"] - 0.05] if each is not None])
    scale = {"domain": [max(0, round(lowest - 0.03, 2)), 1], "clamp": True}
    layers: list[Spec] = [
        *what_happened(numbers, "performance"),
        {
            **data("performance.estimated"),
            "mark": {"type": "area", "color": PURPLE, "opacity": 0.18},
            "encoding": {
                "x": months(),
                "y": number("low", "AUC", ".2f", **scale),
                "y2": {"field": "high"},
                "detail": [{"field": "generation"}, {"field": "sample"}],
            },
        },
        {
            **data("performance.estimated"),
            "mark": {"type": "line", "color": PURPLE, "strokeWidth": 2},
            "encoding": {
                "x": months(),
                "y": number("estimated", "AUC", ".2f", **scale),
                "detail": [{"field": "generation"}, {"field": "sample"}],
            },
        },
        limit(own["min_auc"]),
        {
            **data("performance.auc"),
            "mark": {"type": "rule", "strokeWidth": 1.5},
            "encoding": {
                "x": months(),
                "y": number("auc_low", "AUC", ".2f", **scale),
                "y2": {"field": "auc_high"},
                "color": coloured("sample", SAMPLES),
            },
        },
        {
            **data("performance.auc"),
            "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1},
            "encoding": {
                "x": months(),
                "y": number("auc", "AUC", ".2f", **scale),
                "color": coloured("sample", SAMPLES),
                "tooltip": tips(
                    ("month_name", "month", ""),
                    ("sample", "sample", ""),
                    ("auc", "AUC", ".3f"),
                    ("auc_low", "from", ".3f"),
                    ("auc_high", "to", ".3f"),
                    ("n_matured", "matured loans", ","),
                ),
            },
        },
    ]
    return Chart(
        "auc",
        "AUC of performing loans by month",
        "Points are realised, with their 95 % interval; the line is estimated before labels have "
        "matured. A whole interval below the dashed limit is more than chance.",
        {"layer": layers},
        "performance.auc",
        [
            ("month_name", "Month", ""),
            ("sample", "Sample", ""),
            ("generation", "Generation", "count"),
            ("n_matured", "Matured loans", "count"),
            ("auc", "AUC", "number"),
            ("auc_low", "from", "number"),
            ("auc_high", "to", "number"),
            ("default_rate", "Default rate", "share"),
        ],
        [
            *_samples(own["auc"]),
            *([("estimated, 95 %", PURPLE, "line")] if own["estimated"] else []),
            (f"retrain below {own['min_auc']:g}", RED, "dashed"),
            *_marks(own),
        ],
        wide=True,
        height=300,
        empty="" if own["auc"] or own["estimated"] else "No month has matured loans yet.",
    )


def psi_by_month(numbers: Mapping[str, Any]) -> Chart:
    own = numbers["score_drift"]
    highest = max([row["psi"] for row in own["psi"]], default=0)
    chance = [row["psi_chance_limit"] or 0 for row in own["psi"]]
    top = 1.1 * max(highest, own["critical"], min(max(chance, default=0), 3 * own["critical"]))
    scale = {"domain": [0, round(top, 2)], "clamp": True}
    width = max(2, min(14, 200 // max(len(own["psi"]), 1)))
    layers: list[Spec] = [
        *what_happened(numbers, "score_drift"),
        {
            **data("score_drift.psi"),
            "mark": {"type": "bar", "size": width, "color": GREY, "opacity": 0.3, "clip": True},
            "encoding": {"x": months(), "y": number("psi_chance_limit", "PSI", ".2f", **scale)},
        },
        {
            **data("score_drift.psi"),
            "mark": {"type": "line", "color": BLUE, "strokeWidth": 1.5},
            "encoding": {
                "x": months(),
                "y": number("psi", "PSI", ".2f", **scale),
                "detail": [{"field": "generation"}, {"field": "sample"}],
            },
        },
        limit(own["watch"], ORANGE),
        limit(own["critical"]),
        {
            **data("score_drift.psi"),
            "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1},
            "encoding": {
                "x": months(),
                "y": number("psi", "PSI", ".2f", **scale),
                "color": coloured("psi_level", LEVELS),
                "tooltip": tips(
                    ("month_name", "month", ""),
                    ("sample", "sample", ""),
                    ("psi", "PSI", ".3f"),
                    ("psi_chance_limit", "chance up to", ".3f"),
                    ("psi_level", "level", ""),
                    ("n", "scored loans", ","),
                ),
            },
        },
    ]
    there = {row["psi_level"] for row in own["psi"]}
    words = {"none": "not beyond chance", "watch": "drift: watch", "critical": "drift: critical"}
    return Chart(
        "psi",
        "Drift of the score by month (PSI)",
        "Performing loans against the bins frozen at training. Within the grey bars it is chance "
        "(99.9 %), however high.",
        {"layer": layers},
        "score_drift.psi",
        [
            ("month_name", "Month", ""),
            ("sample", "Sample", ""),
            ("generation", "Generation", "count"),
            ("n", "Loans", "count"),
            ("psi", "PSI", "number"),
            ("psi_chance_limit", "Chance up to", "number"),
            ("psi_level", "Level", ""),
        ],
        [
            *((words[name], colour, "dot") for name, colour in LEVELS.items() if name in there),
            ("chance, 99.9 %", GREY, "area"),
            (f"watch from {own['watch']:g}", ORANGE, "dashed"),
            (f"critical from {own['critical']:g}", RED, "dashed"),
            *_marks(own),
        ],
        wide=True,
        height=260,
        empty="" if own["psi"] else "No performing loan has been scored yet.",
    )


def calibration_by_grade(numbers: Mapping[str, Any]) -> Chart:
    own = numbers["calibration"]
    x: Spec = {
        "field": "pd",
        "type": "ordinal",
        "sort": {"field": "grade"},
        "title": "Grade, by probability of default",
        "axis": {"labelAngle": -35, "labelOverlap": False},
    }
    is_in_line = coloured("is_in_line", {True: BLUE, False: RED})
    layers: list[Spec] = [
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {
                "x": x,
                "y": number("low", "Default rate", ".0%", zero=True),
                "y2": {"field": "high"},
                "color": is_in_line,
            },
        },
        {
            "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
            "encoding": {
                "x": x,
                "y": number("default_rate", "Default rate", ".0%", zero=True),
                "color": is_in_line,
                "tooltip": tips(
                    ("grade", "grade", ""),
                    ("n_matured", "matured loans", ","),
                    ("mean_score", "mean score", ".1%"),
                    ("default_rate", "default rate", ".1%"),
                ),
            },
        },
        {
            "mark": {"type": "tick", "color": ORANGE, "thickness": 3, "size": 22},
            "encoding": {"x": x, "y": number("mean_score", "Default rate", ".0%", zero=True)},
        },
    ]
    out = any(row["is_in_line"] is False for row in own["grades"])
    return Chart(
        "grades",
        "Calibration by grade",
        "The default rate of matured performing loans with its 95 % interval, beside the mean "
        "score. A mean score below the interval understates the risk.",
        {**data("calibration.grades"), "layer": layers},
        "calibration.grades",
        [
            ("grade", "Grade", "count"),
            ("pd", "Probability of default", ""),
            ("n", "Scored", "count"),
            ("n_matured", "Matured", "count"),
            ("mean_score", "Mean score", "share"),
            ("default_rate", "Default rate", "share"),
            ("low", "from", "share"),
            ("high", "to", "share"),
        ],
        [
            ("default rate, 95 %", BLUE, "dot"),
            *([("out of line", RED, "dot")] if out else []),
            ("mean score", ORANGE, "tick"),
        ],
        height=280,
        empty="" if own["grades"] else "No performing loan has matured yet.",
    )
