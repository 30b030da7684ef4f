"""The generated extracts look like the real ones, and are the same every time."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from luigi_tasks.extracts import contract
from luigi_tasks.extracts.sample_data import DRIFTS, generate

ATTRIBUTES, FINANCIALS = contract.ATTRIBUTES.file, contract.FINANCIALS.file
LOANS, CLICKSTREAM = contract.LOANS.file, contract.CLICKSTREAM.file
FEATURES = list(contract.CLICKSTREAM_FEATURES)
HEADERS = {table.file: ",".join(table.names) for table in contract.TABLES.values()}

CUSTOMERS = 4_000
DRIFT_FROM = "2024-01"
Tables = dict[str, pd.DataFrame]


def read(folder: Path) -> Tables:
    """The extracts as they are: every value text, nothing missing."""
    return {name: pd.read_csv(folder / name, dtype=str, keep_default_na=False) for name in HEADERS}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """The undrifted files and the row counts that came back."""
    out = tmp_path_factory.mktemp("plain")
    return out, generate(out, CUSTOMERS)


@pytest.fixture(scope="module")
def folder(generated: tuple[Path, dict[str, int]]) -> Path:
    return generated[0]


@pytest.fixture(scope="module")
def tables(folder: Path) -> Tables:
    return read(folder)


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tables]:
    out = {kind: tmp_path_factory.mktemp(kind) for kind in DRIFTS}
    for kind, path in out.items():
        generate(path, CUSTOMERS, drift=kind, drift_from=DRIFT_FROM)
    return {kind: read(path) for kind, path in out.items()}


def vintages(tables: Tables) -> pd.Series:
    """First day of each customer's loan."""
    starts = tables[LOANS].drop_duplicates("Customer_ID").set_index("Customer_ID").loan_start_date
    return pd.to_datetime(starts, format="%d/%m/%Y")


def arrears(tables: Tables) -> pd.DataFrame:
    """overdue_amt by customer and installment."""
    loans = tables[LOANS].astype({"installment_num": int, "overdue_amt": int})
    return loans.pivot(index="Customer_ID", columns="installment_num", values="overdue_amt")


def labels(tables: Tables) -> pd.Series:
    """Default: in arrears at any of the installments 3 to 6."""
    return (arrears(tables)[[3, 4, 5, 6]] > 0).any(axis=1)


def numbers(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column.str.strip("_"), errors="coerce")


# --- reproducibility ----------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    generate(tmp_path / "a", 300, seed=3)
    generate(tmp_path / "b", 300, seed=3)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_another_process_with_another_hash_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    generate(tmp_path / "a", 300)
    code = (
        "import sys, pathlib; from luigi_tasks.extracts.sample_data import generate;"
        " generate(pathlib.Path(sys.argv[1]), 300)"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "b")],
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_importing_it_leaves_numpy_unloaded() -> None:
    code = "import sys, luigi_tasks.extracts.sample_data; sys.exit('numpy' in sys.modules)"
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_another_seed_gives_other_customers_in_every_file(tmp_path: Path) -> None:
    generate(tmp_path / "a", 300, seed=3)
    generate(tmp_path / "b", 300, seed=4)
    a, b = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert all(a[name] != b[name] for name in HEADERS)


# --- layout of the files ------------------------------------------------------------------------


