"""How far performance that is estimated before labels mature lies from what is realised then.

    python benchmarks/estimates.py [--customers N ...] [--seeds S ...] [FOLDER ...]

For every number of customers and seed, data without drift are generated in a temporary folder; a
FOLDER is a project with extracts of its own (data/, params.yaml, luigi.cfg). The pipeline runs
there up to EstimatedPerformance as of the newest day, when all labels have matured. `month` are the
rows of that table; for `3 months` and `all` loans of so many months together are estimated by what
was known in the first of them, as for a month. Difference: estimated − realised AUC.

`as scored` takes the scores for probabilities, `calibrated` is what the pipeline does. `perfect` is
the share that would be within WITHIN if nothing but chance made a realised AUC differ, by the
standard error of DeLong: with a hundred loans a month, no estimate can be nearer. `covered` is the
share of the realised AUC that lie in the interval of the estimate, which promises 0.95.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from features import ROOT, project
from scipy.stats import norm

from luigi_tasks.models.metrics import Z95, auc_interval
from luigi_tasks.monitoring.estimation import estimate
from luigi_tasks.monitoring.populations import populations, read_unknown_to_models
from luigi_tasks.monitoring.score_lines import AS_SCORED, belief_from

WITHIN, MATURES_AFTER, LENGTHS = 0.03, 3, {"month": 1, "3 months": 3, "all": 100}


def windows(loans: pd.DataFrame, length: int) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Loans of so many months without overlap, and those whose labels were known before."""
    number = loans["month"].map(lambda day: 12 * day.year + day.month)
    months = sorted(number.unique())
    for start in range(0, len(months), length):
        own = months[start : start + length]
        if len(own) == min(length, len(months)):
            yield loans[number.isin(own)], loans[number <= own[0] - MATURES_AFTER]


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """One row a population, window and way to estimate, of the first generation."""
    luigi = [str(Path(sys.executable).with_name("luigi")), "--module", "luigi_tasks"]
    subprocess.run(
        [*luigi, "EstimatedPerformance", "--local-scheduler"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True,
    )  # fmt: skip
    gold = folder / "datamart" / "gold"
    table = pd.read_parquet(gold / "estimated_performance.parquet")
    table = table[table["metric"] == "auc"].set_index(["month", "population"])
    scored = read_unknown_to_models(gold / "model_predictions.parquet")
    scored = scored[scored["actual_label"].notna() & (scored["generation"] == 1)]
    rows = []
    for window, length in LENGTHS.items():
        for loans, known in windows(scored, length):
            for way, belief in (("as scored", AS_SCORED), ("calibrated", belief_from(known))):
                for population, own in populations(loans).items():
                    late = own["delinquent"].to_numpy(dtype=bool)
                    scores = own["prediction_proba"].to_numpy(dtype=float)
                    found = estimate(scores, 0.5, late, belief)
                    auc, low, high = auc_interval(own["actual_label"].to_numpy(dtype=float), scores)
                    if way == "calibrated" and window == "month":
                        published = table.loc[(own["month"].iloc[0], population), "estimated"]
                        assert np.isclose(published, found.expected[0])
                    error = max((high - low) / 2 / Z95, 1e-9)
                    rows.append(
                        {
                            "population": population,
                            "window": window,
                            "way": way,
                            "loans": len(own),
                            "difference": found.expected[0] - auc,
                            "perfect": 1 - 2 * norm.sf(WITHIN / error),
                            "covered": found.low[0] <= auc <= found.high[0],
                        }
                    )
    return rows


def summary(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The table that is printed, by population, window and way."""
    frame = pd.DataFrame(rows)
    frame["distance"] = frame["difference"].abs()
    frame["within"] = frame["distance"] <= WITHIN
    groups = frame.groupby(["population", "window", "way"], sort=False)
    return pd.DataFrame(
        {
            "windows": groups.size(),
            "loans": groups["loans"].mean().round(),
            "mean": groups["difference"].mean(),
            "mean distance": groups["distance"].mean(),
            "max distance": groups["distance"].max(),
            f"within {WITHIN}": groups["within"].mean(),
            "perfect": groups["perfect"].mean(),
            "covered": groups["covered"].mean(),
        }
    ).round(3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, nargs="*", default=[3_000, 12_500])
    parser.add_argument("--seeds", type=int, nargs="*", default=[21, 22, 23, 24, 25])
    parser.add_argument("folders", type=Path, nargs="*")
    arguments = parser.parse_args()
    for folder in arguments.folders:
        print(f"\n{folder.name}\n{summary(rows_of(folder)).to_string()}", flush=True)
    for customers in arguments.customers:
        rows = []
        for seed in arguments.seeds:
            with project(customers, seed) as folder:
                rows += rows_of(folder)
            print(customers, seed, file=sys.stderr, flush=True)
        if rows:
            print(f"\n{customers:,} customers, seeds {arguments.seeds}")
            print(summary(rows).to_string(), flush=True)


if __name__ == "__main__":
    main()
