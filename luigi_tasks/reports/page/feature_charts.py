"""The charts of the page about features: how far each has drifted, its bins, its months."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luigi_tasks.reports.page.chart import (
    BLUE,
    GREY,
    INK,
    LEVELS,
    ORANGE,
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

_TOP = 20  # features
_FAR = 10  # times the limit


def drift_by_feature(numbers: Mapping[str, Any]) -> Chart:
    own = numbers["drift"]
    shown = [row["feature"] for row in own["features"][:_TOP]]
    critical = numbers["score_drift"]["critical"]
    highest = max([row["csi"] or 0 for row in own["features"]], default=0)
    chance = max([row["csi_chance_limit"] or 0 for row in own["features"][:_TOP]], default=0)
    furthest = max(highest, critical, min(chance, 3 * critical))
    scale: Spec = {"domain": [0, round(1.04 * furthest, 2)], "clamp": True}
    title, style = "Characteristic stability index (CSI)", ".2f"
    if highest > _FAR * critical:  # beside a broken feed the limits would be one line with zero
        scale, title, style = {**scale, "type": "sqrt"}, f"{title}, square-root scale", ".1f"
    y = names("feature", None, shown)
    only = [{"filter": {"field": "feature", "oneOf": shown}}]
    lines = [
        {
            "data": {"values": [{}]},
            "mark": {"type": "rule", "strokeDash": [5, 4], "color": colour},
            "encoding": {"x": {"datum": value}},
        }
        for value, colour in ((numbers["score_drift"]["watch"], ORANGE), (critical, RED))
    ]
    layers: list[Spec] = [
        {
            **data("drift.features"),
            "transform": only,
            "mark": {"type": "bar", "cursor": "pointer"},
            "encoding": {
                "y": y,
                "x": number("csi", title, style, **scale),
                "color": coloured("level", LEVELS),
                "opacity": {
                    "condition": {"test": "datum.feature == feature", "value": 1},
                    "value": 0.55,
                },
                "tooltip": tips(
                    ("feature", "feature", ""),
                    ("csi", "CSI", ".3f"),
                    ("csi_chance_limit", "chance up to", ".3f"),
                    ("missing_share", "missing", ".1%"),
                ),
            },
        },
        *lines,
        {
            **data("drift.features"),
            "transform": only,
            "mark": {"type": "tick", "color": INK, "thickness": 2, "clip": True},
            "encoding": {"y": y, "x": number("csi_chance_limit", title, style, **scale)},
        },
    ]
    there = {row["level"] for row in own["features"]}
    words = {"none": "not beyond chance", "watch": "watch", "critical": "critical"}
    more = f", the {_TOP} highest of {len(own['features'])}" if len(own["features"]) > _TOP else ""
    return Chart(
        "features",
        f"Drift by feature, {own['month']}{more}",
        "The most drifted first. Choose one to see its bins.",
        {"params": [{"name": "feature", "value": shown[0] if shown else ""}], "layer": layers},
        "drift.features",
        [
            ("feature", "Feature", ""),
            ("extract", "Extract", ""),
            ("csi", "CSI", "number"),
            ("csi_chance_limit", "Chance up to", "number"),
            ("level", "Level", ""),
            ("missing_share", "Missing", "share"),
            ("reference_missing_share", "at training", "share"),
        ],
        [
            *((words[name], colour, "area") for name, colour in LEVELS.items() if name in there),
            ("chance, 99.9 %", INK, "tick"),
            ("watch", ORANGE, "dashed"),
            ("critical", RED, "dashed"),
        ],
        height=max(120, 22 * len(shown)),
        empty="" if shown else "No month has been scored by the champion yet.",
    )


def bins_of_feature(numbers: Mapping[str, Any]) -> Chart:
    own = numbers["drift"]
    one = {"filter": "datum.feature == feature"}
    first = own["features"][0]["feature"] if own["features"] else ""
    y: Spec = {
        "field": "bin",
        "type": "nominal",
        "title": None,
        "sort": {"field": "position", "op": "min"},
    }
    layers: list[Spec] = [
        {
            "transform": [one],
            "mark": {"type": "bar", "color": BLUE, "height": {"band": 0.55}},
            "encoding": {
                "y": y,
                "x": number("share", "Share of loans", ".0%", zero=True),
                "tooltip": tips(
                    ("bin", "bin", ""),
                    ("share", "newest month", ".1%"),
                    ("reference_share", "at training", ".1%"),
                    ("n", "loans", ","),
                ),
            },
        },
        {
            "transform": [one],
            "mark": {"type": "tick", "color": ORANGE, "thickness": 3, "size": 16},
            "encoding": {
                "y": y,
                "x": number("reference_share", "Share of loans", ".0%", zero=True),
            },
        },
    ]
    return Chart(
        "bins",
        "Its bins against the reference",
        "Frozen at training; missing values are a bin of their own. A bin of fewer than 5 loans "
        "is not told, and another with it.",
        {**data("drift.bins"), "params": [{"name": "feature", "value": first}], "layer": layers},
        "drift.bins",
        [
            ("bin", "Bin", ""),
            ("reference_share", "At training", "share"),
            ("share", str(own["month"]), "share"),
            ("n", "Loans", "count"),
        ],
        [(str(own["month"]), BLUE, "area"), ("at training", ORANGE, "tick")],
        height=300,
        empty="" if own["features"] else "No month has been scored by the champion yet.",
        where={"feature": first},
    )


def history_of_feature(numbers: Mapping[str, Any]) -> Chart:
    own = numbers["drift"]
    one = {"filter": "datum.feature == feature"}
    first = own["features"][0]["feature"] if own["features"] else ""
    layers: list[Spec] = [
        {
            "transform": [one],
            "mark": {"type": "area", "color": GREY, "opacity": 0.25, "interpolate": "step"},
            "encoding": {"x": months(), "y": number("csi_chance_limit", "CSI", ".2f", zero=True)},
        },
        {
            "transform": [one],
            "mark": {"type": "line", "color": BLUE, "strokeWidth": 1.5},
            "encoding": {"x": months(), "y": number("csi", "CSI", ".2f", zero=True)},
        },
        {
            "transform": [one],
            "mark": {"type": "point", "filled": True, "size": 45, "opacity": 1},
            "encoding": {
                "x": months(),
                "y": number("csi", "CSI", ".2f", zero=True),
                "color": coloured("level", LEVELS),
                "tooltip": tips(("month_name", "month", ""), ("csi", "CSI", ".3f")),
            },
        },
    ]
    return Chart(
        "history",
        "Its drift by month",
        "In the grey area it is chance (99.9 %).",
        {**data("drift.history"), "params": [{"name": "feature", "value": first}], "layer": layers},
        "drift.history",
        [
            ("month_name", "Month", ""),
            ("csi", "CSI", "number"),
            ("csi_chance_limit", "Chance up to", "number"),
            ("level", "Level", ""),
        ],
        [("CSI", BLUE, "line"), ("chance, 99.9 %", GREY, "area")],
        height=160,
        empty="" if own["features"] else "No month has been scored by the champion yet.",
        where={"feature": first},
    )
