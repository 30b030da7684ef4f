"""Customers who cannot be trusted are kept out of gold, from the day on which it could be known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import (
    ATTRIBUTES,
    CLICKSTREAM,
    FINANCIALS,
    LOANS,
    Row,
    attributes,
    clicks,
    collected,
    csv_text,
    day,
    financials,
    flags_of,
    frame,
    gold_of,
    installment,
    installments,
    silver,
)

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.layers.bronze import Bronze
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.layers.quality import (
    QualityCheck,
    check_share,
    evidence,
    passed,
    prediction_dates,
    quarantined,
    reconcile,
)
from luigi_tasks.layers.silver import Silver


def book(**changed: Any) -> dict[str, list[Row]]:
    """A sound customer with one loan of 2023-01-01, scored on 2023-04-01."""
    return {
        ATTRIBUTES: [attributes()],
        FINANCIALS: [financials()],
        LOANS: installments(),
        CLICKSTREAM: [clicks()],
        **changed,
    }


def findings(tables: dict[str, list[Row]]) -> list[tuple[str, str, str]]:
    """(customer, reason, date) of every finding."""
    found = collected(evidence(silver(**tables), 3, 18, 100), "Customer_ID", "reason")
    return [(row["Customer_ID"], row["reason"], str(row["flagged_on"])) for row in found]


def gold_loans(tables: dict[str, list[Row]]) -> list[str]:
    return [row["loan_id"] for row in gold_of(tables)]


# --- reasons ----------------------------------------------------------------------------------


def test_a_sound_customer_is_not_flagged() -> None:
    assert findings(book()) == []


@pytest.mark.parametrize(
    ("table", "row", "reason"),
    [
        (ATTRIBUTES, attributes(Age=None), "age missing"),
        (ATTRIBUTES, attributes(Age=17), "age outside 18-100"),
        (ATTRIBUTES, attributes(Age=101), "age outside 18-100"),
        (ATTRIBUTES, attributes(Age=-500), "age outside 18-100"),
        (ATTRIBUTES, attributes(SSN_valid=False), "SSN malformed"),
        (FINANCIALS, financials(Annual_Income=-1.0), "Annual_Income negative"),
        (FINANCIALS, financials(Monthly_Inhand_Salary=-1.0), "Monthly_Inhand_Salary negative"),
        (FINANCIALS, financials(Outstanding_Debt=-0.01), "Outstanding_Debt negative"),
    ],
)
def test_each_kind_of_untrustworthy_master_data_is_a_reason(
    table: str, row: Row, reason: str
) -> None:
    assert findings(book(**{table: [row]})) == [("CUS_1", reason, "2023-01-01")]


def test_a_negative_loan_amount_is_a_reason() -> None:
    loans = [*installments(1), installment(2, loan_amt=-10_000.0)]
    assert findings(book(**{LOANS: loans})) == [("CUS_1", "loan_amt negative", "2023-03-01")]


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (ATTRIBUTES, attributes(Age=18)),
        (ATTRIBUTES, attributes(Age=100)),
        (ATTRIBUTES, attributes(Occupation=None)),
        (FINANCIALS, financials(Annual_Income=0.0, Outstanding_Debt=0.0)),
        (FINANCIALS, financials(Annual_Income=None, Monthly_Inhand_Salary=None)),
        (FINANCIALS, financials(Delay_from_due_date=-5.0, Changed_Credit_Limit=-3.0)),
    ],
)
def test_limits_are_inclusive_and_other_nulls_and_signs_are_no_reason(table: str, row: Row) -> None:
    assert findings(book(**{table: [row]})) == []


def test_a_borrower_without_attributes_at_the_prediction_point_has_no_age() -> None:
    assert findings(book(**{ATTRIBUTES: []})) == [("CUS_1", "age missing", "2023-04-01")]
    late = [attributes(on="2023-04-02")]
    assert findings(book(**{ATTRIBUTES: late})) == [("CUS_1", "age missing", "2023-04-01")]
    in_time = [attributes(on="2023-04-01")]
    assert findings(book(**{ATTRIBUTES: in_time})) == []


def test_several_reasons_are_all_told_each_with_its_first_date() -> None:
    rows = [
        attributes(on="2023-02-01", Age=-500, SSN_valid=False),
        attributes(on="2023-01-01", Age=-500),
    ]
    assert findings(book(**{ATTRIBUTES: rows})) == [
        ("CUS_1", "SSN malformed", "2023-02-01"),
        ("CUS_1", "age outside 18-100", "2023-01-01"),
    ]


# --- time -------------------------------------------------------------------------------------


def test_a_customer_flagged_before_the_prediction_date_has_nothing_in_gold() -> None:
    tables = book(**{ATTRIBUTES: [attributes(), attributes(on="2023-03-01", Age=-500)]})
    assert gold_loans(tables) == []


def test_a_flag_of_the_prediction_date_itself_is_known_in_time() -> None:
    tables = book(**{FINANCIALS: [financials(on="2023-04-01", Annual_Income=-1.0)]})
    assert gold_loans(tables) == []
    (flag,) = collected(flags_of(silver(**tables)), "reason")
    assert str(flag["quarantined_from"]) == "1900-01-01"  # all of the customer's rows


def test_a_customer_flagged_after_the_prediction_date_keeps_the_features_of_that_day() -> None:
    sound = book()
    later = book(**{FINANCIALS: [financials(), financials(on="2023-08-01", Annual_Income=-1.0)]})
    before, after = gold_of(sound), gold_of(later)
    assert len(after) == 1
    assert after == before


def test_rows_from_the_flag_on_are_quarantined_for_a_customer_scored_before_it() -> None:
    loans = installments(9)
    tables = silver(
        **book(**{LOANS: loans, ATTRIBUTES: [attributes(), attributes(on="2023-08-01", Age=-1)]})
    )
    flags = flags_of(tables)
    assert {str(row["quarantined_from"]) for row in collected(flags, "reason")} == {"2023-08-01"}
    kept, aside = (
        collected(f(tables[LOANS], flags), "installment_num") for f in (passed, quarantined)
    )
    assert [row["installment_num"] for row in kept] == [0, 1, 2, 3, 4, 5, 6]
    assert [row["installment_num"] for row in aside] == [7, 8, 9]


def test_a_second_loan_that_is_scored_after_the_flag_is_not_in_gold() -> None:
    second = installments(loan="LOAN_2", start="2023-05-01")  # scored on 2023-08-01
    other = installments(12, loan="LOAN_3", customer="CUS_2")
    tables = book(
        **{
            LOANS: [*installments(), *second, *other],
            ATTRIBUTES: [attributes(), attributes(on="2023-07-15", Age=-500), attributes("CUS_2")],
        }
    )
    assert gold_loans(tables) == ["LOAN_1", "LOAN_3"]


def test_a_flag_touches_no_other_customer() -> None:
    other = {"customer": "CUS_2"}
    tables = book(
        **{
            ATTRIBUTES: [attributes(Age=None), attributes(**other)],
            FINANCIALS: [financials(), financials(**other)],
            LOANS: [*installments(), *installments(loan="LOAN_2", **other)],
        }
    )
    assert gold_loans(tables) == ["LOAN_2"]


def test_the_prediction_date_is_the_start_and_three_months() -> None:
    loans = [
        *installments(2, loan="LOAN_1", start="2023-01-15"),
        installment(
            0, loan="LOAN_2", loan_start_date=day("2023-11-30"), snapshot_date=day("2023-11-30")
        ),
    ]
    found = collected(prediction_dates(silver(**{LOANS: loans})[LOANS], 3), "loan_id")
    assert [str(row["prediction_date"]) for row in found] == ["2023-04-15", "2024-02-29"]


# --- limits and balance -----------------------------------------------------------------------


def test_a_share_may_reach_its_limit_but_not_pass_it() -> None:
    check_share("customers are flagged", 3, 10, "quality.max_flagged_share", 0.3)
    with pytest.raises(PipelineError) as error:
        check_share("customers are flagged", 4, 10, "quality.max_flagged_share", 0.3)
    assert str(error.value) == (
        "4 of 10 customers are flagged (40.0%); more than quality.max_flagged_share = 0.3"
    )


@pytest.mark.parametrize("lost", ["silver", "not keyed or dated", "passed", "of flagged customers"])
def test_rows_in_must_be_rows_out_and_rows_quarantined(lost: str) -> None:
    counts = {
        "bronze": 10,
        "silver": 8,
        "not keyed or dated": 2,
        "passed": 7,
        "of flagged customers": 1,
    }
    reconcile(LOANS, counts)
    with pytest.raises(PipelineError, match=r"lms_loan_daily: the .* lost rows"):
        reconcile(LOANS, {**counts, lost: counts[lost] - 1})


def run_check(empty_project: Path, *people: dict[str, str]) -> dict[str, Any]:
    """The quality report on customers with these attributes, all sound otherwise."""
    ids = [{"Customer_ID": f"CUS_{i}"} for i in range(len(people))]
    loans = [{**row, "loan_id": f"LOAN_{i}"} for i, row in enumerate(ids)]
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


def test_too_many_rows_set_aside_stop_the_run(empty_project: Path) -> None:
    with pytest.raises(PipelineError, match=r"features_attributes\.csv .*max_quarantined_share"):
        run_check(empty_project, {}, {}, {"snapshot_date": "31/2/2023"})


def test_nobody_is_lost_when_a_table_is_split_by_flags() -> None:
    flags = frame([{"Customer_ID": "CUS_1", "quarantined_from": day("2023-03-01")}])
    loans = silver(**{LOANS: [*installments(), *installments(loan="LOAN_2", customer="CUS_2")]})[
        LOANS
    ]
    assert passed(loans, flags).count() == 2 + 7
    assert quarantined(loans, flags).count() == 5
