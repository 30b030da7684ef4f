"""Both dashboards are drawn whatever there is to show, and nothing in them is cut off."""

from __future__ import annotations

import datetime as dt
import io
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import day, months_later
from matplotlib.figure import Figure

from luigi_tasks.monitoring.calibration import reliability
from luigi_tasks.reports import drift_panels, panels
from luigi_tasks.reports.marks import GREY, RED, Timeline, numbered

START = day("2023-01-01")
FEATURES = ["Age", "Monthly_Balance", "fe_1_mean", "a_feature_with_a_name_that_does_not_end"]


def month_row(month: dt.date, matured: bool, performing: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"month": month, "generation": 1, "sample": "live", "n": 100}
    row["drifted_features"] = 0
    for prefix, is_there in (("", True), ("performing_", performing)):
        known = matured and is_there
        row |= {
            f"{prefix}n_matured": 80 if known else 0,
            **dict.fromkeys((f"{prefix}auc", f"{prefix}f1"), 0.8 if known else np.nan),
            f"{prefix}auc_low": 0.72 if known else np.nan,
            f"{prefix}auc_high": 0.88 if known else np.nan,
            f"{prefix}precision": 0.6 if known else np.nan,
            f"{prefix}recall": 0.4 if known else np.nan,
            f"{prefix}psi": 0.03 if is_there else np.nan,
            f"{prefix}psi_chance_limit": 0.09 if is_there else np.nan,
            f"{prefix}psi_level": "none",
        }
    return row


def monitoring(months: int = 16, matured: bool = True, performing: bool = True) -> pd.DataFrame:
    table = pd.DataFrame(
        [month_row(months_later(START, i), matured, performing) for i in range(months)]
    )
    numbers = [name for name in table if str(name).endswith(("auc", "low", "high", "psi", "limit"))]
    return table.astype(dict.fromkeys(numbers, "float64"))


def predictions(labels: Any = (0, 1), performing: bool = True, n: int = 300) -> pd.DataFrame:
    draws = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "sample": "live",
            "delinquent": draws.random(n) < 0.2 if performing else np.ones(n, dtype=bool),
            "prediction_proba": draws.random(n),
            "actual_label": np.array([labels[i % len(labels)] for i in range(n)], dtype=float),
        }
    )


def drift(table: pd.DataFrame) -> pd.DataFrame:
    rows = [
        (month, sample, feature, csi, 0.05, 0.01, 0.02, 100, "watch" if csi > 0.1 else "none")
        for month, sample in zip(table["month"], table["sample"], strict=True)
        for feature, csi in zip(FEATURES, (0.01, 0.3, 0.04, 0.02), strict=True)
    ]
    shares = ["missing_share", "reference_missing_share"]
    names = ["month", "sample", "feature", "csi", "csi_chance_limit", *shares, "n", "level"]
    return pd.DataFrame(rows, columns=names)


def incidents(*spans: tuple[str, str, bool]) -> pd.DataFrame:
    rows = [(day(first), day(last), is_open) for first, last, is_open in spans]
    return pd.DataFrame(rows, columns=["first_month", "last_month", "is_open"])


NO_INCIDENT = incidents()
VINTAGES = pd.DataFrame(
    {"vintage": START, "mob": [1, 2], "cumulative_default_rate": [0.1, 0.2]},
)
ESTIMATED = pd.DataFrame(
    {
        "month": [months_later(START, 14), months_later(START, 15)],
        "population": "performing",
        "metric": "auc",
        "estimated": 0.74,
        "low": 0.7,
        "high": 0.78,
    }
)


