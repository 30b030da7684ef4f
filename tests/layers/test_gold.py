"""Gold is published with the loans that have no label, and why they have none."""

from __future__ import annotations

import logging
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import ATTRIBUTES, CLICKSTREAM, FINANCIALS, LOANS
from small_tables import csv_text

from luigi_tasks.layers.bronze import Bronze
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.layers.quality import QualityCheck
from luigi_tasks.layers.silver import Silver


def test_loans_without_a_label_are_listed_and_counted_by_reason(
    empty_project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    overdue = {"LOAN_1": {4: "1.000,00"}, "LOAN_2": {4: "1000"}, "LOAN_3": {}, "LOAN_4": {}}
    customers = [{"Customer_ID": f"CUS_{loan[-1]}"} for loan in overdue]
    installments = [
        {
            "loan_id": loan,
            "Customer_ID": f"CUS_{loan[-1]}",
            "installment_num": str(mob),
            "overdue_amt": arrears.get(mob, "0"),
            "snapshot_date": f"1/{5 + mob}/2023",
        }
        for loan, arrears in overdue.items()
        for mob in range(7)
        if (loan, mob) != ("LOAN_4", 5)
    ]
    for name in (ATTRIBUTES, FINANCIALS, CLICKSTREAM):
        (empty_project / "data" / f"{name}.csv").write_text(csv_text(name, *customers))
    (empty_project / "data" / f"{LOANS}.csv").write_text(csv_text(LOANS, *installments))
    for name in (ATTRIBUTES, FINANCIALS, LOANS, CLICKSTREAM):
        Bronze(table=name).run()
        Silver(table=name).run()
    QualityCheck().run()
    with caplog.at_level(logging.WARNING, "luigi-interface"):
        GoldFeatures().run()

    gold = pq.read_table(GoldFeatures().path()).to_pylist()
    assert {row["loan_id"]: row["label"] for row in gold} == {
        "LOAN_1": None,
        "LOAN_2": 1,
        "LOAN_3": 0,
        "LOAN_4": None,
    }
    unreadable = "overdue_amt is unknown at an installment from 3 to 6"
    missing = "installments 3 to 6 are not all there"
    assert pq.read_table(GoldFeatures().path("unlabelled")).to_pylist() == [
        {"loan_id": "LOAN_1", "reason": unreadable},
        {"loan_id": "LOAN_4", "reason": missing},
    ]
    assert [record.message for record in caplog.records] == [
        f"loans past their observation point without a label: 1 ({missing})",
        f"loans past their observation point without a label: 1 ({unreadable})",
    ]
