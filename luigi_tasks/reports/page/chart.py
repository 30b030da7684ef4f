"""A chart: a Vega-Lite specification whose data are named by their place in the report's numbers.

Colours are names of CSS variables (templates/page.css), so that a chart is right in the light, in
the dark and on paper.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Spec = dict[str, Any]

BLUE, ORANGE, GREEN, RED = "var(--blue)", "var(--orange)", "var(--green)", "var(--red)"
PURPLE, GREY, INK = "var(--purple)", "var(--grey)", "var(--ink)"
LEVELS = {"none": BLUE, "watch": ORANGE, "critical": RED}
SAMPLES = {"live": BLUE, "unseen": GREY}
STATES = {
    "ok": GREEN,
    "watch": ORANGE,
    "waiting": PURPLE,
    "retrain": PURPLE,
    "incident": RED,
    "": GREY,
}
CONFIG: Spec = {
    "background": "transparent",
    "font": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--soft)",
        "titleColor": "var(--soft)",
        "titleFontWeight": "normal",
        "titleFontSize": 12,
        "labelFontSize": 11,
        "labelLimit": 330,
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "titlePadding": 8,
    },
    "axisX": {"titleAnchor": "end", "titleAlign": "right"},
    "axisY": {"domain": False, "ticks": False, "labelPadding": 6},
    "text": {"color": INK, "fontSize": 11},
    "rule": {"color": INK},
}


@dataclass(frozen=True)
class Chart:
    """A chart of the page.

    `about` says in a sentence what to see, for those who do not see it as well. `columns` are
    those of its table: (field, head, format), where the format is one of `rendering`. `rows` is
    the place of the table's rows, `where` says which of them are shown at first. `legend` is (name,
    colour, kind) each. `scrolls` is the least width in pixels of a chart that may scroll by itself,
    `empty` says why there is none.
    """

    id: str
    title: str
    about: str
    spec: Spec
    rows: str
    columns: Sequence[tuple[str, str, str]]
    legend: Sequence[tuple[str, str, str]] = ()
    wide: bool = False
    height: int = 260
    scrolls: int = 0
    empty: str = ""
    where: Mapping[str, Any] = field(default_factory=dict)

    @property
    def whole_spec(self) -> Spec:
        """The specification as it is handed to Vega-Lite."""
        return {
            "description": f"{self.title}. {self.about}",
            "width": "container",
            "height": self.height,
            "autosize": {"type": "fit-x", "contains": "padding"},
            **self.spec,
        }


def data(place: str) -> Spec:
    """The numbers at a place, as the data of a chart or a layer."""
    return {"data": {"name": place}}


def places(spec: Any) -> Iterator[str]:
    """The places of all numbers that a specification names."""
    if isinstance(spec, Mapping):
        name = spec.get("data")
        if isinstance(name, Mapping) and "name" in name:
            yield name["name"]
        for value in spec.values():
            yield from places(value)
    elif isinstance(spec, list | tuple):
        for value in spec:
            yield from places(value)


def at(numbers: Mapping[str, Any], place: str) -> Any:
    """What stands at a place such as drift.features."""
    found: Any = numbers
    for name in place.split("."):
        found = found[name]
    return found


# --- parts of specifications ------------------------------------------------------------------


def months(name: str = "month", title: str | None = "Prediction month") -> Spec:
    """An axis of months. Days are read as UTC, so that no month slips into the one before."""
    return {
        "field": name,
        "type": "temporal",
        "scale": {"type": "utc", "padding": 14, "nice": False},
        "title": title,
        "axis": {
            "format": "%b %y",
            "labelOverlap": "greedy",
            "labelSeparation": 10,
            "grid": False,
            "tickCount": 8,
        },
    }


def number(name: str, title: str | None, style: str = "", **scale: Any) -> Spec:
    """An axis of numbers."""
    channel: Spec = {"field": name, "type": "quantitative", "title": title}
    if style:
        channel["axis"] = {"format": style, "tickCount": 6}
    return {**channel, "scale": {"zero": False, **scale}}


def names(name: str, title: str | None = None, order: Any = None) -> Spec:
    """An axis of names, in the order of the rows unless another is given."""
    return {"field": name, "type": "nominal", "title": title, "sort": order}


def coloured(name: str, colours: Mapping[Any, str]) -> Spec:
    """A colour by value; no scale, for the layers of a chart would share one."""
    return {
        "condition": [
            {"test": f"datum.{name} === {json.dumps(value)}", "value": colour}
            for value, colour in colours.items()
        ],
        "value": GREY,
    }


def limit(value: float, colour: str = RED) -> Spec:
    """A dashed line at a value of y."""
    return {
        "data": {"values": [{}]},
        "mark": {"type": "rule", "strokeDash": [5, 4], "color": colour},
        "encoding": {"y": {"datum": value}},
    }


def what_happened(numbers: Mapping[str, Any], section: str) -> list[Spec]:
    """Incidents shaded, and a line before the first month of another model; what there is."""
    layers: list[Spec] = [
        {
            **data(f"{section}.incidents"),
            "mark": {"type": "rect", "opacity": 0.14},
            "encoding": {
                "x": months("from"),
                "x2": {"field": "to"},
                "color": coloured("state", {"open incident": RED, "closed incident": GREY}),
                "tooltip": [{"field": "words", "title": "incident"}],
            },
        },
        {
            **data(f"{section}.retrains"),
            "mark": {"type": "rule", "strokeDash": [2, 3], "strokeWidth": 1.5},
            "encoding": {
                "x": months("from"),
                "tooltip": [{"field": "generation", "title": "from here on generation"}],
            },
        },
    ]
    return [layer for layer in layers if at(numbers, layer["data"]["name"])]


def tips(*fields: tuple[str, str, str]) -> list[Spec]:
    """What a pointer shows: (field, title, format) each."""
    return [
        {"field": name, "title": title, **({"format": style} if style else {"type": "nominal"})}
        for name, title, style in fields
    ]
