"""Extracts that are large are kept by month: what is as it was stays, and nobody sees it later."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyarrow.dataset as ds
import pytest
from conftest import FINANCIALS, LOANS
from engine_runs import differences, needs_java
from nasty_rows import add_nasty_rows
from running import Project

from luigi_tasks.extracts.contract import TABLES, parse_date

GOLD = "datamart/gold/features.parquet"
Rows = list[dict[str, str]]


def silver(table: str) -> str:
    return f"datamart/silver/{table}.parquet"


def months_of(row: dict[str, str]) -> str:
    day = parse_date(row["snapshot_date"])
    return f"{day:%Y-%m}" if day else "undated"


def rewrite(project: Project, table: str, change: Callable[[Rows], Rows]) -> None:
    """Deliver an extract again with other rows."""
    path = project.path / "data" / TABLES[table].file
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(change(rows))


def up_to(month: str) -> Callable[[Rows], Rows]:
    return lambda rows: [row for row in rows if months_of(row) <= month]


def of_month(month: str, rows: Rows) -> Rows:
    return [row for row in rows if months_of(row) == month]


def built(project: Project, *words: str) -> None:
    done = project.luigi("GoldFeatures", *words)
    assert done.returncode == 0, done.stderr[-3000:]


def parts(project: Project, dataset: str) -> dict[str, int]:
    """The inode of each part: what is kept is the same file."""
    files = (project.path / dataset).glob("*.parquet")
    return {file.stem: file.stat().st_ino for file in files}


def new_parts(project: Project, dataset: str, before: dict[str, int]) -> set[str]:
    after = parts(project, dataset)
    return {part for part, inode in after.items() if before.get(part) != inode}


def as_from_scratch(project: Project, folder: Path) -> dict[str, str]:
    """The outputs of a cold run on the same extracts."""
    cold = Project(folder)
    folder.mkdir()
    for name in ("luigi_tasks", "params.yaml", "luigi.cfg", "data"):
        (folder / name).symlink_to(project.path / name)
    built(cold)
    return cold.digests()


def small(path: Path) -> Project:
    """Few extracts that are kept by month all the same; not yet run."""
    project = Project.create(path, customers=600)
    project.edit("params.yaml", "by_month_from_mb: 1000", "by_month_from_mb: 0")
    return project


@pytest.fixture(scope="module")
def soiled(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same, with all kinds of dirt in all months."""
    project = small(tmp_path_factory.mktemp("parts") / "soiled")
    add_nasty_rows(project.path / "data")
    for limit in ("flagged_share: 0.30", "quarantined_share: 0.05", "unreadable_share: 0.05"):
        project.edit("params.yaml", f"max_{limit}", f"max_{limit.split(':')[0]}: 1.0")
    return project


