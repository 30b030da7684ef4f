"""The picture of credit risk shows what the tables say."""

from __future__ import annotations

import numpy as np
import pandas as pd
from conftest import day
from matplotlib.figure import Figure

from luigi_tasks.monitoring.cutoffs import cutoff_table
from luigi_tasks.monitoring.roll_rates import roll_rates
from luigi_tasks.reports.credit_risk_panels import draw

VINTAGES = pd.DataFrame(
    [
        (day("2023-01-01"), 1, 10, 0, 1, 0.1),
        (day("2023-01-01"), 2, 10, 0, 3, 0.3),
        (day("2023-02-01"), 1, 10, 0, 2, 0.2),
    ],
    columns=["vintage", "mob", "loans", "left_out", "defaulted", "cumulative_default_rate"],
)
RATES = roll_rates(
    pd.DataFrame(
        [(1, "current", "current", 3), (1, "current", "1", 1), (2, "1", "2", 2)],
        columns=["mob_from", "from_state", "to_state", "loans"],
    )
)
CUTOFFS = cutoff_table([0, 0, 1, 0, 1], [0.05, 0.15, 0.25, 0.35, 0.45], cost_ratio=5)


def drawn(empty: bool = False) -> Figure:
    views = {"vintages": VINTAGES, "roll rates": RATES, "cutoffs": CUTOFFS}
    if empty:
        views = {name: table.head(0) for name, table in views.items()}
    figure = draw(views, title="Credit risk", cost_ratio=5)
    figure.canvas.draw()
    return figure


def test_a_curve_ends_where_its_vintage_has_come_to() -> None:
    (lines,) = drawn().axes[0].collections
    ends = [tuple(path.vertices[-1]) for path in lines.get_paths()]
    assert ends == [(2, 0.3), (1, 0.2)]
    assert drawn().axes[0].get_xlim()[1] >= 2


def test_the_matrix_has_the_share_of_each_way_and_a_dash_where_nobody_was() -> None:
    texts = np.array([text.get_text() for text in drawn().axes[1].texts]).reshape(4, 4)
    assert texts[0].tolist() == ["75.0%", "25.0%", "0.0%", "0.0%"]
    assert texts[1].tolist() == ["0.0%", "0.0%", "100.0%", "0.0%"]
    assert set(texts[2:].flat) == {"–"}


def test_the_recommended_cutoff_is_marked_with_its_rates_and_its_cost() -> None:
    (best,) = CUTOFFS[CUTOFFS["recommended"]].to_dict("records")
    assert best["cutoff"] == 0.16
    rates, cost = drawn().axes[2:4]
    told = [text.get_text() for axes in (rates, cost) for text in axes.get_legend().get_texts()]
    assert told == [
        "recommended cut-off 0.16",
        "approval rate, 40.0% there",
        "bad rate of the approved, 0.0% there",
        "recommended cut-off 0.16",
        "0.200 a loan there",
    ]


def test_what_is_not_known_yet_is_said_in_its_panel() -> None:
    words = [axes.texts[0].get_text() for axes in drawn(empty=True).axes]
    assert words == [
        "no vintage has reached a month on book yet",
        "no loan has had two installments yet",
        "no matured loans yet",
        "no matured loans yet",
    ]