def marked() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two retrains, an incident of each kind, and drift of each kind."""
    table = monitoring()
    table["generation"] = [1] * 6 + [2] * 5 + [3] * 5
    table.loc[3, "performing_psi_level"] = "watch"
    table.loc[8, "performing_psi_level"] = "critical"
    table.loc[9, "drifted_features"] = 2
    return table, incidents(("2023-03-01", "2023-04-01", False), ("2024-02-01", "2024-04-01", True))


CASES: dict[str, tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]] = {
    "plain": (predictions(), monitoring(), NO_INCIDENT),
    "marked": (predictions(), *marked()),
    "nothing matured": (predictions([np.nan]), monitoring(matured=False), NO_INCIDENT),
    "one month": (predictions(), monitoring(1), NO_INCIDENT),
    "only good loans": (predictions([0]), monitoring(), NO_INCIDENT),
    "sixty months": (predictions(), monitoring(60), NO_INCIDENT),
    "no performing loans": (
        predictions(performing=False),
        monitoring(performing=False),
        NO_INCIDENT,
    ),
    "five matured loans": (predictions(n=5), monitoring(2), NO_INCIDENT),
    "not live yet": (predictions(), monitoring(3).assign(sample="unseen"), NO_INCIDENT),
}
LONG = "incident since Oct 2024: 47% missing values in Monthly_Balance; " * 2


def performance(case: str, state: str = "no incident, no drift beyond chance") -> Figure:
    loans, table, found = CASES[case]
    return panels.draw(
        loans, Timeline(table, found), title="Default", state=state, threshold=0.5, min_auc=0.7
    )


def of_drift(case: str, state: str = "no incident, no drift beyond chance", **more: Any) -> Figure:
    loans, table, found = CASES[case]
    return drift_panels.draw(
        Timeline(table, found),
        drift(table),
        VINTAGES,
        reliability(loans.assign(generation=1)),
        title="Drift",
        state=state,
        watch=0.1,
        critical=0.2,
        min_auc=0.7,
        **more,
    )


BOTH = [performance, of_drift]


def boxes(figure: Figure) -> dict[str, Any]:
    """Where the words of a figure are, in pixels, by what they say."""
    figure.draw_without_rendering()
    found = {text.get_text(): text.get_window_extent() for text in figure.texts}
    for number, axes in enumerate(figure.axes):
        parts: list[Any] = [axes.title, axes.xaxis.label, axes.yaxis.label]
        parts += axes.texts
        for axis in (axes.xaxis, axes.yaxis):
            first, last = sorted(axis.get_view_interval())
            ticks = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
            parts += [label for place, label in ticks if first <= place <= last]
        found |= {
            f"{number} {part.get_text()} {i}": part.get_window_extent()
            for i, part in enumerate(parts)
            if part.get_text()
        }
        if axes.get_legend():
            found[f"{number} legend"] = axes.get_legend().get_window_extent()
    for legend in figure.legends:
        found["marks"] = legend.get_window_extent()
    return found


@pytest.mark.parametrize("draw", BOTH)
@pytest.mark.parametrize("case", CASES)
def test_no_words_are_cut_off_or_lie_on_others(draw: Any, case: str) -> None:
    figure = draw(case, state=f"{LONG}\n{LONG}")
    found = boxes(figure)
    width, height = figure.canvas.get_width_height()
    for words, box in found.items():
        assert box.x0 >= 0, words
        assert box.y0 >= 0, words
        assert box.x1 <= width, words
        assert box.y1 <= height, words
        for number, axes in enumerate(figure.axes):
            assert words.startswith(f"{number} ") or not box.overlaps(axes.bbox), (words, number)
    for (one, box), (other, beside) in combinations(found.items(), 2):
        # Labels of months are rotated: their boxes touch where they do not.
        if one[:2] != other[:2] or "legend" in one + other:
            assert not box.overlaps(beside), (one, other)


@pytest.mark.parametrize("draw", BOTH)
def test_the_same_tables_give_the_same_bytes(draw: Any) -> None:
    written = []
    for _ in range(2):
        buffer = io.BytesIO()
        draw("marked").savefig(buffer, format="png")
        written.append(buffer.getvalue())
    assert written[0] == written[1]


def test_incidents_are_shaded_and_a_retrain_is_a_line_before_its_first_month() -> None:
    axes = performance("marked").axes[4]
    first = int(numbered([START])[0])
    shades = {
        (patch.get_x(), patch.get_width()): patch.get_facecolor()[:3] for patch in axes.patches
    }
    assert {span: _hex(colour) for span, colour in shades.items()} == {
        (first + 1.5, 2.0): GREY,
        (first + 12.5, 3.0): RED,
    }
    lines = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"]
    assert {first + 5.5, first + 10.5} <= set(lines)


def _hex(colour: Any) -> str:
    return "#" + "".join(f"{round(part * 255):02X}" for part in colour)


def test_the_foot_says_what_the_marks_mean_and_is_empty_without_any() -> None:
    (legend,) = performance("marked").legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "open incident",
        "closed incident",
        "retrained, from Jul 23, Dec 23",
        "features drifted",
        "score drifted: watch",
        "score drifted: critical",
    ]
    assert performance("plain").legends == []


def test_what_cannot_be_drawn_yet_is_said_in_its_panel() -> None:
    axes = performance("nothing matured").axes
    assert [axes[i].texts[0].get_text() for i in (0, 1)] == (
        ["no matured loans of both classes yet"] * 2
    )
    calibration = of_drift("nothing matured").axes[3]
    assert calibration.texts[0].get_text() == "no matured loans yet"


def test_the_confusion_matrix_is_of_performing_loans_with_all_loans_below() -> None:
    loans = pd.DataFrame(
        {
            "sample": "live",
            "delinquent": [False, False, True],
            "prediction_proba": [0.1, 0.9, 0.8],
            "actual_label": pd.array([0, 1, 1], "Int64"),
        }
    )
    figure = panels.draw(
        loans, Timeline(monitoring(2), NO_INCIDENT), "Default", "ok", threshold=0.5, min_auc=0.7
    )
    told = [text.get_text() for text in figure.axes[2].texts]
    assert told[:2] == ["1\n100%", "all loans: 1, 100%"]
    assert told[-2:] == ["1\n100%", "all loans: 2, 100%"]


def test_the_most_drifted_feature_is_on_top_and_a_long_name_is_cut() -> None:
    axes = of_drift("plain").axes[1]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "Age",
        "a_feature_with_a_name_tha…",
        "fe_1_mean",
        "Monthly_Balance",
    ]
    assert axes.get_title() == "Most drifted features in Apr 2024"
    assert "not live yet" in of_drift("not live yet").axes[1].get_title()


def test_an_estimate_is_drawn_beside_the_realised_auc_when_there_is_one() -> None:
    without, beside = (of_drift("plain", **more).axes[4] for more in ({}, {"estimated": ESTIMATED}))
    assert without.get_title() == "AUC of performing loans, realised"
    assert beside.get_title() == "AUC of performing loans, realised and estimated"
    assert "estimated" in {text.get_text() for text in beside.get_legend().get_texts()}
