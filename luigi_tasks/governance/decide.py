"""Whether the champion is retrained: what the newest live months break, and what follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd


def breaches(
    live: pd.DataFrame, *, min_auc: float, max_psi: float, min_matured: int, min_scored: int
) -> list[str]:
    """What the newest live months break, as sentences. A new rule is a sentence more.

    AUC counts at the newest month whose window holds `min_matured` matured loans, PSI at the
    newest month whose window holds `min_scored` scored loans.
    """
    broken = []
    ordered = live.sort_values("month")
    matured = ordered[(ordered["window_n_matured"] >= min_matured) & ordered["window_auc"].notna()]
    if len(matured) and (row := matured.iloc[-1])["window_auc"] < min_auc:
        broken.append(
            f"AUC {row['window_auc']:.4f} [{row['window_auc_low']:.4f}, "
            f"{row['window_auc_high']:.4f}] < {min_auc:g} on {row['window_n_matured']} matured "
            f"live loans up to {row['month']}"
        )
    scored = ordered[ordered["window_n"] >= min_scored]
    if len(scored) and (row := scored.iloc[-1])["window_psi"] >= max_psi:
        broken.append(
            f"PSI {row['window_psi']:.4f} >= {max_psi:g} on {row['window_n']} live loans up to "
            f"{row['month']}"
        )
    return broken


@dataclass(frozen=True)
class Verdict:
    """What is decided on a day's monitoring, why, and how many labels have matured since."""

    action: Literal["keep", "retrain"]
    reason: str
    newly_matured_labels: int


def decide(monitoring: pd.DataFrame, generation: int, limits: dict[str, float]) -> Verdict:
    """Keep the model of a generation, or have it retrained when a limit is broken.

    There is no retrain without labels that matured after the model's `train_until`. `limits` are
    the keyword arguments of `breaches`.
    """
    own = monitoring[monitoring["generation"] == generation]
    live = own[own["sample"] == "live"]
    new_labels = int(monitoring["n_new_labels"].sum())
    broken = breaches(live, **limits)  # type: ignore[arg-type]
    if not broken:
        reason = "no limit is broken" if len(live) else "no live loan has been scored yet"
        return Verdict("keep", reason, new_labels)
    if not new_labels:
        reason = "; ".join(broken) + "; but no label has matured since"
        return Verdict("keep", reason, new_labels)
    return Verdict("retrain", "; ".join(broken), new_labels)
