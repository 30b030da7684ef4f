"""What governance is worth: replays of many generated loan books, and what the gate lets through.

    python benchmarks/replay.py                           # concept drift, none, and the gate
    python benchmarks/replay.py --drift concept --seeds 4 --json found.json

Replay lives through 18 months of every book with governance on and off. The sample extracts have
ten live months, July 2024 to April 2025; a drift begins with the loans that start in June 2024,
which are scored in September 2024. The gate is tried with challengers that must not pass:

- shuffled: the first candidate of params.yaml is fitted on the labels of a book in another order,
  once for every seed, and held against the champion on the loans that governance held the real
  challenger against, by `contest.against_champion` and `gate.judge`. It takes a book in which a
  retrain was asked for: one with a drift.
- one percent: simulated scores of 500 loans, 20 % of them bad. Champion and challenger are two
  normal variables with a correlation of 0.9, whose AUCs are 0.72 and 0.73.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))
DRIFT_FROM, FIRST_BROKEN = "2024-06", "2024-09"
START, END = "2024-06", "2025-11"
LEAST_GAIN = 0.05
LOANS, BAD, AUCS, CORRELATION = 500, 100, (0.72, 0.73), 0.9
MANY = 1000

Found = dict[str, Any]


def run(*words: str, folder: Path) -> None:
    """A command in a folder, with the code of this project."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr[-2000:]}")


def replayed(customers: int, drift: str, seed: int, shuffles: Sequence[int]) -> Found:
    """What a replay of one book says, and what the gate says of shuffled challengers in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("params.yaml", "luigi.cfg"):
            shutil.copyfile(PROJECT / file, folder / file)
        changed = [] if drift == "none" else ["--drift", drift, "--drift-from", DRIFT_FROM]
        size = ["--customers", str(customers), "--seed", str(seed)]
        run("luigi_tasks", "sample-data", "--out", "data", *size, *changed, folder=folder)
        span = ["--start", START, "--end", END, "--local-scheduler"]
        run("luigi", "--module", "luigi_tasks", "Replay", *span, folder=folder)
        told = json.loads((folder / "reports" / "replay.json").read_text(encoding="utf-8"))
        policy = told["policies"][0]
        (governed,) = (folder / ".cache" / "replay").glob("*/*/on")
        trail = governed / "datamart" / "governance" / "decisions.jsonl"
        entries = [json.loads(line) for line in trail.read_text(encoding="utf-8").splitlines()]
        found: Found = {
            "customers": customers,
            "drift": drift,
            "seed": seed,
            "summary": policy["summary"],
            "gain_since_break": gain(policy, FIRST_BROKEN),
            "events": [
                {"day": e["as_of"], "action": e["action"], "reason": e["reason"]}
                for e in entries
                if e["action"] != "keep"
            ],
            "waiting": sum(e.get("state") == "waiting" for e in entries),
            "months": {key: policy[key] for key in ("governance_on", "governance_off")},
            "shuffled": [],
        }
        if policy["summary"]["retrains"] and shuffles:
            with inside(governed):
                found["shuffled"] = [shuffled_challenger(each) for each in shuffles]
    return found


def gain(policy: Found, since: str) -> float | None:
    """The mean difference of the AUCs with governance and without, from a month on."""
    both = zip(policy["governance_on"], policy["governance_off"], strict=True)
    gains = [on["auc"] - off["auc"] for on, off in both if on["month"] >= since and on["auc"]]
    return sum(gains) / len(gains) if gains else None


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """The working directory within the block."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def limits() -> dict[str, Any]:
    """What the gate is told of params.yaml."""
    from luigi_tasks.core.settings import read

    names = ("population", "min_auc", "min_auc_gain", "max_approval_change", "max_calibration_loss")
    settings = read(PROJECT / "params.yaml")
    return {name: settings[f"governance.{name}"] for name in names}


def shuffled_challenger(seed: int) -> Found:
    """Whether one that has learnt from shuffled labels is promoted in place of generation 2."""
    import numpy as np
    import pandas as pd

    from luigi_tasks.core.settings import read
    from luigi_tasks.governance.gate import judge
    from luigi_tasks.models.contest import against_champion
    from luigi_tasks.models.rolling import ALL, out_of_time_scores
    from luigi_tasks.models.training_sets import read_training_frame

    settings = read(Path("params.yaml"))
    frame = read_training_frame(Path("datamart/gold/training_data/generation_2"))
    name, spec = next(iter(settings["training.candidates"].items()))
    order = np.random.default_rng(seed).permutation(len(frame))
    learnt = frame.assign(label=frame["label"].to_numpy()[order])
    scores = pd.concat(out_of_time_scores(name, spec, learnt, seed))
    scores = scores[scores["window"] == ALL].set_index("row")["score"]
    held_out = frame[frame["origin"] > 0]
    against = against_champion(
        1, held_out, scores.loc[held_out.index].to_numpy(), settings["predictions.threshold"]
    )
    rulings = [judge(against, is_condemned=each, **limits()) for each in (True, False)]
    return {
        "seed": seed,
        "auc": against.performing.challenger_auc,
        "champion_auc": against.performing.champion_auc,
        "promoted": any(ruling.is_promoted for ruling in rulings),
    }


