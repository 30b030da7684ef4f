"""Whether a challenger takes the champion's place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luigi_tasks.core.records import as_json
from luigi_tasks.models.comparison import compare
from luigi_tasks.models.metadata import AgainstChampion, Comparison

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Ruling:
    """Whether the challenger is promoted, why, and the figures."""

    is_promoted: bool
    reason: str
    facts: dict[str, Any]


def judge(
    against: AgainstChampion,
    *,
    is_condemned: bool,
    population: str,
    min_auc: float,
    min_auc_gain: float,
    max_approval_change: float,
    max_calibration_loss: float,
) -> Ruling:
    """Promote a challenger or not, by the loans that are new to both models.

    It is promoted when its AUC is more than `min_auc_gain` higher, beyond chance (all of the 95 %
    interval of the difference is above that), and neither the share of approved loans nor the
    distance of mean score and default rate changes for the worse by more than its limit. Where
    the champion is condemned (governance has asked for the retrain because it broke a limit) it is
    enough that the challenger reaches `min_auc` and is not worse beyond chance.
    """
    found: Comparison = getattr(against, population)
    facts = as_json(found)
    if found.difference is None:
        return Ruling(False, "no two classes among the loans that are new to both", facts)
    figures = (
        f"AUC {found.challenger_auc:.4f} against {found.champion_auc:.4f}, difference "
        f"{found.difference:+.4f} [{found.difference_low:+.4f}, {found.difference_high:+.4f}] on "
        f"{found.loans} loans that are new to both"
    )
    objections = list(_objections(found, max_approval_change, max_calibration_loss))
    is_better = (found.difference_low or 0.0) > min_auc_gain
    if is_better and not objections:
        return Ruling(True, f"{figures}: better beyond chance", facts)
    reaches = (found.challenger_auc or 0.0) >= min_auc
    if is_condemned and reaches and (found.difference_high or 0.0) >= 0:
        return Ruling(True, f"{figures}: the champion is condemned", facts)
    if not is_better:
        objections = [
            f"not {min_auc_gain:g} better beyond chance",
            *([f"below {min_auc:g}"] if is_condemned and not reaches else []),
        ]
    return Ruling(False, f"{figures}: {'; '.join(objections)}", facts)


def shadow_comparison(
    scores: pd.DataFrame, day: dt.date, *, champion: int, threshold: float, min_matured: int
) -> AgainstChampion | None:
    """What the months in shadow say of both models, of the loans that have matured by a day.

    `scores` are the ShadowScores. None with fewer than `min_matured` performing ones.
    """
    matured = scores[scores["label"].notna() & (scores["label_date"] <= day)]
    performing = matured[~matured["delinquent"].astype(bool)]
    if len(performing) < min_matured:
        return None
    return AgainstChampion(
        champion=champion,
        loans=None,
        all=_compared(matured, threshold),
        performing=_compared(performing, threshold),
    )


def _compared(loans: pd.DataFrame, threshold: float) -> Comparison:
    return compare(
        loans["label"].astype("float64"),
        loans["prediction_proba"],
        loans["shadow_proba"],
        threshold,
    )


def _objections(found: Comparison, max_approval_change: float, max_loss: float) -> Iterator[str]:
    changed = (found.challenger_approval_rate or 0) - (found.champion_approval_rate or 0)
    if abs(changed) > max_approval_change:
        yield f"it would approve {changed:+.1%} of the loans, more than {max_approval_change:.0%}"
    loss = abs(found.challenger_gap or 0) - abs(found.champion_gap or 0)
    if loss > max_loss:
        yield f"its scores are {loss:.3f} further from the default rate"