@pytest.mark.parametrize("name", HEADERS)
def test_header_and_line_ends_are_those_of_the_contract(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    assert content.split(b"\n", 1)[0].decode() == HEADERS[name]
    assert content.endswith(b"\n")
    assert b"\r" not in content


def test_nothing_but_the_extracts_of_the_contract_is_left(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == set(HEADERS)


def test_row_counts_are_returned_per_file(
    generated: tuple[Path, dict[str, int]], tables: Tables
) -> None:
    rows = generated[1]
    assert rows == {name: len(table) for name, table in tables.items()}
    assert rows[ATTRIBUTES] == rows[FINANCIALS] == CUSTOMERS
    assert rows[LOANS] == 11 * CUSTOMERS


def test_names_and_loan_kinds_exercise_csv_quoting(folder: Path) -> None:
    for name, column in ((ATTRIBUTES, "Name"), (FINANCIALS, "Type_of_Loan")):
        with (folder / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
        assert all(None not in row and None not in row.values() for row in rows)
        assert any("," in row[column] for row in rows)
    names = pd.read_csv(folder / ATTRIBUTES)["Name"]
    assert names.str.contains('"').any()


@pytest.mark.parametrize(
    ("name", "column", "pattern"),
    [
        (ATTRIBUTES, "snapshot_date", r"1/([1-9]|1[0-2])/202[345]"),
        (LOANS, "loan_start_date", r"1/([1-9]|1[0-2])/202[345]"),
        (LOANS, "snapshot_date", r"1/([1-9]|1[0-2])/202[345]"),
        (CLICKSTREAM, "snapshot_date", r"1/([1-9]|1[0-2])/202[34]"),
        (FINANCIALS, "snapshot_date", r"202[345]-(0[1-9]|1[0-2])-01"),
        (ATTRIBUTES, "Customer_ID", r"CUS_0x[0-9a-f]{4,}"),
        (LOANS, "loan_id", r"CUS_0x[0-9a-f]{4,}_202[345]_(0[1-9]|1[0-2])_01"),
        (FINANCIALS, "Credit_History_Age", r"\d+ Years and ([0-9]|1[01]) Months"),
        (FINANCIALS, "Interest_Rate", r"[1-9]\d*"),
        (FINANCIALS, "Delay_from_due_date", r"0|-?[1-9]\d*"),
        (FINANCIALS, "Monthly_Inhand_Salary", r"[1-9]\d*(\.\d{0,7}[1-9])?"),
        (CLICKSTREAM, "fe_1", r"0|-?[1-9]\d*"),
    ],
)
def test_values_are_written_like_the_real_ones(
    tables: Tables, name: str, column: str, pattern: str
) -> None:
    written = tables[name][column]
    assert written[~written.str.fullmatch(pattern)].tolist() == []


# --- dirt ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "column", "pattern", "share"),
    [
        (ATTRIBUTES, "Name", r'".+"', 0.007),
        (ATTRIBUTES, "Name", r", .+", 0.003),
        (ATTRIBUTES, "Age", r"\d+_", 0.05),
        (ATTRIBUTES, "Age", r"-500", 0.01),
        (ATTRIBUTES, "SSN", r"#F%\$D@\*&8", 0.06),
        (ATTRIBUTES, "Occupation", r"_______", 0.07),
        (FINANCIALS, "Annual_Income", r"[\d.]+_", 0.07),
        (FINANCIALS, "Num_Bank_Accounts", r"-1", 0.002),
        (FINANCIALS, "Num_of_Loan", r"\d+_", 0.05),
        (FINANCIALS, "Num_of_Loan", r"-100", 0.04),
        (FINANCIALS, "Type_of_Loan", r"", 0.11),
        (FINANCIALS, "Delay_from_due_date", r"-[1-5]", 0.01),
        (FINANCIALS, "Num_of_Delayed_Payment", r"-?\d+_", 0.026),
        (FINANCIALS, "Num_of_Delayed_Payment", r"-[1-3]", 0.007),
        (FINANCIALS, "Changed_Credit_Limit", r"_", 0.022),
        (FINANCIALS, "Changed_Credit_Limit", r"-[\d.]+", 0.02),
        (FINANCIALS, "Credit_Mix", r"_", 0.21),
        (FINANCIALS, "Outstanding_Debt", r"[\d.]+_", 0.01),
        (FINANCIALS, "Payment_of_Min_Amount", r"NM", 0.12),
        (FINANCIALS, "Payment_Behaviour", r"!@9#%8", 0.08),
        (FINANCIALS, "Amount_invested_monthly", r"__10000__", 0.045),
        (FINANCIALS, "Monthly_Balance", r"__-3{27}__", 0.001),
    ],
)
def test_every_kind_of_dirt_has_about_its_share(
    tables: Tables, name: str, column: str, pattern: str, share: float
) -> None:
    found = tables[name][column].str.fullmatch(pattern).mean()
    assert found > 0
    assert found == pytest.approx(share, rel=0.2, abs=0.005)


@pytest.mark.parametrize(
    ("name", "column", "sane", "highest", "share"),
    [
        (ATTRIBUTES, "Age", 56, 8_700, 0.02),
        (FINANCIALS, "Annual_Income", 180_000, 24_000_000, 0.009),
        (FINANCIALS, "Num_Bank_Accounts", 11, 1_756, 0.011),
        (FINANCIALS, "Num_Credit_Card", 11, 1_499, 0.022),
        (FINANCIALS, "Interest_Rate", 34, 5_789, 0.022),
        (FINANCIALS, "Num_of_Loan", 9, 1_495, 0.005),
        (FINANCIALS, "Num_of_Delayed_Payment", 28, 4_293, 0.01),
        (FINANCIALS, "Num_Credit_Inquiries", 17, 2_554, 0.016),
        (FINANCIALS, "Total_EMI_per_month", 2_000, 82_000, 0.038),
    ],
)
def test_outliers_have_about_their_share_and_height(
    tables: Tables, name: str, column: str, sane: float, highest: float, share: float
) -> None:
    values = numbers(tables[name][column])
    assert (values > sane).mean() == pytest.approx(share, rel=0.25, abs=0.004)
    assert highest / 2 < values.max() <= highest


def test_about_one_customer_in_twenty_is_a_minor(tables: Tables) -> None:
    age = numbers(tables[ATTRIBUTES].Age)
    assert age[age.between(0, 100)].between(14, 56).all()
    assert age.between(14, 17).mean() == pytest.approx(0.053, abs=0.015)


# --- clean content ------------------------------------------------------------------------------


def test_type_of_loan_lists_as_many_kinds_as_there_are_loans(tables: Tables) -> None:
    financials = tables[FINANCIALS]
    loans = numbers(financials.Num_of_Loan)
    kinds = financials.Type_of_Loan.map(lambda text: len(text.split(", ")) if text else 0)
    sane = loans.between(0, 9)
    assert (kinds[sane] == loans[sane]).all()
    several = financials.Type_of_Loan[kinds > 1]
    assert several.str.contains(r", and [^,]+$").all()
    names = financials.Type_of_Loan.str.replace("and ", "").str.split(", ").explode()
    assert names[names != ""].nunique() == 9


def test_salary_is_about_a_twelfth_of_the_income(tables: Tables) -> None:
    financials = tables[FINANCIALS]
    income = numbers(financials.Annual_Income)
    ratio = 12 * numbers(financials.Monthly_Inhand_Salary) / income
    assert ratio[income < 180_000].between(0.5, 1.5).all()
    assert ratio.median() == pytest.approx(1, abs=0.01)


def test_a_good_credit_mix_goes_with_low_interest_delay_and_debt(tables: Tables) -> None:
    financials = tables[FINANCIALS]
    for column in ("Interest_Rate", "Delay_from_due_date", "Outstanding_Debt"):
        medians = numbers(financials[column]).groupby(financials.Credit_Mix).median()
        assert medians["Good"] < medians["Standard"] < medians["Bad"]


def test_each_customer_has_one_loan_with_features_from_its_first_day(tables: Tables) -> None:
    starts = vintages(tables)
    for name, form in ((ATTRIBUTES, "%d/%m/%Y"), (FINANCIALS, "%Y-%m-%d")):
        days = pd.to_datetime(tables[name].set_index("Customer_ID").snapshot_date, format=form)
        assert days.index.is_unique
        assert days.sort_index().equals(starts.sort_index().rename("snapshot_date"))
    assert tables[LOANS].loan_id.nunique() == CUSTOMERS


def test_vintages_are_the_25_months_from_january_2023_about_equally(tables: Tables) -> None:
    counts = vintages(tables).dt.strftime("%Y-%m").value_counts().sort_index()
    assert counts.index[[0, -1]].tolist() == ["2023-01", "2025-01"]
    assert len(counts) == 25
    assert counts.between(0.6 * CUSTOMERS / 25, 1.4 * CUSTOMERS / 25).all()


def test_clickstream_has_24_months_for_about_72_percent_of_the_customers(tables: Tables) -> None:
    months = tables[CLICKSTREAM].groupby("Customer_ID").snapshot_date.nunique()
    assert (months == 24).all()
    assert len(tables[CLICKSTREAM]) == 24 * len(months)
    assert len(months) / CUSTOMERS == pytest.approx(0.72, abs=0.025)
    values = tables[CLICKSTREAM][FEATURES].astype(int)
    assert values.mean().between(97, 103).all()
    assert values.std().between(97, 104).all()


def test_loan_rows_obey_the_arithmetic_of_installments(tables: Tables) -> None:
    amounts = ["installment_num", "loan_amt", "due_amt", "paid_amt", "overdue_amt", "balance"]
    loans = tables[LOANS].astype(dict.fromkeys(amounts, int))
    by_loan = loans.groupby("loan_id")
    assert (loans.installment_num.to_numpy().reshape(-1, 11) == np.arange(11)).all()
    assert (loans.due_amt == np.where(loans.installment_num == 0, 0, 1_000)).all()
    assert (loans.overdue_amt == by_loan.due_amt.cumsum() - by_loan.paid_amt.cumsum()).all()
    assert (loans.balance == loans.loan_amt - by_loan.paid_amt.cumsum()).all()
    assert loans.overdue_amt.min() == 0
    start = pd.to_datetime(loans.loan_start_date, format="%d/%m/%Y")
    snapshot = pd.to_datetime(loans.snapshot_date, format="%d/%m/%Y")
    months = 12 * (snapshot.dt.year - start.dt.year) + snapshot.dt.month - start.dt.month
    assert (months == loans.installment_num).all()


def test_lasting_arrears_are_never_paid_again(tables: Tables) -> None:
    overdue = arrears(tables)
    lasting = overdue[overdue[10] > 0]
    assert (lasting[[6, 7, 8, 9, 10]].diff(axis=1).iloc[:, 1:] == 1_000).all(axis=None)


# --- risk ---------------------------------------------------------------------------------------


def test_between_28_and_29_percent_default_and_22_to_33_by_month(tmp_path: Path) -> None:
    generate(tmp_path)
    tables = {LOANS: pd.read_csv(tmp_path / LOANS)}
    default, start = labels(tables), vintages(tables)
    assert 0.28 <= default.mean() <= 0.29
    assert default.groupby(start).mean().between(0.22, 0.33).all()


def test_early_arrears_always_end_in_default_and_seldom_occur_without(tables: Tables) -> None:
    early = (arrears(tables)[[1, 2]] > 0).any(axis=1)
    default = labels(tables)
    assert early.mean() == pytest.approx(0.155, abs=0.02)
    assert default[early].all()
    assert default[~early].mean() == pytest.approx(0.17, abs=0.03)


def model_input(tables: Tables) -> pd.DataFrame:
    """What can be known at installment 3: a few financials, clickstream means, payments."""
    start = vintages(tables)
    clickstream = tables[CLICKSTREAM].astype(dict.fromkeys(FEATURES, int))
    day = pd.to_datetime(clickstream.snapshot_date, format="%d/%m/%Y")
    before = clickstream[day < clickstream.Customer_ID.map(start)]
    financials = tables[FINANCIALS].set_index("Customer_ID")
    columns = {
        column: numbers(financials[column]).clip(0, highest)
        for column, highest in (
            ("Interest_Rate", 34),
            ("Delay_from_due_date", 67),
            ("Num_Credit_Inquiries", 17),
            ("Outstanding_Debt", 5_000),
        )
    }
    features = pd.DataFrame(columns).join(before.groupby("Customer_ID")[FEATURES].mean())
    features["early_arrears"] = arrears(tables)[[1, 2]].max(axis=1)
    return features.fillna(features.mean()).sort_index()


def test_risk_can_be_learned_and_a_concept_drift_unlearns_it(
    tables: Tables, drifted: dict[str, Tables]
) -> None:
    start = vintages(tables).sort_index()
    old, middle, new = start < "2024-01", start.between("2024-01", "2024-08"), start > "2024-08"
    moved = drifted["concept"]

    def auc(source: Tables, fitted_on: pd.Series, judged_on: pd.Series) -> float:
        features, default = model_input(source), labels(source).sort_index()
        model = make_pipeline(StandardScaler(), LogisticRegression())
        model.fit(features[fitted_on], default[fitted_on])
        scores = model.predict_proba(features[judged_on])[:, 1]
        return float(roc_auc_score(default[judged_on], scores))

    assert 0.85 < auc(tables, old, ~old) < 0.94
    assert auc(moved, old, ~old) < 0.62
    assert auc(moved, middle, new) > 0.78


# --- drifts -------------------------------------------------------------------------------------


def test_a_drift_leaves_the_rows_of_earlier_vintages_as_they_were(
    tables: Tables, drifted: dict[str, Tables]
) -> None:
    start = vintages(tables)
    earlier = set(start[start < DRIFT_FROM].index)
    for changed in drifted.values():
        for name, before in tables.items():
            after = changed[name]
            pd.testing.assert_frame_equal(
                before[before.Customer_ID.isin(earlier)].reset_index(drop=True),
                after[after.Customer_ID.isin(earlier)].reset_index(drop=True),
            )


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("income-shift", {FINANCIALS}),
        ("clickstream-outage", {CLICKSTREAM}),
        ("concept", {LOANS}),
    ],
)
def test_a_drift_changes_one_file_only(
    tables: Tables, drifted: dict[str, Tables], kind: str, files: set[str]
) -> None:
    assert {name for name in HEADERS if not tables[name].equals(drifted[kind][name])} == files


