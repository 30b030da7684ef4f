"""The report page in a real browser: everything is drawn, nothing is cut off, controls work."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browser import NEEDS_BROWSER, browser, open_page
from pages import embedded, facts_of, rendered, with_a_challenger, with_an_incident
from running import Project

pytestmark = NEEDS_BROWSER
WIDTHS = (400, 1000, 1600)

# Elements whose text is wider than they are, outside what may scroll by itself.
CUT_OFF = """
const scrolls = (e) => e.closest(".scroll, #stages, details, .hidden, .skip, script, style");
return [...document.querySelectorAll("body *")].filter((e) => {
  if (scrolls(e) || e.closest("svg")) return false;
  const box = e.getBoundingClientRect();
  return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1
    || (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== "visible"));
}).map((e) => e.outerHTML.slice(0, 120));
"""
# Texts of charts that reach beyond their picture, or that were shortened.
CUT_TEXTS = """
return [...document.querySelectorAll(".drawn:not(#stages) svg text")].filter((text) => {
  const box = text.getBoundingClientRect();
  const svg = text.closest("svg").getBoundingClientRect();
  return box.width > 0 && (text.textContent.endsWith("…")
    || box.left < svg.left - 1 || box.right > svg.right + 1
    || box.top < svg.top - 1 || box.bottom > svg.bottom + 1);
}).map((text) => `${text.closest(".drawn").id}: ${text.textContent}`);
"""
EMPTY_SECTIONS = """
const sections = [...document.querySelectorAll("main > section")];
return sections.filter((section) => section.innerText.length < 80).map((section) => section.id);
"""
MARKS = """
return Object.fromEntries([...document.querySelectorAll(".drawn")].map((place) => [place.id,
  place.querySelectorAll("svg .mark-rect path, svg .mark-symbol path, svg .mark-line path, "
    + "svg .mark-rule line, svg .mark-area path").length]));
"""


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def pages(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of the finished project, and that of one with an incident and a challenger."""
    folder = tmp_path_factory.mktemp("pages")
    troubled = folder / "troubled.html"
    facts = with_an_incident(with_a_challenger(facts_of(finished)))
    troubled.write_text(rendered(facts)[1], encoding="utf-8")
    return {"finished": finished.path / "reports/index.html", "troubled": troubled}


def text_of(driver: Any, name: str) -> str:
    found: str = driver.execute_script(f"return document.getElementById('{name}').textContent")
    return found


def set_input(driver: Any, name: str, value: Any, event: str) -> None:
    driver.execute_script(
        f"const e = document.getElementById('{name}'); e.value = arguments[0];"
        f"e.dispatchEvent(new Event('{event}'));",
        value,
    )


def said_by_console(driver: Any) -> list[str]:
    return [line["message"] for line in driver.get_log("browser")]


def asked_of_network(driver: Any, page: Path) -> list[str]:
    """The addresses that were asked for, but for the page itself and what it holds."""
    messages = [json.loads(line["message"])["message"] for line in driver.get_log("performance")]
    sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    urls = [parameters["request"]["url"] for parameters in sent]
    return [u for u in urls if u != page.resolve().as_uri() and not u.startswith("data:")]


@pytest.mark.parametrize("name", ["finished", "troubled"])
@pytest.mark.parametrize("width", WIDTHS)
def test_everything_is_drawn_and_nothing_is_cut_off(
    driver: Any, pages: dict[str, Path], name: str, width: int
) -> None:
    driver.get("about:blank")
    said_by_console(driver)
    asked_of_network(driver, pages[name])
    open_page(driver, pages[name], width)
    assert said_by_console(driver) == []
    assert asked_of_network(driver, pages[name]) == []
    marks = driver.execute_script(MARKS)
    assert set(marks) == set(embedded(pages[name].read_text(encoding="utf-8"))["charts"])
    assert [chart for chart, n in marks.items() if n < 2] == []
    assert driver.execute_script("return document.documentElement.scrollWidth") == width
    assert driver.execute_script(CUT_OFF) == []
    assert driver.execute_script(CUT_TEXTS) == []
    assert driver.execute_script(EMPTY_SECTIONS) == []


def test_the_threshold_says_what_pandas_says(
    driver: Any, pages: dict[str, Path], finished: Project
) -> None:
    open_page(driver, pages["finished"])
    said = pd.read_parquet(finished.path / "datamart/gold/model_predictions.parquet")
    loans = said[~said["sample"].isin(["train", "left_out"]) & said["actual_label"].notna()]
    for population in ("performing", "all"):
        driver.execute_script(f"document.querySelector('input[value={population}]').click()")
        own = loans if population == "all" else loans[~loans["delinquent"]]
        for step in (5, 30, 50, 77):
            set_input(driver, "threshold", step, "input")
            threshold = float(text_of(driver, "threshold-value"))
            assert threshold == step / 100
            predicted = own["prediction_proba"] >= threshold
            matrix = pd.crosstab(own["actual_label"], predicted)
            matrix = matrix.reindex(index=[0, 1], columns=[False, True], fill_value=0)
            shown = ["true_good", "false_alarm", "missed_default", "caught_default"]
            told = [int(text_of(driver, name).replace(",", "")) for name in shown]
            assert told == matrix.to_numpy().ravel().tolist()
            approved = own[~predicted]
            assert text_of(driver, "approval_rate") == f"{100 * len(approved) / len(own):.1f} %"
            assert text_of(driver, "bad_rate") == f"{100 * approved['actual_label'].mean():.1f} %"
    assert text_of(driver, "loans") == f"{len(loans):,}"


