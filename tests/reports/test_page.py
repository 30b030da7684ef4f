"""The report page is one file that says how the champion does, and holds nothing personal."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import day
from msgspec import structs
from pages import EVIL, embedded, facts_of, rendered, with_a_challenger, with_an_incident
from running import Project

from luigi_tasks.core.storage import CACHE
from luigi_tasks.models.metadata import FrozenBins
from luigi_tasks.reports.page.chart import at, places
from luigi_tasks.reports.page.facts import PageFacts
from luigi_tasks.reports.page.features import bin_names
from luigi_tasks.reports.page.first_screen import HEADLINES, first_screen
from luigi_tasks.reports.page.numbers import numbers_of
from luigi_tasks.reports.page.quarantine import set_aside
from luigi_tasks.reports.page.rendering import all_charts, in_script, show, whole_days
from luigi_tasks.reports.page.scores import grid, of_thresholds
from luigi_tasks.reports.page.values import FEWEST, plain, told

PAGE, TWIN = "reports/index.html", "reports/report.json"
REPORT = "Report(as_of=2025-11-01, generation=1)"


class Outline(HTMLParser):
    """The elements of a page with their attributes, and its headings by level."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    @property
    def levels(self) -> list[int]:
        return [int(tag[1]) for tag, _ in self.elements if re.fullmatch("h[1-6]", tag)]


@pytest.fixture(scope="module")
def facts(finished: Project) -> PageFacts:
    return facts_of(finished)


@pytest.fixture(scope="module")
def html(finished: Project) -> str:
    return (finished.path / PAGE).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def twin(finished: Project) -> dict[str, Any]:
    numbers: dict[str, Any] = json.loads((finished.path / TWIN).read_text(encoding="utf-8"))
    del numbers["provenance"]
    return numbers


# --- the file ---------------------------------------------------------------------------------


def test_the_page_is_one_file_of_at_most_3_mb_that_names_no_other_host(html: str) -> None:
    assert len(html.encode()) < 3_000_000
    outline = Outline(html)
    for tag, attributes in outline.elements:
        for name in ("src", "href"):
            place = attributes.get(name) or ""
            assert not re.match(r"(https?:)?//", place), (tag, place)
        assert tag != "link" or attributes["href"] == "data:,"
    assert "default-src 'none'" in html


def test_the_same_page_has_the_same_bytes_though_nothing_is_remembered(project: Project) -> None:
    before = project.digests("reports")
    (project.path / PAGE).unlink()
    (project.path / TWIN).unlink()
    shutil.rmtree(project.path / CACHE)
    assert project.built_by("Pipeline") == [REPORT]
    assert project.digests("reports") == before


@pytest.mark.slow
def test_the_page_is_made_again_once_the_trail_says_more_or_a_template_is_another(
    project: Project,
) -> None:
    project.edit("luigi_tasks/reports/page/templates/page.css", "--ink: #1b2733", "--ink: #000000")
    assert set(project.stale()) == {REPORT}
    assert project.built_by("Pipeline") == [REPORT]
    assert "--ink: #000000" in (project.path / PAGE).read_text()
    assert project.luigi("RequestRetraining", "--reason", "yearly <b>").returncode == 0
    assert REPORT in project.stale()
    assert REPORT in project.built_by("Pipeline")
    assert "yearly &lt;b&gt;" in (project.path / PAGE).read_text()
    assert project.built_by("Pipeline") == []


def test_page_and_numbers_name_no_customer_no_loan_and_nobody_who_acts(
    finished: Project, facts: PageFacts, html: str
) -> None:
    loans = pd.read_parquet(finished.path / "datamart/gold/model_predictions.parquet")
    text = html + (finished.path / TWIN).read_text()
    text += rendered(with_a_challenger(facts))[1]
    assert not re.search(r"CUS_|\d{3}-\d{2}-\d{4}", text)
    ids = {*loans["loan_id"], *loans["customer_id"]}
    words = set(re.findall(r"[\w-]+", text))
    assert not ids & words
    assert "somebody.with.a.name" not in text


