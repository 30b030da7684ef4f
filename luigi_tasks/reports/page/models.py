"""What the page shows of models: decisions, challenger, reasons, importance, fairness."""

from __future__ import annotations

from typing import Any

import pandas as pd

from luigi_tasks.generations.audit_trail import Entry
from luigi_tasks.generations.registry import months_after
from luigi_tasks.models.reason_codes import REASON_CODES
from luigi_tasks.reports.page.facts import PageFacts, of_champion
from luigi_tasks.reports.page.values import FEWEST, Rows, plain, rows_of

_FEATURES = 15
_LINE = 24  # letters of a label
_WORDS = {
    "keep": "kept",
    "retrain": "retrain asked for",
    "promote": "promoted",
    "reject": "rejected",
}


def decisions(facts: PageFacts) -> dict[str, Any]:
    """decisions: the audit trail up to the day. reigns: who was champion from when to when."""
    return {"decisions": [_decision(entry) for entry in facts.entries], "reigns": _reigns(facts)}


_LANES = {
    "keep": "month end",
    "retrain": "month end",
    "promote": "challenger",
    "reject": "challenger",
}


def _decision(entry: Entry) -> dict[str, Any]:
    return {
        "lane": _LANES.get(entry.action, "person" if entry.who else "publication"),
        "day": entry.as_of.isoformat(),
        "generation": entry.generation,
        "action": entry.action.replace("_", " "),
        "what": _WORDS.get(entry.action, "act of a person" if entry.who else "publication"),
        "by": "a person" if entry.who else "the pipeline",
        "state": entry.state or "",
        "reason": entry.reason,
        "raises": entry.next_generation,
    }


def _reigns(facts: PageFacts) -> Rows:
    first = facts.models[min(facts.models)].window.train_until
    starts = [max(reign.since, first) for reign in facts.reigns]
    return [
        {
            "generation": reign.generation,
            "model": facts.models[reign.generation].model_in_words,
            "name": f"generation {reign.generation}",
            "lane": "champion",
            "shade": "odd" if place % 2 else "even",
            "from": start.isoformat(),
            "to": end.isoformat(),
        }
        for place, (reign, start, end) in enumerate(
            zip(facts.reigns, starts, [*starts[1:], facts.as_of], strict=True)
        )
    ]


def challenger(facts: PageFacts) -> dict[str, Any]:
    """What stands about the newest challenger: in a sentence, and the figures of its ruling."""
    rulings = [e for e in facts.entries if e.action in ("promote", "reject")]
    if facts.pending:
        return {"words": _waits(facts, facts.pending), "ruling": None, "differences": []}
    if not rulings:
        words = "There is no challenger: no retrain has been asked for."
        return {"words": words, "ruling": None, "differences": []}
    newest = rulings[-1]
    champion = next(
        (e.generation for e in facts.entries if e.next_generation == newest.generation), None
    )
    return {
        "words": (
            f"No challenger waits. The last one, generation {newest.generation}, was "
            f"{_WORDS[newest.action]} on {newest.as_of}: {newest.reason}."
        ),
        "differences": _differences(newest),
        "ruling": plain(
            {
                "challenger": newest.generation,
                "champion": champion,
                "day": newest.as_of,
                "population": newest.limits.get("population"),
                "min_auc_gain": newest.limits.get("min_auc_gain"),
                **newest.facts,
            }
        ),
    }


def _differences(ruling: Entry) -> Rows:
    ends = ("difference", "difference_low", "difference_high")
    name = f"{ruling.facts.get('loans', 0):,} loans new to both"
    return [plain({"name": name, **{end: ruling.facts.get(end) for end in ends}})]


def _waits(facts: PageFacts, pending: int) -> str:
    asked = next(e for e in facts.entries if e.next_generation == pending)
    months = facts.settings["governance.shadow_months"]
    when = f"on {months_after(asked.as_of, months)}" if months else "by the next run of Pipeline"
    return (
        f"Generation {pending} was asked for on {asked.as_of} ({asked.reason}); it is trained, "
        f"and judged {when}."
    )


def reasons(facts: PageFacts) -> dict[str, Any]:
    """codes: how often each is told, first and at all. importance: by permutation."""
    own = of_champion(facts.tables["reasons"], facts.generation)
    ranks = [name for name in own.columns if str(name).startswith("reason_")]
    first = own["reason_1"].value_counts()
    any_rank = pd.concat([own[name] for name in ranks]).value_counts()
    n = len(own)
    codes: Rows = []
    for reason in REASON_CODES:
        told, strongest = int(any_rank.get(reason.code, 0)), int(first.get(reason.code, 0))
        if told >= FEWEST:
            codes.append(
                {
                    "code": reason.code,
                    "words": reason.words,
                    "name": _in_two_lines(f"{reason.code} {reason.words}"),
                    "told": told,
                    "told_share": told / n,
                    "first": strongest,
                    "first_share": strongest / n,
                }
            )
    codes.sort(key=lambda row: (-row["told"], row["code"]))
    importance = of_champion(facts.tables["importance"], facts.generation)
    ranked = importance.sort_values(["auc_drop", "feature"], ascending=[False, True])
    top = ranked.head(_FEATURES)
    ends = {
        "low": top["auc_drop"] - top["auc_drop_std"],
        "high": top["auc_drop"] + top["auc_drop_std"],
    }
    return {
        "n": n,
        "codes": plain(codes),
        "features": len(importance),
        "importance": rows_of(
            top.assign(**ends),
            ["generation", "feature", "auc_drop", "auc_drop_std", "low", "high", "auc", "n"],
        ),
    }


def _in_two_lines(words: str) -> str:
    """Words with a | where a label of a chart is broken, near their middle."""
    if len(words) <= _LINE:
        return words
    gaps = [i for i, letter in enumerate(words) if letter == " "]
    middle = min(gaps, key=lambda i: abs(2 * i - len(words)))
    return f"{words[:middle]}|{words[middle + 1 :]}"


def fairness(facts: PageFacts) -> dict[str, Any]:
    """groups: approval and calibration by group of customers, of performing loans."""
    table = facts.tables["fairness"]
    own = of_champion(table[table["population"] == "performing"], facts.generation)
    columns = [
        "generation",
        "column",
        "group",
        "n",
        "approval_rate",
        "approval_low",
        "approval_high",
        "n_matured",
        "default_rate",
        "default_low",
        "default_high",
        "calibration_gap",
        "gap_low",
        "gap_high",
    ]
    rows = rows_of(own, columns)
    for row in rows:
        for count in ("n", "n_matured"):
            if row[count] is not None and 0 < row[count] < FEWEST:
                row[count] = None
    return {"columns": list(dict.fromkeys(own["column"])), "groups": rows}
