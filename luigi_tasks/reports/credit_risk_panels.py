"""The four panels of credit risk: vintage curves, roll rates, score cut-offs and what they cost."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from luigi_tasks.monitoring.roll_rates import STATES, overall
from luigi_tasks.reports.marks import BLUE, GREY, RED, STYLE, say
from luigi_tasks.reports.vintage_panel import draw_vintages


def draw(
    views: Mapping[str, pd.DataFrame],
    title: str,
    cost_ratio: float,
) -> Figure:
    """The figure for the outputs of CreditRiskViews: vintages, roll rates and cutoffs."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(14, 10.5), dpi=100)
        figure.subplots_adjust(0.06, 0.07, 0.98, 0.9, wspace=0.2, hspace=0.3)
        figure.suptitle(title, fontsize=14)
        axes = figure.subplots(2, 2)
        draw_vintages(axes[0, 0], views["vintages"])
        _roll_rates(axes[0, 1], views["roll rates"])
        _rates_by_cutoff(axes[1, 0], views["cutoffs"])
        _cost_by_cutoff(axes[1, 1], views["cutoffs"], cost_ratio)
    return figure


def _roll_rates(axes: Axes, rates: pd.DataFrame) -> None:
    axes.set(
        title="Roll rates from one installment to the next",
        xlabel="Due amounts in arrears, next installment",
        ylabel="Due amounts in arrears (share of the row)",
    )
    axes.grid(visible=False)
    if rates.empty:
        say(axes, "no loan has had two installments yet")
        return
    matrix = overall(rates).pivot(index="from_state", columns="to_state", values="share")
    shares = matrix.reindex(index=list(STATES), columns=list(STATES)).to_numpy()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (y, x), share in np.ndenumerate(shares):
        axes.text(
            x,
            y,
            "–" if np.isnan(share) else f"{share:.1%}",
            ha="center",
            va="center",
            fontsize=13,
            color="white" if share > 0.5 else "black",
        )
    axes.set_xticks(range(len(STATES)), STATES)
    axes.set_yticks(range(len(STATES)), STATES)


def _rates_by_cutoff(axes: Axes, cutoffs: pd.DataFrame) -> None:
    axes.set(
        title="Approval rate, and bad rate with its 95 % interval",
        xlabel="Cut-off: approved below this probability of default",
        ylabel="Share",
        xlim=(0, 1),
        ylim=(0, 1.03),
    )
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    if cutoffs.empty:
        say(axes, "no matured loans yet")
        return
    x, best = cutoffs["cutoff"], _best(axes, cutoffs)
    for column, colour, name in (
        ("approval_rate", BLUE, "approval rate"),
        ("bad_rate", RED, "bad rate of the approved"),
    ):
        there = "" if np.isnan(best[column]) else f", {best[column]:.1%} there"
        axes.plot(x, cutoffs[column], color=colour, lw=2, label=name + there)
        axes.plot(best["cutoff"], best[column], "o", color=colour, ms=6)
    axes.fill_between(x, cutoffs["bad_rate_low"], cutoffs["bad_rate_high"], color=RED, alpha=0.2)
    axes.legend(loc="center right")


def _cost_by_cutoff(axes: Axes, cutoffs: pd.DataFrame, cost_ratio: float) -> None:
    axes.set(
        title=f"Expected cost, where a default costs {cost_ratio:g} lost profits",
        xlabel="Cut-off: approved below this probability of default",
        ylabel="Lost profits per loan",
        xlim=(0, 1),
    )
    if cutoffs.empty:
        say(axes, "no matured loans yet")
        return
    best = _best(axes, cutoffs)
    label = f"{best['cost_per_loan']:.3f} a loan there"
    axes.plot(cutoffs["cutoff"], cutoffs["cost_per_loan"], color=BLUE, lw=2, label=label)
    axes.plot(best["cutoff"], best["cost_per_loan"], "o", color=BLUE, ms=6)
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower right")


def _best(axes: Axes, cutoffs: pd.DataFrame) -> pd.Series:
    """The row of the recommended cut-off, which becomes a line."""
    best = cutoffs[cutoffs["recommended"]].iloc[0]
    label = f"recommended cut-off {best['cutoff']:.2f}"
    axes.axvline(best["cutoff"], color=GREY, ls="--", lw=1, label=label)
    return best