def test_no_script_of_a_reason_becomes_one_of_the_page(facts: PageFacts) -> None:
    numbers, html = rendered(with_a_challenger(facts))
    assert [tag for tag, _ in Outline(html).elements].count("script") == 3
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in html
    assert EVIL in [row["reason"] for row in numbers["decisions"]["decisions"]]
    assert EVIL in [row["reason"] for row in embedded(html)["data"]["decisions.decisions"]]


def test_no_day_is_broken_at_a_hyphen_and_words_stay_words() -> None:
    assert whole_days("<b> on 2025-01-31, kept") == (
        '&lt;b&gt; on <span class="day">2025-01-31</span>, kept'
    )


def test_json_within_a_script_ends_no_script() -> None:
    text = in_script({"a": "</script><!-- & \u2028"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!-- & \u2028"}


# --- the numbers ------------------------------------------------------------------------------


def test_every_chart_draws_numbers_of_the_twin_and_no_others(
    html: str, twin: dict[str, Any]
) -> None:
    own = embedded(html)
    assert len(own["charts"]) >= 15
    for place, rows in own["data"].items():
        assert rows == at(twin, place), place
    for name, chart in own["charts"].items():
        read = set(places(chart["spec"]))
        assert read, name
        assert read <= set(own["data"]), name
        assert at(twin, chart["rows"]), name
        assert {json.dumps(rows) for rows in given(chart["spec"])} <= {"[{}]"}, name


def given(spec: Any) -> Iterator[Any]:
    """The data that a specification holds itself."""
    if isinstance(spec, dict):
        if isinstance(spec.get("data"), dict) and "values" in spec["data"]:
            yield spec["data"]["values"]
        for value in spec.values():
            yield from given(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from given(value)


def test_the_numbers_are_those_of_the_monitoring_table(
    finished: Project, twin: dict[str, Any]
) -> None:
    table = pd.read_parquet(finished.path / "datamart/gold/model_monitoring.parquet")
    known = table[table["performing_auc"].notna()].sort_values(["month", "generation", "sample"])
    shown = [row["auc"] for row in twin["performance"]["auc"]]
    assert shown == pytest.approx(known["performing_auc"].tolist(), rel=1e-5)
    drift = pd.read_parquet(finished.path / "datamart/gold/feature_drift.parquet")
    live = drift[(drift["sample"] == "live") & (drift["month"] == drift["month"].max())]
    csi = {row["feature"]: row["csi"] for row in twin["drift"]["features"]}
    assert csi == pytest.approx(live.set_index("feature")["csi"].to_dict(), rel=1e-5)
    assert list(csi.values()) == sorted(csi.values(), reverse=True)


def test_the_bins_of_a_feature_add_up_to_the_index_that_is_shown(facts: PageFacts) -> None:
    numbers = numbers_of(facts)["drift"]
    for row in numbers["features"]:
        own = [bin for bin in numbers["bins"] if bin["feature"] == row["feature"]]
        if any(bin["n"] is None for bin in own):
            continue
        counts = np.array([bin["n"] for bin in own])
        assert counts.sum() == numbers["n"]
        actual = np.maximum(counts / counts.sum(), 1e-4)
        expected = np.maximum([bin["reference_share"] for bin in own], 1e-4)
        assert np.sum((actual - expected) * np.log(actual / expected)) == pytest.approx(
            row["csi"], abs=1e-3
        )


def test_every_threshold_says_what_counting_the_loans_says() -> None:
    draws = np.random.default_rng(3)
    score = draws.random(400).round(2)
    bad = draws.random(400) < score
    rows = of_thresholds(bad, score, grid(0.455))
    assert 0.455 in [row["threshold"] for row in rows]
    for row in rows:
        refused = score >= row["threshold"]
        assert row["approved"] == (~refused).sum()
        assert row["caught_default"] == (refused & bad).sum()
        assert row["false_alarm"] == (refused & ~bad).sum()
        assert row["missed_default"] == (~refused & bad).sum()
        assert row["true_good"] == (~refused & ~bad).sum()
        if (~refused).any():
            assert row["bad_rate"] == pytest.approx(bad[~refused].mean(), rel=1e-5)
        else:
            assert row["bad_rate"] is None
    assert of_thresholds(bad[:0], score[:0], grid(0.5)) == []


def test_a_few_loans_are_not_told_and_cannot_be_told_from_the_sum() -> None:
    assert told([50, 0, 3, 20]) == [50, 0, None, None]
    assert told([50, 2, 3]) == [50, None, None]
    assert told([50, 0, FEWEST]) == [50, 0, FEWEST]


def test_the_edges_of_bins_are_no_values_of_a_loan() -> None:
    frozen = FrozenBins(edges=[12_345.67, 98_765.43], bins=3, n=9, shares=[0.3, 0.3, 0.4, 0.0])
    assert bin_names(frozen) == ["up to 12,300", "12,300 to 98,800", "above 98,800", "missing"]
    words = FrozenBins(categories=["a", "b"], bins=3, n=9, shares=[0.5, 0.5, 0.0, 0.0])
    assert bin_names(words) == ["a", "b", "not seen at training", "missing"]


def test_numbers_become_short_values_of_json_and_what_is_missing_null() -> None:
    values = [float("nan"), pd.NA, np.float64(1 / 3), np.int64(7), day("2024-05-01"), -0.0, True]
    assert plain(values) == [None, None, 0.333333, 7, "2024-05-01", 0.0, True]
    assert show(None, "count") == "–"
    assert show(0.1234, "share") == "12.3 %"


def test_what_is_set_aside_is_counted_by_reason_and_month() -> None:
    flagged = pd.DataFrame(
        {"reason": ["SSN malformed"] * 2, "flagged_on": [day("2024-05-03"), day("2024-05-20")]}
    )
    rows = pd.DataFrame(
        {
            "reason": ["repeats another row", "no date"],
            "snapshot_date": ["3/6/2024", None],
            "rows": [4, 1],
        }
    )
    malformed = pd.DataFrame({"reason": ["too few fields"]})
    found = set_aside(flagged, {"loans": rows}, {"loans": malformed})
    assert {(row["reason"], row["month"], row["n"]) for row in found} == {
        ("SSN malformed", "2024-05-01", 2),
        ("repeats another row", "2024-06-01", 4),
        ("no date", None, 1),
        ("too few fields", None, 1),
    }


# --- the first screen -------------------------------------------------------------------------


def test_an_open_incident_is_the_state_and_the_extract_is_to_be_mended(facts: PageFacts) -> None:
    first = first_screen(with_an_incident(facts))
    assert (first["state"], first["headline"]) == ("incident", HEADLINES["incident"])
    assert "feature_clickstream has no rows" in first["why"][0]
    assert "feature_clickstream delivered whole again" in first["to_do"][0]["words"]
    assert "CloseIncident --extract feature_clickstream" in first["to_do"][1]["command"]
    closed = first_screen(with_an_incident(facts, is_open=False))
    assert closed["state"] != "incident"


def test_a_champion_that_learnt_from_loans_since_a_break_is_called_so(facts: PageFacts) -> None:
    window = structs.replace(facts.model.window, since=day("2024-07-01"))
    champion = structs.replace(facts.model, champion="random_forest, since", window=window)
    numbers = numbers_of(replace(facts, models={**facts.models, facts.generation: champion}))
    assert numbers["champion"]["model"] == "random_forest of loans since Jul 2024"


def test_a_challenger_that_waits_makes_the_next_run_the_thing_to_do(facts: PageFacts) -> None:
    *before, newest = facts.entries
    retrain = {"action": "retrain", "state": "retrain", "next_generation": 2}
    fields = {name: getattr(newest, name) for name in newest.__struct_fields__}
    asked = type(newest)(**{**fields, **retrain})
    waiting = replace(facts, entries=[*before, asked])
    first = first_screen(waiting)
    assert first["state"] == "retrain"
    assert first["since"] == f"the decision of {newest.as_of}"
    assert "trains and judges generation 2" in first["to_do"][0]["words"]
    words = numbers_of(waiting)["challenger"]["words"]
    assert words.startswith(f"Generation 2 was asked for on {newest.as_of}")


def test_since_is_the_first_of_the_decisions_in_a_row_that_came_to_the_state(
    facts: PageFacts,
) -> None:
    def told_of(*states: str) -> str:
        newest = facts.entries[-1]
        fields = {name: getattr(newest, name) for name in newest.__struct_fields__}
        days = ["2025-08-01", "2025-09-01", "2025-10-01", "2025-11-01"][-len(states) :]
        entries = [
            type(newest)(**{**fields, "as_of": day(each), "action": "keep", "state": state})
            for each, state in zip(days, states, strict=True)
        ]
        since: str = first_screen(replace(facts, entries=entries))["since"]
        return since

    assert told_of("ok", "waiting", "waiting") == (
        "the decision of 2025-10-01, 2 month ends in a row"
    )
    assert told_of("waiting", "ok", "waiting") == "the decision of 2025-11-01"


def test_what_a_report_said_is_what_the_next_one_calls_before(project: Project) -> None:
    def changes(path: str) -> dict[str, dict[str, str]]:
        numbers = json.loads((project.path / path).read_text())
        return {row["measure"]: row for row in numbers["first_screen"]["changes"]}

    assert project.luigi("Report", "--as-of", "2025-10-01").returncode == 0
    earlier, newest = changes("reports/as_of=2025-10-01/report.json"), changes(TWIN)
    assert len(newest) >= 9
    assert {m: row["now"] for m, row in earlier.items()} == {
        m: row["before"] for m, row in newest.items()
    }
    assert all(row["is_new"] == (row["before"] != row["now"]) for row in newest.values())


# --- what there is not ------------------------------------------------------------------------


def test_before_the_first_loan_is_scored_every_section_says_so(facts: PageFacts) -> None:
    empty = {name: table.iloc[:0] for name, table in facts.tables.items()}
    nothing = replace(
        facts,
        tables=empty,
        entries=[],
        scored=facts.scored.iloc[:0],
        newest=facts.newest.iloc[:0],
        set_aside=[],
        quality={**facts.quality, "nulls": {}},
    )
    numbers, html = rendered(nothing)
    silent = [chart.id for chart in all_charts(numbers) if not chart.empty]
    assert silent == ["stages"]
    assert "no live loan has been scored yet" in html
    assert not re.search(r">(nan|NaN|None|null)<", html)


def test_without_a_challenger_a_sentence_says_so(twin: dict[str, Any], html: str) -> None:
    assert twin["challenger"]["words"].startswith("There is no challenger")
    assert twin["challenger"]["words"] in html


# --- for those who do not see it --------------------------------------------------------------


def test_headings_are_in_order_and_every_chart_has_a_name_a_description_and_a_table(
    html: str,
) -> None:
    outline = Outline(html)
    assert outline.levels[0] == 1
    assert outline.levels.count(1) == 1
    steps = [b - a for a, b in zip(outline.levels, outline.levels[1:], strict=False)]
    assert max(steps) == 1
    ids = [a["id"] for _, a in outline.elements if a.get("id")]
    assert len(ids) == len(set(ids))
    figures = [a for tag, a in outline.elements if tag == "figure"]
    assert all(figure["aria-labelledby"] in ids for figure in figures)
    for name, chart in embedded(html)["charts"].items():
        assert f"{name}-table" in ids
        assert len(chart["spec"]["description"]) > 30
    labelled = {a.get("for") for tag, a in outline.elements if tag == "label"}
    assert {"feature", "threshold"} <= labelled
