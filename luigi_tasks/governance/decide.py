"""Whether the champion is retrained: what the newest live months break, and what follows.

Three kinds of trouble have three answers. A data incident is mended, and no model is retrained on
it. Drift that no label confirms yet is watched. A retrain is asked for when a limit is broken
beyond chance and enough loans from after the break have matured to learn from.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from luigi_tasks.generations.audit_trail import State
from luigi_tasks.monitoring.drift import CHANCE

# |z| beyond which chance explains a calibration gap once in a thousand times.
_Z999 = 3.290526731491926


@dataclass(frozen=True)
class Breach:
    """A limit that is broken, in a sentence; whether chance cannot explain it, and since when."""

    sentence: str
    is_certain: bool
    since: dt.date


@dataclass(frozen=True)
class Verdict:
    """What is decided on a day's monitoring, why, and how many labels have matured since.

    `since` is the first month of the break for which a retrain is asked.
    """

    action: Literal["keep", "retrain"]
    state: State
    reason: str
    newly_matured_labels: int
    since: dt.date | None = None


def breaches(
    live: pd.DataFrame,
    *,
    population: str,
    min_auc: float,
    max_psi: float,
    min_matured: int,
    min_scored: int,
) -> list[Breach]:
    """What the newest live months break of the limits that ask for a retrain.

    AUC counts at the newest month whose window holds `min_matured` matured loans, PSI at the
    newest month whose window holds `min_scored` scored loans, both of `population` (performing or
    all). An AUC is certainly below its limit when its 95 % interval is; an index when it is beyond
    its chance limit and its p-value below CHANCE.
    """
    own = "" if population == "all" else f"{population}_"
    window = f"window_{own}"
    loans = "live loans" if population == "all" else f"{population} live loans"
    ordered = live.sort_values("month")
    broken = []
    matured = ordered[
        (ordered[f"{window}n_matured"] >= min_matured) & ordered[f"{window}auc"].notna()
    ]
    if len(matured) and (row := matured.iloc[-1])[f"{window}auc"] < min_auc:
        auc, low, high = (row[f"{window}{name}"] for name in ("auc", "auc_low", "auc_high"))
        broken.append(
            Breach(
                f"AUC {auc:.4f} [{low:.4f}, {high:.4f}] < {min_auc:g} on "
                f"{row[f'{window}n_matured']} matured {loans} up to {row['month']}",
                bool(high < min_auc),
                _since(ordered, ordered[f"{own}auc"], below=min_auc),
            )
        )
    scored = ordered[ordered[f"{window}n"] >= min_scored]
    if len(scored) and (row := scored.iloc[-1])[f"{window}psi"] >= max_psi:
        psi, chance = row[f"{window}psi"], row[f"{window}psi_chance_limit"]
        is_certain = psi > chance and row[f"{window}psi_p_value"] < CHANCE
        broken.append(
            Breach(
                f"PSI {psi:.4f} >= {max_psi:g} (chance gives up to {chance:.4f}) on "
                f"{row[f'{window}n']} {loans} up to {row['month']}",
                bool(is_certain),
                _since(ordered, ordered[f"{own}psi"], from_on=max_psi),
            )
        )
    return broken


def _since(
    rows: pd.DataFrame,
    values: pd.Series,
    *,
    below: float = -math.inf,
    from_on: float = math.inf,
) -> dt.date:
    """The first of the newest months that break a limit by themselves, one after the other.

    Months without a value of their own are passed over; when the newest that has one breaks no
    limit, the break is as old as that month.
    """
    known = rows[values.notna()]
    first: dt.date = known["month"].iloc[-1]
    for month, value in zip(known["month"][::-1], values[known.index][::-1], strict=True):
        if not (value < below or value >= from_on):
            break
        first = month
    return first


def warnings(
    live: pd.DataFrame, *, population: str, max_calibration_gap: float, min_matured: int
) -> list[str]:
    """What is to be watched in the newest live months, as sentences. A new one is a line more."""
    if live.empty:
        return []
    prefix = "window_" if population == "all" else f"window_{population}_"
    ordered = live.sort_values("month")
    newest = ordered.iloc[-1]
    found = []
    if newest[f"{prefix}psi_level"] != "none":
        found.append(f"PSI {newest[f'{prefix}psi']:.4f} up to {newest['month']}")
    if newest["drifted_features"]:
        found.append(
            f"{newest['drifted_features']} features have drifted in {newest['month']:%b %Y}, most "
            f"of all {newest['csi_max_feature']}"
        )
    matured = ordered[ordered[f"{prefix}n_matured"] >= min_matured]
    if len(matured):
        gap, z = (matured.iloc[-1][f"{prefix}calibration_{name}"] for name in ("gap", "z"))
        if abs(gap) > max_calibration_gap and abs(z) > _Z999:
            word = "high" if gap > 0 else "low"
            month = matured.iloc[-1]["month"]
            found.append(f"scores are {abs(gap):.3f} too {word} (z = {z:.1f}) up to {month}")
    return found


def decide(
    monitoring: pd.DataFrame,
    incidents: Sequence[str],
    generation: int,
    limits: Mapping[str, Any],
) -> Verdict:
    """Keep the model of a generation, or have it retrained.

    `incidents` are the open ones, in words. `limits` are the keyword arguments of `breaches` and
    `warnings`, and `min_new_labels`: how many loans of the months from a break on have to have
    matured, after the model's `train_until`, before anything can be learnt from it.
    """
    limits = dict(limits)
    needed, gap = limits.pop("min_new_labels"), limits.pop("max_calibration_gap")
    own = monitoring[monitoring["generation"] == generation]
    live = own[own["sample"] == "live"]
    new_labels = int(monitoring["n_new_labels"].sum())

    def verdict(action: Literal["keep", "retrain"], state: State, *reasons: str) -> Verdict:
        return Verdict(action, state, "; ".join(reasons), new_labels)

    broken = breaches(live, **limits)
    certain = [breach for breach in broken if breach.is_certain]
    sentences = [breach.sentence for breach in certain]
    if incidents:
        waiting = ["no retrain while an incident is open"] if certain else []
        return verdict("keep", "incident", *incidents, *sentences, *waiting)
    if certain:
        since = min(breach.since for breach in certain)
        fresh = int(live.loc[live["month"] >= since, "n_new_labels"].sum())
        if fresh >= needed:
            return replace(verdict("retrain", "retrain", *sentences), since=since)
        waits = f"waits for {needed} matured loans from {since:%b %Y} on to learn from: now {fresh}"
        return verdict("keep", "waiting", *sentences, waits)
    doubtful = [f"{breach.sentence}, which may be chance" for breach in broken]
    watched = warnings(
        live,
        population=limits["population"],
        max_calibration_gap=gap,
        min_matured=limits["min_matured"],
    )
    if doubtful or watched:
        return verdict("keep", "watch", *doubtful, *watched)
    return verdict(
        "keep", "ok", "no limit is broken" if len(live) else "no live loan has been scored yet"
    )
