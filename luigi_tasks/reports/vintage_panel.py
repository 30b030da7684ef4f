"""The panel of vintage curves: cumulative default at equal maturity."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator, PercentFormatter

from luigi_tasks.reports.marks import say


def draw_vintages(axes: Axes, vintages: pd.DataFrame) -> None:
    """One line a vintage from old (dark) to new (light), as far as all of it has come."""
    axes.set(
        title="Cumulative default by vintage, at equal maturity",
        xlabel="Months on book",
        ylabel="Share of the vintage",
    )
    if vintages.empty:
        say(axes, "no vintage has reached a month on book yet")
        return
    names = sorted(vintages["vintage"].unique())
    points = vintages.set_index("vintage")[["mob", "cumulative_default_rate"]]
    curves = [np.vstack([(0, 0), points.loc[[name]].to_numpy()]) for name in names]
    lines = LineCollection(curves, array=np.arange(len(names)), cmap="viridis", lw=1.5)
    axes.add_collection(lines)
    axes.autoscale_view()
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    bar = axes.figure.colorbar(lines, ax=axes, use_gridspec=False, pad=0.02, label="Vintage")
    shown = sorted({round(position) for position in np.linspace(0, len(names) - 1, 6)})
    bar.set_ticks(shown, labels=[f"{names[i]:%b %y}" for i in shown])
