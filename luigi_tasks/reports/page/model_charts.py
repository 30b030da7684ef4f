"""The charts of the page about models: decisions, challenger, reasons, fairness, stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from luigi_tasks.reports.page.chart import (
    BLUE,
    GREEN,
    GREY,
    INK,
    STATES,
    Chart,
    Spec,
    coloured,
    data,
    months,
    names,
    number,
    tips,
)

LANES = ("champion", "month end", "challenger", "person", "publication")


def time_line(numbers: Mapping[str, Any]) -> Chart:
    own = numbers["decisions"]
    lanes = [
        name
        for name in LANES
        if name == "champion" or name in {row["lane"] for row in own["decisions"]}
    ]
    y = {**names("lane", None, lanes), "scale": {"type": "point", "padding": 0.5, "domain": lanes}}
    layers: list[Spec] = [
        {
            **data("decisions.reigns"),
            "mark": {"type": "rule", "strokeWidth": 20},
            "encoding": {
                "y": y,
                "x": months("from", "Day of the decision"),
                "x2": {"field": "to"},
                "color": coloured("shade", {"even": "var(--line)", "odd": "var(--band)"}),
                "tooltip": tips(
                    ("generation", "generation", ","),
                    ("model", "model", ""),
                    ("from", "from", ""),
                    ("to", "to", ""),
                ),
            },
        },
        {
            **data("decisions.reigns"),
            "mark": {"type": "text", "align": "left", "dx": 6},
            "encoding": {
                "y": y,
                "x": months("from", "Day of the decision"),
                "text": {"field": "name", "type": "nominal"},
            },
        },
        {
            **data("decisions.decisions"),
            "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
            "encoding": {
                "y": y,
                "x": months("day", "Day of the decision"),
                "color": coloured("state", STATES),
                "shape": {
                    "condition": {"test": "datum.state == ''", "value": "diamond"},
                    "value": "circle",
                },
                "tooltip": tips(
                    ("day", "day", ""),
                    ("generation", "generation", ","),
                    ("what", "what", ""),
                    ("reason", "why", ""),
                ),
            },
        },
    ]
    there = {row["state"] for row in own["decisions"]}
    return Chart(
        "decisions",
        "Decisions and generations",
        "Every month end has a decision. The bars say which generation scored when.",
        {"layer": layers},
        "decisions.decisions",
        [
            ("day", "Day", ""),
            ("generation", "Generation", "count"),
            ("what", "What", ""),
            ("state", "State", ""),
            ("by", "By", ""),
            ("reason", "Why", ""),
        ],
        [(name, colour, "dot") for name, colour in STATES.items() if name and name in there],
        wide=True,
        height=36 * len(lanes) + 20,
        empty="" if own["decisions"] else "No month end has come since the model was trained.",
    )


def challenger(numbers: Mapping[str, Any]) -> Chart | None:
    """How much better the challenger was; None without a ruling that compares two AUCs."""
    ruling = numbers["challenger"]["ruling"]
    if not ruling or ruling.get("difference") is None:
        return None
    x = {
        **number("difference_low", "AUC of the challenger − AUC of the champion", "+.2f"),
        "scale": {"zero": True, "nice": True},
    }
    y = names("name")
    layers: list[Spec] = [
        {
            "data": {"values": [{}]},
            "mark": {"type": "rule", "color": GREY},
            "encoding": {"x": {"datum": 0}},
        },
        {
            "data": {"values": [{}]},
            "mark": {"type": "rule", "color": GREEN, "strokeDash": [5, 4]},
            "encoding": {"x": {"datum": ruling["min_auc_gain"] or 0}},
        },
        {
            "mark": {"type": "rule", "strokeWidth": 3, "color": BLUE},
            "encoding": {"y": y, "x": x, "x2": {"field": "difference_high"}},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 110, "color": BLUE, "opacity": 1},
            "encoding": {"y": y, "x": {**x, "field": "difference"}},
        },
    ]
    return Chart(
        "challenger",
        "Challenger less champion",
        "The difference of their AUC on loans that are new to both, with its 95 % interval.",
        {**data("challenger.differences"), "layer": layers},
        "challenger.differences",
        [
            ("name", "Loans", ""),
            ("difference", "Difference", "signed"),
            ("difference_low", "from", "signed"),
            ("difference_high", "to", "signed"),
        ],
        [("difference, 95 %", BLUE, "dot"), ("gain that is asked for", GREEN, "dashed")],
        height=70,
    )


def reason_codes(numbers: Mapping[str, Any]) -> Chart:
    own = numbers["reasons"]
    y = names("name")
    y["axis"] = {
        "labelExpr": "split(datum.label, '|')",
        "labelBaseline": {
            "condition": {"test": "indexof(datum.label, '|') >= 0", "value": "bottom"},
            "value": "middle",
        },
    }
    layers: list[Spec] = [
        {
            "mark": {"type": "bar", "color": BLUE, "opacity": 0.35},
            "encoding": {
                "y": y,
                "x": number("told_share", "Share of scored loans", ".0%", zero=True),
                "tooltip": tips(
                    ("words", "reason", ""),
                    ("told_share", "told", ".1%"),
                    ("first_share", "strongest", ".1%"),
                ),
            },
        },
        {
            "mark": {"type": "bar", "color": BLUE, "height": {"band": 0.4}},
            "encoding": {
                "y": y,
                "x": number("first_share", "Share of scored loans", ".0%", zero=True),
            },
        },
    ]
    return Chart(
        "reasons",
        "Reasons told for high scores",
        f"Of {own['n']:,} scored loans: among the four strongest reasons, and as the strongest.",
        {**data("reasons.codes"), "layer": layers},
        "reasons.codes",
        [
            ("code", "Code", ""),
            ("words", "Words", ""),
            ("told", "Told", "count"),
            ("told_share", "Share", "share"),
            ("first", "Strongest", "count"),
            ("first_share", "Share", "share"),
        ],
        [("among the four told", "var(--pale)", "area"), ("the strongest", BLUE, "area")],
        height=max(120, 29 * len(own["codes"])),
        empty="" if own["codes"] else "No score has been explained yet.",
    )


def importance(numbers: Mapping[str, Any]) -> Chart:
    own = numbers["reasons"]
    y = names("feature")
    layers: list[Spec] = [
        {
            "mark": {"type": "bar", "color": BLUE, "opacity": 0.75},
            "encoding": {
                "y": y,
                "x": number("auc_drop", "AUC lost when it is shuffled", ".3f", zero=True),
                "tooltip": tips(("feature", "feature", ""), ("auc_drop", "AUC lost", ".4f")),
            },
        },
        {
            "mark": {"type": "rule", "color": INK},
            "encoding": {
                "y": y,
                "x": number("low", "AUC lost when it is shuffled", ".3f", zero=True),
                "x2": {"field": "high"},
            },
        },
    ]
    rows = own["importance"]
    return Chart(
        "importance",
        "Features that the model needs",
        f"The first {len(rows)} of {own['features']}. How much worse loans are ordered when one "
        "is shuffled; lines: a standard deviation of five shuffles.",
        {**data("reasons.importance"), "layer": layers},
        "reasons.importance",
        [
            ("feature", "Feature", ""),
            ("auc_drop", "AUC lost", "number4"),
            ("auc_drop_std", "Std. dev.", "number4"),
        ],
        [("AUC lost", BLUE, "area"), ("± a standard deviation", INK, "line")],
        height=max(120, 24 * len(rows)),
        empty="" if rows else "No performing loan has matured that the model was not fitted on.",
    )


_FAIR = (
    ("approval", "approval_rate", "approval_low", "approval_high", "Approval rate", ".0%"),
    ("gap", "calibration_gap", "gap_low", "gap_high", "Mean score − default rate", "+.2f"),
)


def fairness(numbers: Mapping[str, Any]) -> Iterator[Chart]:
    """Two charts for every column: approval rates and calibration gaps."""
    rows = numbers["fairness"]["groups"]
    for place, column in enumerate(numbers["fairness"]["columns"]):
        own = [row for row in rows if row["column"] == column]
        y = names("group", None, [row["group"] for row in own])
        for kind, value, low, high, title, style in _FAIR:
            x = number(low, title, style)
            zero: list[Spec] = [
                {
                    "data": {"values": [{}]},
                    "mark": {"type": "rule", "color": GREY},
                    "encoding": {"x": {"datum": 0}},
                }
            ]
            layers: list[Spec] = [
                *(zero if kind == "gap" else []),
                {
                    "mark": {"type": "rule", "strokeWidth": 2, "color": BLUE},
                    "encoding": {"y": y, "x": x, "x2": {"field": high}},
                },
                {
                    "mark": {
                        "type": "point",
                        "filled": True,
                        "size": 60,
                        "color": BLUE,
                        "opacity": 1,
                    },
                    "encoding": {
                        "y": y,
                        "x": number(value, title, style),
                        "tooltip": tips(
                            ("group", "group", ""), (value, title, style), ("n", "loans", ",")
                        ),
                    },
                },
            ]
            yield Chart(
                f"fair-{place}-{kind}",
                f"{title} by {column}",
                "Performing loans, 95 % interval. Of groups of fewer than 30 loans nothing is said."
                if kind == "approval"
                else "Above 0: taken for riskier than they are. Matured performing loans.",
                {
                    **data("fairness.groups"),
                    "transform": [
                        {"filter": {"field": "column", "equal": column}},
                        {"filter": f"isValid(datum.{low})"},
                    ],
                    "layer": layers,
                },
                "fairness.groups",
                [
                    ("group", "Group", ""),
                    ("n" if kind == "approval" else "n_matured", "Loans", "count"),
                    (value, title, "share" if kind == "approval" else "signed"),
                    (low, "from", "share" if kind == "approval" else "signed"),
                    (high, "to", "share" if kind == "approval" else "signed"),
                    *([("default_rate", "Default rate", "share")] if kind == "gap" else []),
                ],
                height=max(100, 24 * len(own)),
                where={"column": column},
                empty=""
                if any(row[low] is not None for row in own)
                else "No group has 30 such loans yet.",
            )


def stages(numbers: Mapping[str, Any]) -> Chart:
    own = numbers["stages"]
    most = max(row["column"] for row in own["nodes"])
    slots = [row["slot"] for row in own["nodes"]]
    x: Spec = {
        "field": "column",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [-0.4, most + 1.3], "nice": False},
    }
    y: Spec = {
        "field": "slot",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [min(slots) - 1.4, max(slots) + 0.6], "nice": False, "reverse": True},
    }

    def label(test: str, **look: Any) -> Spec:
        return {
            **data("stages.nodes"),
            "transform": [{"filter": test}],
            "mark": {"type": "text", "fontSize": 11, **look},
            "encoding": {"x": x, "y": y, "text": {"field": "stage", "type": "nominal"}},
        }

    aside = f"(datum.column === {most} || datum.slot > 0)"
    layers: list[Spec] = [
        {
            **data("stages.edges"),
            "mark": {"type": "rule", "color": GREY, "opacity": 0.45},
            "encoding": {
                "x": x,
                "y": y,
                "x2": {"field": "to_column"},
                "y2": {"field": "to_slot"},
            },
        },
        {
            **data("stages.nodes"),
            "mark": {"type": "point", "filled": True, "size": 110, "color": BLUE, "opacity": 1},
            "encoding": {
                "x": x,
                "y": y,
            },
        },
        label(f"!{aside} && datum.column % 2 === 0", dy=-15),
        label(f"!{aside} && datum.column % 2 === 1", dy=-31),
        label(aside, align="left", dx=9),
    ]
    return Chart(
        "stages",
        "What this page rests on",
        "From the extracts on the left to what the page reads on the right. The table has the rows "
        "and content digests of what it reads.",
        {"layer": layers},
        "stages.inputs",
        [
            ("task", "Task", "code"),
            ("output", "Output", "code"),
            ("rows", "Rows", "count"),
            ("digest", "Content", "code"),
        ],
        wide=True,
        scrolls=1000,
        height=240,
    )
