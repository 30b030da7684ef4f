"""False alarms and power of monitoring and governance, over many generated loan books.

    python benchmarks/false_alarms.py                     # without drift, then every drift
    python benchmarks/false_alarms.py --drift none --seeds 3 --customers 3000

A history is one book: the first model is trained, then governance decides on every month end as
on that day, with all that these decisions bring about. The sample extracts have ten live months
for the first model; a drift begins with the loans that start in June 2024, which are scored in
September 2024 and have matured in December 2024.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
DRIFT_FROM, FIRST_SCORED, FIRST_MATURED = "2024-06", "2024-09-01", "2024-12-01"
# Ten months are live, and on this day all has matured.
LAST = "2025-11-01"
DRIFTS = ("none", "clickstream-outage", "income-shift", "concept")

History = dict[str, Any]


def history(customers: int, drift: str, seed: int) -> History:
    """What happened in one book: decisions, incidents and live months, in a process of its own."""
    sys.path.insert(0, str(PROJECT))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in ("params.yaml", "luigi.cfg"):
            shutil.copyfile(PROJECT / name, name)
        found = _live_through(customers, None if drift == "none" else drift, seed)
        os.chdir(PROJECT)
    return {"customers": customers, "drift": drift, "seed": seed, **found}


def _live_through(customers: int, drift: str | None, seed: int) -> dict[str, Any]:
    import datetime as dt

    import luigi

    from luigi_tasks import Governance, Monitoring
    from luigi_tasks.core import tables
    from luigi_tasks.extracts.sample_data import generate
    from luigi_tasks.generations.audit_trail import read_trail
    from luigi_tasks.monitoring.incident_stage import Incidents

    months = {"drift": drift, "drift_from": DRIFT_FROM} if drift else {}
    generate(Path("data"), customers=customers, seed=seed, **months)
    last = dt.date.fromisoformat(LAST)
    for task in (Governance, Incidents):  # the second for the champion that the first leaves
        if not luigi.build([task(as_of=last)], local_scheduler=True, log_level="ERROR"):
            raise RuntimeError(f"{customers} customers, {drift}, seed {seed}: failed")
    trail, moment = read_trail(), Governance(as_of=last).moment
    told = [entry for entry in trail if entry.state == "incident"]
    incidents = tables.read(Incidents(**moment).path()).to_pylist()
    monitoring = Monitoring(**moment)
    live = tables.read(monitoring.path("drift")).to_pandas().query("sample == 'live'")
    own = tables.read(monitoring.path()).to_pandas().query("sample == 'live'")
    return {
        "decisions": [
            {"day": str(d.as_of), "action": d.action, "state": d.state, "reason": d.reason}
            for d in trail
        ],
        "incidents": {
            f"{each['extract']} {each['first_month']}": next(
                (str(entry.as_of) for entry in told if each["extract"] in entry.reason), None
            )
            for each in incidents
        },
        "drifted": {
            str(month): rows["feature"].to_list()
            for month, rows in live[live["level"] != "none"].groupby("month")
        },
        "months": json.loads(
            own[["month", "generation", "psi_level", "performing_psi_level", "performing_auc"]]
            .assign(month=own["month"].map(str))
            .to_json(orient="records")
        ),
    }


def retrains(found: History) -> list[str]:
    """The days on which a retrain was decided."""
    return [d["day"] for d in found["decisions"] if d["action"] == "retrain"]


def is_caught_as_incident(found: History) -> bool:
    """One incident, of the clickstream, opened in its first month, and no retrain."""
    return found["incidents"] == {
        f"feature_clickstream {FIRST_SCORED}": FIRST_SCORED
    } and not retrains(found)


def is_named(found: History) -> bool:
    """The drifted feature is named in the first month."""
    return "Annual_Income" in found["drifted"].get(FIRST_SCORED, [])


def is_answered(found: History) -> bool:
    """A retrain within two months of the first matured evidence, and none before."""
    days = retrains(found)
    return bool(days) and FIRST_MATURED <= days[0] <= "2025-02-01"


CAUGHT: dict[str, tuple[str, Callable[[History], bool]]] = {
    "clickstream-outage": ("one incident in its first month, no retrain", is_caught_as_incident),
    "income-shift": ("Annual_Income named in its first month", is_named),
    "concept": ("retrain within two months of the first matured evidence", is_answered),
}


def told_without_drift(found: list[History]) -> list[str]:
    """The false alarms of books without drift."""
    months = [month for book in found for month in book["months"]]
    critical = {
        name: sum(month[name] == "critical" for month in months)
        for name in ("psi_level", "performing_psi_level")
    }
    drifted = [sum(map(len, book["drifted"].values())) for book in found]
    return [
        f"false retrains: {sum(len(retrains(book)) for book in found)} in {len(found)} histories",
        f"score critical, all loans: {critical['psi_level']} of {len(months)} months",
        f"score critical, performing: {critical['performing_psi_level']} of {len(months)} months",
        f"drifted features a history: {sum(drifted) / len(drifted):.2f} "
        f"(most in one: {max(drifted)})",
        f"incidents: {sum(len(book['incidents']) for book in found)}",
    ]


def main() -> None:
    """Live through all histories, two at a time, and say what they show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, help="books of each kind")
    parser.add_argument("--first-seed", type=int, default=101)
    parser.add_argument("--customers", type=int, nargs="+", default=[12_500, 3_000])
    parser.add_argument("--drift", nargs="+", choices=DRIFTS, default=list(DRIFTS))
    parser.add_argument("--json", type=Path, help="write every history to this file")
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    everything: list[History] = []
    spawned = get_context("spawn")
    for drift in arguments.drift:
        for customers in arguments.customers:
            started = time.monotonic()
            with ProcessPoolExecutor(2, mp_context=spawned, max_tasks_per_child=1) as processes:
                found = list(processes.map(partial(history, customers, drift), seeds))
            everything += found
            print(f"{customers} customers, drift: {drift} ({time.monotonic() - started:.0f} s)")
            if drift == "none":
                lines = told_without_drift(found)
            else:
                what, test = CAUGHT[drift]
                missed = [book["seed"] for book in found if not test(book)]
                lines = [f"{what}: {len(found) - len(missed)} of {len(found)}; missed: {missed}"]
            print("".join(f"  {line}\n" for line in lines), flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps(everything, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
