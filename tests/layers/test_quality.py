"""The quality check reports every row, reason and null, and stops a run that loses too much."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import ATTRIBUTES, CLICKSTREAM, FINANCIALS, LOANS
from small_tables import csv_text

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.layers.bronze import Bronze
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.layers.quality import QualityCheck
from luigi_tasks.layers.silver import Silver


def run_check(
    empty_project: Path, *people: dict[str, str], loan: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The quality report on customers with these attributes, all sound otherwise.

    `loan` is what stands in the row of every loan.
    """
    ids = [{"Customer_ID": f"CUS_{i}"} for i in range(len(people))]
    loans = [{**row, "loan_id": f"LOAN_{i}", **(loan or {})} for i, row in enumerate(ids)]
    texts = {
        ATTRIBUTES: csv_text(ATTRIBUTES, *({**i, **p} for i, p in zip(ids, people, strict=True))),
        FINANCIALS: csv_text(FINANCIALS, *ids),
        LOANS: csv_text(LOANS, *loans),
        CLICKSTREAM: csv_text(CLICKSTREAM, *ids),
    }
    for name, text in texts.items():
        (empty_project / "data" / f"{name}.csv").write_text(text)
        Bronze(table=name).run()
        Silver(table=name).run()
    QualityCheck().run()
    report: dict[str, Any] = json.loads(
        (empty_project / "reports" / "data_quality.json").read_text()
    )
    return report


def test_the_report_counts_every_row_every_reason_and_every_null(empty_project: Path) -> None:
    report = run_check(empty_project, {"Age": "-500"}, {"Occupation": "_______"}, {}, {})
    assert report["customers"] == {
        "total": 4,
        "flagged": 1,
        "limit": 0.3,
        "reasons": {"age outside 18-100": 1},
    }
    assert report["nulls"][ATTRIBUTES] == {"Occupation": {"placeholder": 1}}
    assert report["tables"][LOANS] == {
        "csv": 4,
        "malformed": 0,
        "bronze": 4,
        "not keyed or dated": 0,
        "silver": 4,
        "of flagged customers": 1,
        "passed": 3,
    }
    assert GoldFeatures().requires()["flags"].complete()


def test_too_many_flagged_customers_stop_the_run_and_leave_no_report(empty_project: Path) -> None:
    with pytest.raises(PipelineError, match=r"2 of 4 customers are flagged.*max_flagged_share"):
        run_check(empty_project, {"Age": "-500"}, {"SSN": "x"}, {}, {})
    assert not (empty_project / "reports" / "data_quality.json").exists()


def test_too_many_quarantined_rows_stop_the_run(empty_project: Path) -> None:
    with pytest.raises(PipelineError, match=r"features_attributes\.csv .*max_quarantined_share"):
        run_check(empty_project, {}, {}, {"snapshot_date": "31/2/2023"})


@pytest.mark.parametrize("text", ["1.000,00", "1,000.00", "1 000"])
def test_a_column_written_in_another_way_stops_the_run_and_is_named(
    empty_project: Path, text: str
) -> None:
    expected = r"lms_loan_daily\.csv: 2 of 2 values of column paid_amt .*without decimal comma"
    with pytest.raises(PipelineError, match=expected):
        run_check(empty_project, {}, {}, loan={"paid_amt": text})


def test_a_key_written_in_another_way_is_named_before_its_rows_are_counted_as_quarantined(
    empty_project: Path,
) -> None:
    with pytest.raises(PipelineError, match=r"column installment_num cannot be read"):
        run_check(empty_project, {}, {}, loan={"installment_num": "0,0"})