def one_percent_better(seed: int) -> Found:
    """Whether a challenger whose AUC is 0.01 better is promoted on what 500 loans show."""
    import numpy as np
    from scipy.stats import norm

    from luigi_tasks.governance.gate import judge
    from luigi_tasks.models.comparison import compare
    from luigi_tasks.models.metadata import AgainstChampion

    random = np.random.default_rng(seed)
    labels = np.arange(LOANS) < BAD
    shared, *own = random.normal(size=(3, LOANS))
    scores = []
    for auc, each in zip(AUCS, own, strict=True):
        seen = np.sqrt(CORRELATION) * shared + np.sqrt(1 - CORRELATION) * each
        distance = np.sqrt(2) * norm.ppf(auc)
        odds = distance * (seen + distance * labels) - distance**2 / 2 + np.log(BAD / (LOANS - BAD))
        scores.append(1 / (1 + np.exp(-odds)))
    found = compare(labels, *scores, 0.5)
    ruling = judge(AgainstChampion(1, None, found, found), is_condemned=False, **limits())
    return {"seed": seed, "difference": found.difference, "promoted": ruling.is_promoted}


def told_of_concept(found: list[Found]) -> list[str]:
    """Whether one break was answered once, and what that was worth."""
    counts = [(f["summary"]["retrains"], f["summary"]["promotions"]) for f in found]
    once = [count == (1, 1) for count in counts]
    enough = [(f["gain_since_break"] or 0) >= LEAST_GAIN for f in found]
    gains = [f["gain_since_break"] or 0 for f in found]
    after = [f["summary"]["mean_difference"] or 0 for f in found]
    return [
        f"one retrain, promoted: {sum(once)} of {len(found)}; missed: {missed(found, once)}",
        f"mean AUC since the break at least {LEAST_GAIN} above governance off: {sum(enough)} of "
        f"{len(found)}; missed: {missed(found, enough)}",
        f"gain since the break: mean {sum(gains) / len(gains):+.4f}, least {min(gains):+.4f}; "
        f"after the promotion: mean {sum(after) / len(after):+.4f}, least {min(after):+.4f}",
        *events_of(found),
    ]


def told_of_none(found: list[Found]) -> list[str]:
    """Whether anything was promoted although nothing had changed."""
    still = [not f["summary"]["promotions"] for f in found]
    return [
        f"no promotion: {sum(still)} of {len(found)}; missed: {missed(found, still)}",
        *events_of(found),
    ]


def missed(found: list[Found], kept: list[bool]) -> list[int]:
    """The seeds of the books that do not keep a promise."""
    return [f["seed"] for f, is_kept in zip(found, kept, strict=True) if not is_kept]


def events_of(found: list[Found]) -> list[str]:
    """Retrains, promotions and rejections, with their days."""
    return [
        f"seed {f['seed']}: " + (", ".join(f"{e['day']} {e['action']}" for e in f["events"]) or "-")
        for f in found
    ]


def told_of_gate(shuffled: list[Found], better: list[Found]) -> list[str]:
    """How many of those that must not pass have passed."""
    few = better[:20]
    seen = [b for b in better if abs(b["difference"] - 0.01) < 0.002]
    return [
        f"shuffled labels: {promoted(shuffled)} promoted",
        f"0.01 better, simulated on {LOANS} loans: {promoted(few)} promoted; of many seeds "
        f"{promoted(better)}",
        f"of those, seen to be 0.008 to 0.012 better: {promoted(seen)} promoted",
    ]


def promoted(found: list[Found]) -> str:
    return f"{sum(f['promoted'] for f in found)} of {len(found)}"


def main() -> None:
    """Replay book after book, and say what they show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, help="books of each kind")
    parser.add_argument("--first-seed", type=int, default=101)
    parser.add_argument("--customers", type=int, default=12_500)
    parser.add_argument("--drift", nargs="+", choices=("concept", "none"))
    parser.add_argument("--json", type=Path, help="write every replay to this file")
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    everything: list[Found] = []
    shuffled: list[Found] = []
    for drift in arguments.drift or ("concept", "none"):
        found: list[Found] = []
        for seed in seeds:
            started = time.monotonic()
            # Twenty shuffles in all: of the first book that has a challenger.
            shuffles = range(20) if drift != "none" and not shuffled else ()
            book = replayed(arguments.customers, drift, seed, shuffles)
            found.append(book)
            shuffled += book["shuffled"]
            print(f"{drift}, seed {seed}: {time.monotonic() - started:.0f} s", flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps([*everything, *found], indent=1), "utf-8")
        everything += found
        lines = told_of_none(found) if drift == "none" else told_of_concept(found)
        print(f"{arguments.customers} customers, drift: {drift}")
        print("".join(f"  {line}\n" for line in lines), flush=True)
    better = [one_percent_better(seed) for seed in range(MANY)]
    print("the gate")
    print("".join(f"  {line}\n" for line in told_of_gate(shuffled, better)), flush=True)


if __name__ == "__main__":
    main()
