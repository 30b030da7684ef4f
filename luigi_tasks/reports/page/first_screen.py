"""The first screen: how the champion does, why, since when, what has changed, what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from luigi_tasks.generations.audit_trail import Entry
from luigi_tasks.reports.markdown import NOTHING, count, interval, is_known, number, signed
from luigi_tasks.reports.page.facts import PageFacts
from luigi_tasks.reports.page.features import drifted
from luigi_tasks.reports.page.values import month_name
from luigi_tasks.reports.state import Finding, Level, champion_state, findings

_WINDOW = "window_performing_"
HEADLINES: dict[Level, str] = {
    "ok": "The champion does as it should",
    "watch": "The champion is to be watched",
    "retrain": "The champion is to be replaced",
    "incident": "The data are broken",
}


def first_screen(facts: PageFacts) -> dict[str, Any]:
    """state, headline, why, since, changes since the last report, what to do."""
    found = findings(
        facts.tables["monitoring"],
        facts.tables["incidents"],
        facts.tables["drift"],
        min_auc=facts.settings["governance.min_auc"],
        max_calibration_gap=facts.settings["governance.max_calibration_gap"],
    )
    newest = facts.decisions[-1] if facts.decisions else None
    state = champion_state(found, newest.state if newest else None)
    return {
        "state": state,
        "headline": HEADLINES[state],
        "why": [each.words for each in found] or ["no incident, no drift beyond chance"],
        "decision": _decision(newest),
        "since": _since(facts, state),
        "before": _day_before(facts),
        "changes": _changes(facts, state),
        "to_do": _to_do(facts, state, found),
    }


def _decision(newest: Entry | None) -> str:
    if newest is None:
        return "Governance has not decided on this champion yet."
    what = "has the champion retrained" if newest.action == "retrain" else "keeps the champion"
    return f"On {newest.as_of} governance {what}: {newest.reason}."


def _since(facts: PageFacts, state: Level) -> str:
    """The first of the decisions in a row that came to this state."""
    first: dt.date | None = None
    for entry in reversed(facts.decisions):
        found = [Finding("incident", "")] if entry.state == "incident" else []
        if champion_state(found, entry.state) != state:
            break
        first = entry.as_of
    if first is None:
        return f"{facts.as_of}, newly seen"
    decisions = sum(entry.as_of >= first for entry in facts.decisions)
    return f"the decision of {first}" + (
        f", {decisions} month ends in a row" if decisions > 1 else ""
    )


def _day_before(facts: PageFacts) -> str | None:
    days = [entry.as_of for entry in facts.decisions if entry.as_of < facts.as_of]
    return days[-1].isoformat() if days else None


# --- what has changed -------------------------------------------------------------------------


def _changes(facts: PageFacts, state: Level) -> list[dict[str, str]]:
    """measure, before, now, is_new: as known on the decision day before, and today."""
    before = _day_before(facts)
    if before is None:
        return []
    day = dt.date.fromisoformat(before)
    then = next(e for e in reversed(facts.decisions) if e.as_of == day)
    history, drifts = facts.tables["history"], facts.tables["drift history"]
    old = history[history["known_on"] == day].sort_values("month")
    earlier = drifts[drifts["known_on"] <= day]
    old_drift = earlier[earlier["known_on"] == earlier["known_on"].max()]
    drift = facts.tables["drift"]
    live = facts.live
    newest = live["month"].max() if len(live) else None
    new_drift = drift[
        (drift["generation"] == facts.generation)
        & (drift["sample"] == "live")
        & (drift["month"] == newest)
    ]
    said = champion_state([Finding("incident", "")] if then.state == "incident" else [], then.state)
    rows = [
        ("State", said, state),
        ("Newest live month", _newest(old), _newest(live)),
        ("Live loans scored", _total(old, "n"), _total(live, "n")),
        ("of them matured", _total(old, "n_matured"), _total(live, "n_matured")),
        ("AUC, newest window", _auc(old), _auc(live)),
        ("PSI of the score, newest window", _psi(old), _psi(live)),
        ("Mean score − default rate", _gap(old), _gap(live)),
        ("Features drifted, newest month", _drifted(old_drift), _drifted(new_drift)),
        ("Open incidents", _open(facts, day), _open(facts, None)),
    ]
    changes = [{"measure": name, "before": a, "now": b, "is_new": a != b} for name, a, b in rows]
    return [*changes, *_happened(facts, day)]


def _happened(facts: PageFacts, day: dt.date) -> list[dict[str, Any]]:
    """What was done to the model since a day, but for the decision of every month end."""
    return [
        {
            "measure": entry.action.replace("_", " ").capitalize(),
            "before": "",
            "now": f"generation {entry.generation} on {entry.as_of}",
            "is_new": True,
        }
        for entry in facts.entries
        if entry.as_of > day and entry.action != "keep"
    ]


def _newest(live: pd.DataFrame) -> str:
    return month_name(live["month"].iloc[-1]) if len(live) else "none"


def _total(live: pd.DataFrame, column: str) -> str:
    return count(live[column].sum()) if len(live) else "0"


def _last_known(live: pd.DataFrame, column: str) -> pd.Series | None:
    known = live[live[f"{_WINDOW}{column}"].notna()] if len(live) else live
    return known.iloc[-1] if len(known) else None


def _auc(live: pd.DataFrame) -> str:
    row = _last_known(live, "auc")
    if row is None:
        return NOTHING
    value = interval(*(row[f"{_WINDOW}auc{end}"] for end in ("", "_low", "_high")))
    return f"{value} up to {month_name(row['month'])}"


def _psi(live: pd.DataFrame) -> str:
    row = _last_known(live, "psi")
    if row is None:
        return NOTHING
    return (
        f"{number(row[f'{_WINDOW}psi'])} (chance up to {number(row[f'{_WINDOW}psi_chance_limit'])})"
    )


def _gap(live: pd.DataFrame) -> str:
    row = _last_known(live, "calibration_gap")
    return NOTHING if row is None else signed(row[f"{_WINDOW}calibration_gap"])


def _drifted(drift: pd.DataFrame) -> str:
    names = drifted(drift)
    if not len(drift):
        return NOTHING
    worst = drift.sort_values(["csi", "feature"], ascending=[False, True])["feature"]
    first = next((name for name in worst if name in names), None)
    return f"{len(names)} of {len(drift)}" + (f", most {first}" if first else "")


def _open(facts: PageFacts, day: dt.date | None) -> str:
    """How many incidents were open on a day; today without one."""
    table = facts.tables["incidents"]
    if day is None:
        return str(int(table["is_open"].astype(bool).sum()))
    return str(
        sum(
            row["first_month"] <= day
            and not (is_known(row["closed_month"]) and row["closed_month"] <= day)
            for row in table.to_dict("records")
        )
    )


# --- what to do -------------------------------------------------------------------------------


def _to_do(facts: PageFacts, state: Level, found: Sequence[Finding]) -> list[dict[str, str]]:
    """words, and the command that does it where there is one."""
    if state == "incident":
        return list(_mend(facts))
    if state == "retrain":
        return [_replace(facts)]
    about = {each.about for each in found}
    advice = [words for each, words in _ADVICE.items() if each in about]
    otherwise = (
        "Wait for more matured loans: what was seen may be chance."
        if state == "watch"
        else "Nothing. The next decision falls due with the next month end."
    )
    return [_told(words) for words in advice or [otherwise]]


def _told(words: str, command: str = "") -> dict[str, str]:
    return {"words": words, "command": command}


_ADVICE = {
    "score": "Look below at which features have drifted, and ask what changed in the intake.",
    "features": "Look at the bins of the drifted features. With a steady AUC they matter little.",
    "calibration": (
        "Take scores with care until the level is right again: see calibration by grade, and try "
        "training.calibration."
    ),
    "auc": "Find out which loans are ranked worse before the retrain that governance will ask for.",
    "no live loan": "Wait for the first loans to reach their prediction point.",
}


def _mend(facts: PageFacts) -> Iterator[dict[str, str]]:
    table = facts.tables["incidents"]
    extracts = sorted(set(table.loc[table["is_open"].astype(bool), "extract"]))
    yield _told(
        f"Have {' and '.join(extracts)} delivered whole again, then run the pipeline. Until then "
        "nothing is retrained, and scores rest on less than the model needs.",
        "luigi --module luigi_tasks Pipeline --local-scheduler",
    )
    for extract in extracts:
        yield _told(
            f"Or accept that {extract} stays so:",
            f"luigi --module luigi_tasks CloseIncident --extract {extract} --reason '…' "
            "--local-scheduler",
        )


def _replace(facts: PageFacts) -> dict[str, str]:
    if facts.pending:
        months = facts.settings["governance.shadow_months"]
        judged = f"after {months} months in shadow" if months else "at once"
        return _told(
            f"Run the pipeline: it trains and judges generation {facts.pending}, {judged}. A "
            "ruling takes effect, and is told here, from the day after.",
            "luigi --module luigi_tasks Pipeline --local-scheduler",
        )
    return _told(
        "Rely on the scores with care. A retrain follows by itself once enough loans from after "
        "the break have matured."
    )