def test_the_slider_starts_at_the_threshold_of_the_predictions_and_moves_by_keys(
    driver: Any, pages: dict[str, Path]
) -> None:
    from selenium.webdriver.common.keys import Keys

    open_page(driver, pages["finished"])
    assert text_of(driver, "threshold-value") == "0.50"
    before = text_of(driver, "approved")
    slider = driver.find_element("id", "threshold")
    slider.send_keys(Keys.ARROW_LEFT * 20)
    assert text_of(driver, "threshold-value") == "0.30"
    assert slider.get_attribute("aria-valuetext") == "0.30"
    assert text_of(driver, "approved") != before


def test_choosing_a_feature_shows_its_bins(driver: Any, pages: dict[str, Path]) -> None:
    open_page(driver, pages["finished"])
    bins = embedded(pages["finished"].read_text(encoding="utf-8"))["data"]["drift.bins"]
    labels = (
        "return [...document.querySelectorAll('#bins svg .role-axis-label text')]"
        ".map(t => t.textContent)"
    )
    seen = []
    for feature in ("Occupation", "Credit_Mix", "Age"):
        set_input(driver, "feature", feature, "change")
        own = [row for row in bins if row["feature"] == feature]
        shown = driver.execute_async_script(
            "const done = arguments[0]; views.bins.runAsync().then(() => "
            + f"done((() => {{ {labels} }})()))"
        )
        assert {row["bin"] for row in own} <= set(shown)
        first = driver.execute_script(
            "return [...document.querySelectorAll('#bins-table tbody td:first-child')]"
            ".map(cell => cell.textContent)"
        )
        assert first == [row["bin"] for row in own]
        seen.append(tuple(shown))
    assert len(set(seen)) == 3


def test_a_click_on_a_bar_chooses_its_feature(driver: Any, pages: dict[str, Path]) -> None:
    open_page(driver, pages["finished"])
    first = driver.execute_script("return document.getElementById('feature').value")
    driver.execute_script(
        "const bar = document.querySelectorAll('#features svg .mark-rect path')[3];"
        "const box = bar.getBoundingClientRect();"
        "const at = {bubbles: true, clientX: box.left + 1, clientY: box.top + box.height / 2};"
        "bar.dispatchEvent(new PointerEvent('pointerdown', at));"
        "bar.dispatchEvent(new MouseEvent('click', at));"
    )
    assert driver.execute_script("return document.getElementById('feature').value") != first


def test_it_is_dark_where_that_is_asked_for_and_light_on_paper(
    driver: Any, pages: dict[str, Path]
) -> None:
    def lightness(media: str) -> float:
        dark = [{"name": "prefers-color-scheme", "value": "dark"}]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": dark})
        colours = driver.execute_script(
            "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
        )
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
        paper, ink = (
            np.mean([float(part) for part in colour.strip("rgba()").split(",")[:3]])
            for colour in colours
        )
        return float(paper - ink)

    open_page(driver, pages["finished"])
    assert lightness("screen") < -100
    assert lightness("print") > 100


def test_it_is_printed_on_a4_with_every_chart(driver: Any, pages: dict[str, Path]) -> None:
    open_page(driver, pages["finished"])
    printed = driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    pdf = base64.b64decode(printed["data"])
    assert pdf.startswith(b"%PDF")
    box = re.search(rb"/MediaBox \[0 0 (\S+) (\S+)\]", pdf)
    assert box
    in_mm = [float(side) / 72 * 25.4 for side in box.groups()]
    assert in_mm == pytest.approx([210, 297], abs=1)
    widths = driver.execute_async_script(
        "const done = arguments[0]; dispatchEvent(new Event('beforeprint'));"
        "const widths = () => [...document.querySelectorAll('.drawn svg')]"
        ".map(svg => svg.viewBox.baseVal.width);"
        "setTimeout(() => done(widths()), 300)"
    )
    assert max(widths) <= 690


def test_the_keyboard_reaches_controls_and_shows_where_it_is(
    driver: Any, pages: dict[str, Path]
) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    open_page(driver, pages["finished"])
    reached, outlines = set(), set()
    for _ in range(40):
        ActionChains(driver).send_keys(Keys.TAB).perform()
        name, style = driver.execute_script(
            "const e = document.activeElement;"
            "return [e.id || e.className || e.tagName, getComputedStyle(e).outlineStyle]"
        )
        reached.add(name)
        outlines.add(style)
    assert {"skip", "feature", "threshold"} <= reached
    assert outlines == {"solid"}