@pytest.fixture(scope="module")
def by_month(soiled: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same, with gold."""
    project = soiled.copy(tmp_path_factory.mktemp("parts") / "by_month")
    built(project)
    return project


@pytest.fixture
def monthly(by_month: Project, tmp_path: Path) -> Iterator[Project]:
    """The same, to be changed by one test."""
    return by_month.copy(tmp_path / "project")


@pytest.mark.parametrize("dirty", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_new_month_is_all_that_is_built_and_the_bytes_are_those_of_a_cold_run(
    soiled: Project, tmp_path: Path, dirty: bool
) -> None:
    project = soiled.copy(tmp_path / "project") if dirty else small(tmp_path / "project")
    whole = {table: (project.path / "data" / TABLES[table].file).read_bytes() for table in TABLES}
    for table in TABLES:
        rewrite(project, table, up_to("2024-10"))
    built(project)
    before = {dataset: parts(project, dataset) for dataset in [*map(silver, TABLES), GOLD]}
    for table, data in whole.items():
        (project.path / "data" / TABLES[table].file).write_bytes(data)
        rewrite(project, table, up_to("2024-11"))
    built(project)
    for table in TABLES:
        assert new_parts(project, silver(table), before[silver(table)]) == {"2024-11"}
    # A vintage is built again when an installment up to the observation point has arrived, or
    # what its prediction points may know.
    rebuilt = new_parts(project, GOLD, before[GOLD])
    assert rebuilt == {"2024-05", "2024-06", "2024-07", "2024-08"}
    assert project.digests() == as_from_scratch(project, tmp_path / "cold")


@pytest.mark.slow
def test_a_corrected_row_of_an_old_month_builds_that_month_and_what_rests_on_it(
    monthly: Project, tmp_path: Path
) -> None:
    dataset = silver(FINANCIALS)
    before = {name: parts(monthly, name) for name in (dataset, GOLD, silver(LOANS))}

    def corrected(rows: Rows) -> Rows:
        row = next(r for r in rows if months_of(r) == "2023-10")
        row["Annual_Income"] = "40000"
        return rows

    rewrite(monthly, FINANCIALS, corrected)
    assert monthly.luigi("Bronze", "--table", FINANCIALS).returncode == 0
    reason = monthly.stale()[f"Silver(table={FINANCIALS})"]
    assert reason.endswith("changed: 1 of 26 parts (2023-10)")
    assert monthly.luigi("QualityCheck").returncode == 0
    reason = monthly.stale()["GoldFeatures()"]
    built(monthly)
    assert new_parts(monthly, dataset, before[dataset]) == {"2023-10"}
    assert new_parts(monthly, silver(LOANS), before[silver(LOANS)]) == set()
    vintages = new_parts(monthly, GOLD, before[GOLD])
    assert min(vintages) == "2023-07", "scored in October"
    assert f"changed: {len(vintages)} of {len(before[GOLD])} parts (" in reason
    assert monthly.digests() == as_from_scratch(monthly, tmp_path / "cold")


@pytest.mark.slow
def test_a_row_of_a_new_month_that_contradicts_a_loan_takes_all_its_months_out(
    monthly: Project, tmp_path: Path
) -> None:
    def loans(name: str) -> dict[str, set[str]]:
        table = ds.dataset(monthly.path / name).to_table(columns=["loan_id", "snapshot_date"])
        found: dict[str, set[str]] = {}
        for row in table.to_pylist():
            found.setdefault(row["loan_id"], set()).add(f"{row['snapshot_date']}"[:7])
        return found

    complete = loans(silver(LOANS))
    loan = next(loan for loan, months in complete.items() if len(months) == 11)
    as_it_was = monthly.digests()
    path = monthly.path / "data" / TABLES[LOANS].file
    delivered = path.read_bytes()

    def contradicted(rows: Rows) -> Rows:
        row = next(r for r in rows if r["loan_id"] == loan and r["installment_num"] == "10")
        row["tenure"] = "36"
        return rows

    rewrite(monthly, LOANS, contradicted)
    built(monthly)
    assert loan not in loans(silver(LOANS))
    assert len(complete) - 1 == len(loans(silver(LOANS)))
    assert monthly.digests() == as_from_scratch(monthly, tmp_path / "cold")
    path.write_bytes(delivered)
    built(monthly)
    assert monthly.digests() == as_it_was, "a correction brings all its months back"


@pytest.mark.slow
def test_rows_of_two_months_with_one_key_are_both_quarantined(
    monthly: Project, tmp_path: Path
) -> None:
    def repeated(rows: Rows) -> Rows:
        row = next(r for r in rows if months_of(r) == "2024-03" and r["installment_num"] == "4")
        return [*rows, {**row, "snapshot_date": "1/6/2025"}]

    rewrite(monthly, LOANS, repeated)
    built(monthly)
    assert monthly.digests() == as_from_scratch(monthly, tmp_path / "cold")


@pytest.mark.slow
def test_a_damaged_part_is_built_again_and_no_other(by_month: Project, tmp_path: Path) -> None:
    project = by_month.copy(tmp_path / "project")
    outputs = project.digests()
    before = {name: parts(project, name) for name in (silver(LOANS), GOLD)}
    for dataset, part in ((silver(LOANS), "2024-02"), (GOLD, "2024-03")):
        file = project.path / dataset / f"{part}.parquet"
        file.write_bytes(file.read_bytes()[:-1])
    built(project)
    assert new_parts(project, silver(LOANS), before[silver(LOANS)]) == {"2024-02"}
    assert new_parts(project, GOLD, before[GOLD]) == {"2024-03"}
    assert project.digests() == outputs


@pytest.mark.slow
def test_what_a_run_killed_between_two_outputs_left_is_no_source_of_counts(
    tmp_path: Path,
) -> None:
    project = small(tmp_path / "project")
    nulls = project.path / "datamart/quarantine/silver" / f"{FINANCIALS}_nulls.parquet"
    extract = project.path / "data" / TABLES[FINANCIALS].file
    whole = extract.read_bytes()
    rewrite(project, FINANCIALS, up_to("2024-10"))
    built(project)
    shutil.copytree(nulls, tmp_path / "old")
    extract.write_bytes(whole)
    built(project)
    outputs = project.digests()
    shutil.rmtree(nulls)
    shutil.copytree(tmp_path / "old", nulls)
    built(project)
    assert project.digests() == outputs


@pytest.mark.slow
def test_a_changed_rule_builds_every_part_and_a_changed_limit_none(monthly: Project) -> None:
    before = {name: parts(monthly, name) for name in (silver(LOANS), GOLD)}
    monthly.edit("params.yaml", "overdue_threshold: 0 ", "overdue_threshold: 50 ")
    built(monthly)
    assert new_parts(monthly, silver(LOANS), before[silver(LOANS)]) == set()
    assert new_parts(monthly, GOLD, before[GOLD]) == set(before[GOLD])


@pytest.mark.slow
def test_extracts_that_are_small_together_are_one_part_each_with_the_same_rows(
    by_month: Project, tmp_path: Path
) -> None:
    project = by_month.copy(tmp_path / "project")
    project.edit("params.yaml", "by_month_from_mb: 0", "by_month_from_mb: 1000")
    built(project)
    for dataset in (*map(silver, TABLES), GOLD):
        assert set(parts(project, dataset)) == {"part-00000"}
        keys = TABLES[Path(dataset).stem].key if Path(dataset).stem in TABLES else ("loan_id",)
        one, many = (
            ds.dataset(sorted((each.path / dataset).glob("*.parquet")))
            .to_table()
            .sort_by([(key, "ascending") for key in keys])
            for each in (project, by_month)
        )
        assert one.equals(many)


def file_by_file(project: Project) -> dict[str, Path]:
    """Deliver every extract as files up to October 2024; those of November, by extract."""
    later = {}
    for table in TABLES:
        path = project.path / "data" / TABLES[table].file
        folder = path.with_suffix("")
        whole = path.read_bytes()
        folder.mkdir()
        for month in (f"{n // 12}-{n % 12 + 1:02}" for n in range(2022 * 12, 2024 * 12 + 11)):
            rewrite(project, table, partial(of_month, month))
            if path.read_bytes().count(b"\n") > 1:
                path.rename(folder / f"{month}.csv")
            path.write_bytes(whole)
        path.unlink()
        later[table] = (folder / "2024-11.csv").rename(project.path / f"{table}_2024-11.csv")
    return later


@pytest.mark.slow
def test_of_extracts_in_folders_a_new_file_is_all_that_is_built(tmp_path: Path) -> None:
    project = small(tmp_path / "project")
    later = file_by_file(project)
    assert "InferencePipeline as of 2024-10-01: done" in project.luigi("InferencePipeline").stderr
    datasets = [f"datamart/{place}/{t}.parquet" for place in ("bronze", "silver") for t in TABLES]
    before = {dataset: parts(project, dataset) for dataset in [*datasets, GOLD]}
    for table, path in later.items():
        path.rename(project.path / "data" / table / "2024-11.csv")
    assert "InferencePipeline as of 2024-11-01: done" in project.luigi("InferencePipeline").stderr
    for dataset in datasets:
        assert new_parts(project, dataset, before[dataset]) == {"2024-11"}
    assert new_parts(project, GOLD, before[GOLD]) == {"2024-05", "2024-06", "2024-07", "2024-08"}
    assert project.digests().items() >= as_from_scratch(project, tmp_path / "cold").items()


@pytest.mark.slow
def test_how_many_months_a_query_takes_at_once_changes_no_row(
    soiled: Project, by_month: Project, tmp_path: Path
) -> None:
    one_by_one = soiled.copy(tmp_path / "project")
    one_by_one.edit("luigi_tasks/layers/silver.py", "AT_ONCE = 1_000_000", "AT_ONCE = 1")
    one_by_one.edit("luigi_tasks/layers/gold.py", "AT_ONCE = 12", "AT_ONCE = 1")
    built(one_by_one)
    found, expected = (
        {name: sha for name, sha in each.digests().items() if name.endswith(".parquet")}
        for each in (one_by_one, by_month)
    )
    assert found == expected
    assert len(found) > 200


@needs_java
@pytest.mark.nightly
def test_apache_spark_keeps_the_same_months_and_has_the_same_rows(
    soiled: Project, tmp_path: Path
) -> None:
    by_sail, by_spark = (soiled.copy(tmp_path / name) for name in ("sail", "spark"))
    for table in TABLES:
        rewrite(by_sail, table, up_to("2024-11"))
        rewrite(by_spark, table, up_to("2024-10"))
    built(by_sail)
    built(by_spark, "--engine-engine", "spark")
    before = parts(by_spark, silver(LOANS))
    for table in TABLES:
        path = f"data/{TABLES[table].file}"
        (by_spark.path / path).write_bytes((by_sail.path / path).read_bytes())
    built(by_spark, "--engine-engine", "spark")
    assert new_parts(by_spark, silver(LOANS), before) == {"2024-11"}
    for dataset in (*map(silver, TABLES), GOLD):
        assert parts(by_spark, dataset).keys() == parts(by_sail, dataset).keys()
        assert differences(by_spark.path / dataset, by_sail.path / dataset) == []
