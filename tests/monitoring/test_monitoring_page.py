"""docs/monitoring.md describes the columns of every monitoring table, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd
import pytest
from conftest import ROOT, day

from luigi_tasks.models.bins import freeze_bins
from luigi_tasks.models.metadata import ModelMetadata, Window
from luigi_tasks.monitoring import (
    calibration,
    cutoffs,
    estimation,
    fairness,
    importance,
    incidents,
    roll_rates,
    vintages,
)
from luigi_tasks.monitoring.table import PERFORMING, WINDOW, monitor
from luigi_tasks.monitoring.tally import tally

PAGE = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
PREFIXES = (WINDOW + PERFORMING, WINDOW, PERFORMING)


def monitored() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The monitoring table and the drift of features of two loans."""
    loans = pd.DataFrame(
        {
            "month": day("2024-05-01"),
            "vintage": day("2024-02-01"),
            "generation": 1,
            "sample": "live",
            "prediction_proba": [0.2, 0.8],
            "actual_label": [0.0, 1.0],
            "prediction_date": day("2024-05-01"),
            "label_date": day("2024-08-01"),
            "delinquent": False,
            "income": [1.0, 2.0],
        }
    )
    bins = freeze_bins(loans["prediction_proba"], 2)
    model = ModelMetadata(
        generation=1,
        champion="forest",
        metrics={},
        features=["income"],
        window=Window(train_until=day("2024-04-30"), sampled_from=None),
        parameters={},
        threshold=0.5,
        score_bins=bins,
        performing_score_bins=bins,
        feature_bins={"income": freeze_bins(loans["income"], 2)},
        requested_bins=2,
        libraries={},
    )
    limits = {"threshold": 0.5, "watch": 0.1, "critical": 0.2}
    tallies = tally([loans], {1: model}, day("2024-04-30"), 1e-4)
    return monitor(tallies, window_months=3, **limits)


def without_prefix(columns: Iterable[str]) -> set[str]:
    pattern = f"^({'|'.join(PREFIXES)})"
    return {re.sub(pattern, "", name) for name in columns}


def tables() -> dict[str, set[str]]:
    months, drift = monitored()
    return {
        "model_monitoring": without_prefix(map(str, months)),
        "feature_drift": set(drift),
        "incidents": set(incidents.SCHEMA.names),
        "reliability": set(calibration.RELIABILITY),
        "rating_grades": set(calibration.GRADES),
        "estimated_performance": set(estimation.COLUMNS),
        "fairness": set(fairness.COLUMNS),
        "feature_importance": set(importance.COLUMNS),
        "vintage_curves": set(vintages.COLUMNS),
        "roll_rates": set(roll_rates.COLUMNS),
        "cutoffs": set(cutoffs.COLUMNS),
    }


TABLES = tables()


def section(table: str) -> str:
    found = re.search(rf"^## {table}\.parquet\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert found, f"docs/monitoring.md has no section {table}.parquet"
    return found[1]


@pytest.mark.parametrize("table", TABLES)
def test_the_page_describes_every_column_of_a_table_once_and_no_other(table: str) -> None:
    described = re.findall(r"^\| `(\w+)` \| \S+", section(table), re.M)
    assert sorted(described) == sorted(TABLES[table])


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_page_says_what_a_prefix_of_the_monitoring_table_means(prefix: str) -> None:
    assert f"`{prefix}`" in section("model_monitoring")


def test_the_page_says_that_an_estimate_never_clears_a_model() -> None:
    assert "never clears a model" in section("estimated_performance")