def test_income_shift_raises_income_and_salary_by_four_fifths(
    tables: Tables, drifted: dict[str, Tables]
) -> None:
    start = vintages(tables)
    after = tables[FINANCIALS].Customer_ID.map(start) >= DRIFT_FROM
    for column in ("Annual_Income", "Monthly_Inhand_Salary"):
        plain = numbers(tables[FINANCIALS][column])[after]
        shifted = numbers(drifted["income-shift"][FINANCIALS][column])[after]
        assert (shifted / plain).median() == pytest.approx(1.8, abs=0.01)


def test_clickstream_outage_leaves_new_vintages_without_clickstream(
    tables: Tables, drifted: dict[str, Tables]
) -> None:
    start = vintages(tables)
    seen = set(drifted["clickstream-outage"][CLICKSTREAM].Customer_ID)
    seen_before = set(tables[CLICKSTREAM].Customer_ID)
    assert seen == seen_before & set(start[start < DRIFT_FROM].index)


def test_concept_drift_keeps_the_rates_of_default_and_of_early_arrears(
    tables: Tables, drifted: dict[str, Tables]
) -> None:
    after = vintages(tables).sort_index() >= DRIFT_FROM
    moved = drifted["concept"]
    plain, changed = labels(tables)[after], labels(moved)[after]
    assert changed.mean() == pytest.approx(plain.mean(), abs=0.03)
    assert (changed != plain).mean() > 0.2
    early = (arrears(moved)[after][[1, 2]] > 0).any(axis=1)
    assert early.mean() == pytest.approx(0.155, abs=0.025)
    assert not changed[early].any()


