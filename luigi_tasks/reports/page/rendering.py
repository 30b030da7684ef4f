"""The page itself: numbers and charts laid out by the templates, one file that needs no other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup, escape

from luigi_tasks.reports import markdown
from luigi_tasks.reports.page import charts, feature_charts, model_charts, score_charts
from luigi_tasks.reports.page.chart import CONFIG, Chart, at, places

_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
TEMPLATES = Path(__file__).parent / "templates"


class Link(NamedTuple):
    """Something beside the page: its path from the page, and what it is."""

    path: str
    about: str


def all_charts(numbers: Mapping[str, Any]) -> list[Chart]:
    """Every chart of the page, in its order."""
    challenger = model_charts.challenger(numbers)
    return [
        charts.auc_by_month(numbers),
        charts.psi_by_month(numbers),
        feature_charts.drift_by_feature(numbers),
        feature_charts.bins_of_feature(numbers),
        feature_charts.history_of_feature(numbers),
        charts.calibration_by_grade(numbers),
        score_charts.score_distribution(numbers),
        score_charts.rates_by_threshold(numbers),
        score_charts.vintage_map(numbers),
        score_charts.roll_rates(numbers),
        score_charts.set_aside(numbers),
        score_charts.nulls(numbers),
        model_charts.time_line(numbers),
        *([challenger] if challenger else []),
        model_charts.reason_codes(numbers),
        model_charts.importance(numbers),
        *model_charts.fairness(numbers),
        model_charts.stages(numbers),
    ]


def page(numbers: Mapping[str, Any], links: Sequence[Link], bundle: str) -> str:
    """The HTML of the page; `bundle` is the JavaScript that draws the charts."""
    own = all_charts(numbers)
    drawn = [chart for chart in own if not chart.empty]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["show"] = show
    environment.filters["days"] = whole_days
    read = {place for chart in drawn for place in places(chart.spec)} | {"scores.thresholds"}
    return environment.get_template("page.html").render(
        numbers=numbers,
        charts={chart.id: chart for chart in own},
        rows=lambda chart: rows_of_table(numbers, chart),
        links=links,
        style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        script=Markup((TEMPLATES / "page.js").read_text(encoding="utf-8")),
        bundle=Markup(bundle.replace("</script", "<\\/script")),
        embedded=in_script(
            {
                "config": CONFIG,
                "charts": {
                    chart.id: {
                        "spec": chart.whole_spec,
                        "columns": chart.columns,
                        "rows": chart.rows,
                        "scrolls": chart.scrolls,
                    }
                    for chart in drawn
                },
                "data": {place: at(numbers, place) for place in sorted(read)},
            }
        ),
    )


def rows_of_table(numbers: Mapping[str, Any], chart: Chart) -> list[dict[str, Any]]:
    """The rows of a chart's table, those that it shows at first."""
    return [
        row
        for row in at(numbers, chart.rows)
        if all(row[name] == value for name, value in chart.where.items())
    ]


_STYLES: dict[str, Callable[[Any], str]] = {
    "": str,
    "code": str,
    "count": markdown.count,
    "number": markdown.number,
    "number2": lambda value: markdown.number(value, 2),
    "number4": lambda value: markdown.number(value, 4),
    "signed": markdown.signed,
    "share": markdown.share,
}


def show(value: Any, style: str) -> str:
    """A number as it is read, by the name of its format; words have none."""
    return markdown.NOTHING if value is None else _STYLES[style](value)


def whole_days(words: str) -> Markup:
    """Words in which no day is broken at a hyphen."""
    return Markup(_DAY.sub(r'<span class="day">\g<0></span>', str(escape(words))))


def in_script(value: Any) -> Markup:
    """A value as JSON within a script element: nothing in it ends the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
