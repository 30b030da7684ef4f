"""Rows in are rows out and rows quarantined, and a share has a limit."""

from __future__ import annotations

import pytest
from conftest import FINANCIALS, LOANS

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.layers.reconciliation import (
    check_flagged,
    check_quarantined,
    check_share,
    check_unreadable,
    nulls_by_column,
    reconcile,
    row_counts,
)

COUNTS = row_counts(malformed=1, bronze=10, quarantined=2, silver=8, of_flagged=1, passed=7)


def test_the_lines_of_the_extract_are_the_rows_of_bronze_and_the_malformed() -> None:
    assert COUNTS["csv"] == 11


@pytest.mark.parametrize("lost", ["silver", "not keyed or dated", "passed", "of flagged customers"])
def test_rows_in_must_be_rows_out_and_rows_quarantined(lost: str) -> None:
    reconcile(LOANS, COUNTS)
    with pytest.raises(PipelineError, match=r"lms_loan_daily: the .* lost rows"):
        reconcile(LOANS, {**COUNTS, lost: COUNTS[lost] - 1})


def test_a_share_may_reach_its_limit_but_not_pass_it() -> None:
    check_share("customers are flagged", 3, 10, "quality.max_flagged_share", 0.3)
    with pytest.raises(PipelineError) as error:
        check_share("customers are flagged", 4, 10, "quality.max_flagged_share", 0.3)
    assert str(error.value) == (
        "4 of 10 customers are flagged (40.0%); more than quality.max_flagged_share = 0.3"
    )


def test_what_is_malformed_and_what_is_quarantined_share_one_limit() -> None:
    check_quarantined("loans.csv", COUNTS, max_quarantined_share=3 / 11)
    with pytest.raises(PipelineError, match=r"^3 of 11 rows of loans\.csv are malformed or"):
        check_quarantined("loans.csv", COUNTS, max_quarantined_share=0.27)


def test_too_many_flagged_customers_are_told_with_their_reasons() -> None:
    customers = {"total": 4, "flagged": 2, "reasons": {"SSN malformed": 2, "age missing": 1}}
    check_flagged(customers, max_flagged_share=0.5)
    with pytest.raises(PipelineError) as error:
        check_flagged(customers, max_flagged_share=0.49)
    assert str(error.value) == (
        "2 of 4 customers are flagged (SSN malformed: 2, age missing: 1) (50.0%); more than "
        "quality.max_flagged_share = 0.49"
    )


def test_a_column_may_have_unreadable_values_up_to_the_limit_but_not_above() -> None:
    nulls = {"overdue_amt": {"empty": 90, "unreadable": 5}, "tenure": {"placeholder": 100}}
    check_unreadable(TABLES[LOANS], nulls, rows=100, max_unreadable_share=0.05)
    with pytest.raises(PipelineError) as error:
        check_unreadable(TABLES[LOANS], nulls, rows=100, max_unreadable_share=0.04)
    assert str(error.value) == (
        "lms_loan_daily.csv: 5 of 100 values of column overdue_amt cannot be read (5.0%); more "
        "than quality.max_unreadable_share = 0.04. Expected is a number such as 1234.56, without "
        "decimal comma or thousands separator"
    )


def test_the_form_that_is_expected_is_that_of_the_kind_of_the_column() -> None:
    nulls = {"Credit_History_Age": {"unreadable": 1}}
    with pytest.raises(PipelineError, match=r"0\.05\. Expected is .*10 Years and 9 Months$"):
        check_unreadable(TABLES[FINANCIALS], nulls, rows=1, max_unreadable_share=0.05)


def test_null_counts_are_gathered_by_column() -> None:
    rows = [
        {"part": "2025-01", "column": "Age", "reason": "empty", "rows": 2},
        {"part": "2025-01", "column": "Age", "reason": "unreadable", "rows": 1},
        {"part": "2025-02", "column": "Age", "reason": "empty", "rows": 3},
    ]
    assert nulls_by_column(rows) == {"Age": {"empty": 5, "unreadable": 1}}