# --- chunks, interruption, arguments ------------------------------------------------------------


def test_customers_beyond_the_first_chunk_are_new_ones(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    generate(tmp_path, 12_600, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(12_500, 12_600), (12_600, 12_600)]
    ids = [line.split(",", 1)[0] for line in (tmp_path / ATTRIBUTES).read_text().splitlines()]
    assert len(set(ids)) == 1 + 12_600
    assert ids.count("Customer_ID") == 1


def test_a_single_customer_can_be_made(tmp_path: Path) -> None:
    for seed in range(5):  # with and without clickstream, with and without loans
        rows = generate(tmp_path, 1, seed=seed)
        assert rows[LOANS] == 11
        assert rows[CLICKSTREAM] in (0, 24)


def test_an_interrupted_run_leaves_the_old_files_and_no_half_ones(tmp_path: Path) -> None:
    generate(tmp_path, 50)
    before = contents(tmp_path)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path, 60, progress=interrupt)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"customers": 0}, "--customers: 0 is less than 1"),
        ({"seed": -1}, "--seed: -1 is negative"),
        ({"drift": "flood", "drift_from": "2024-01"}, "--drift: 'flood' is not one of income-"),
        ({"drift": "concept"}, "--drift: concept needs --drift-from (YYYY-MM)"),
        ({"drift_from": "2024-01"}, "--drift-from: needs --drift"),
        (
            {"drift": "concept", "drift_from": "2024-13"},
            "--drift-from: '2024-13' is not a month (YYYY-MM)",
        ),
        (
            {"drift": "concept", "drift_from": "2025-02"},
            "--drift-from: 2025-02 is outside the vintages 2023-01 to 2025-01",
        ),
    ],
)
def test_a_bad_argument_is_named_and_nothing_is_written(
    tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        generate(tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()
