"""A bad value is null with its reason, a bad row is in quarantine, and nothing else changes."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from bad_delivery import (
    BrokenKey,
    BrokenValue,
    Outcome,
    add_to,
    broken_everywhere,
    broken_keys,
    broken_values,
    expected_of_value,
)
from conftest import LOANS, ROOT
from running import Project

from luigi_tasks.core.engines import session
from luigi_tasks.extracts.contract import TABLES
from luigi_tasks.layers.bronze import Bronze
from luigi_tasks.layers.cleaning import REASONS, null_reason, read_values
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.layers.quality import QualityCheck
from luigi_tasks.layers.silver import Silver
from luigi_tasks.layers.silver_columns import kept_columns

LIMITS = ("max_flagged_share: 0.30", "max_quarantined_share: 0.05", "max_unreadable_share: 0.05")
# What the loans of the table of keys hold that cannot be read.
OF_KEYS = Counter(
    {
        (LOANS, "tenure", "unreadable"): 1,
        (LOANS, "loan_amt", "placeholder"): 1,
        (LOANS, "overdue_amt", "empty"): 5,
        (LOANS, "overdue_amt", "unreadable"): 1,
    }
)
TOLD = ("silver", "quarantine", "gold", "why", "flag")
Reasons = dict[tuple[str, str], dict[str, str | None]]


def is_keyed(extract: str, column: str) -> bool:
    """Whether a row without a sound value of this column goes to quarantine."""
    contract = TABLES[extract]
    return column in contract.key or contract.column(column).kind in ("key", "date")


def without_limits(params: Path) -> None:
    """Allow as many bad rows as there are."""
    text = params.read_text()
    for limit in LIMITS:
        assert limit in text
        text = text.replace(limit, f"{limit.partition(':')[0]}: 1")
    params.write_text(text)


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which one delivery of all bad values and keys has gone as far as gold."""
    folder = tmp_path_factory.mktemp("delivered")
    shutil.copy(ROOT / "params.yaml", folder)
    without_limits(folder / "params.yaml")
    (folder / "data").mkdir()
    add_to(folder / "data")
    with pytest.MonkeyPatch.context() as here:
        here.chdir(folder)
        for stage in (Bronze, Silver):
            for name in TABLES:
                stage(table=name).run()
        QualityCheck().run()
        GoldFeatures().run()
    return folder


@pytest.fixture(scope="module")
def outcome(delivered: Path) -> Outcome:
    return Outcome(delivered / "datamart")


@pytest.fixture(scope="module")
def reasons(delivered: Path) -> Reasons:
    """{(extract, tag): {column: why it is null}} of the rows with a broken value."""
    found: Reasons = {}
    for name, contract in TABLES.items():
        with pytest.MonkeyPatch.context() as here:
            here.chdir(delivered)
            values = read_values(session.read(Bronze(table=name).path()), contract)
            columns = [c for c in kept_columns(contract) if c.kind not in ("key", "ssn")]
            tag = contract.key[0]
            looked = values.select(tag, *(null_reason(c).alias(f"why {c.name}") for c in columns))
            for row in looked.toArrow().to_pylist():
                codes = {c.name: row[f"why {c.name}"] for c in columns}
                found[name, row[tag]] = {
                    column: None if code is None else REASONS[code]
                    for column, code in codes.items()
                }
    return found


@pytest.mark.parametrize("case", broken_values(), ids=lambda case: case.name)
def test_a_broken_value_does_what_the_table_says(
    outcome: Outcome, reasons: Reasons, case: BrokenValue
) -> None:
    assert outcome.of_value(case) == expected_of_value(case)
    if case.quarantine is None and case.column.kind != "ssn":
        why = {
            column: reason for column, reason in reasons[case.extract, case.tag].items() if reason
        }
        reason = case.expected.get("reason")
        assert why == ({case.column.name: reason} if reason else {})


def test_a_text_that_no_column_of_its_kind_can_be_does_what_the_table_says_in_all_of_them(
    outcome: Outcome, reasons: Reasons
) -> None:
    wrong = []
    for case in broken_everywhere():
        found = outcome.of_value(case)
        if case.quarantine is None:
            found["why"] = reasons[case.extract, case.tag][case.column.name]
            expected = {**expected_of_value(case), "why": case.expected["reason"]}
        else:
            expected = expected_of_value(case)
        if found != expected:
            wrong.append(f"{case.name}: {found} instead of {expected}")
    assert wrong == []
    assert len(broken_everywhere()) > 1500


@pytest.mark.parametrize("case", broken_keys(), ids=lambda case: case.name)
def test_broken_keys_do_what_the_table_says(outcome: Outcome, case: BrokenKey) -> None:
    assert outcome.of_key(case) == {
        name: case.expected[name] for name in TOLD if name in case.expected
    }


def test_the_quality_report_counts_every_null_of_the_delivery_once(
    delivered: Path, outcome: Outcome
) -> None:
    expected = Counter(
        (case.extract, case.column.name, case.expected["reason"])
        for case in (*broken_values(), *broken_everywhere())
        if "reason" in case.expected and not is_keyed(case.extract, case.column.name)
    )
    found = Counter({key: n for key, n in outcome.nulls().items() if not is_keyed(*key[:2])})
    assert found == expected + OF_KEYS


# --- the whole command ------------------------------------------------------------------------


@pytest.mark.nightly
def test_the_command_does_what_the_tables_say_and_changes_no_other_row(project: Project) -> None:
    before = Outcome(project.path / "datamart")
    customers = {row["Customer_ID"] for rows in before.silver.values() for row in rows}
    without_limits(project.path / "params.yaml")
    add_to(project.path / "data")
    done = project.luigi("Pipeline")
    assert done.returncode == 0, done.stderr[-3000:]
    after = Outcome(project.path / "datamart")
    assert after.rows_of(customers) == before.rows_of(customers)
    wrong = [
        (case.name, found, expected)
        for case in (*broken_values(), *broken_everywhere())
        if without_day(found := after.of_value(case))
        != without_day(expected := expected_of_value(case))
    ]
    assert wrong == []
    assert {case.name: after.of_key(case) for case in broken_keys()} == {
        case.name: {name: case.expected[name] for name in TOLD if name in case.expected}
        for case in broken_keys()
    }


def without_day(found: dict[str, Any]) -> dict[str, Any]:
    """The same without the day after which a snapshot is late: it is that of the other rows."""
    if "lies after" in found.get("quarantine", ""):
        return {"quarantine": found["quarantine"].rpartition(" ")[0]}
    return found
