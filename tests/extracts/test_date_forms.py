"""A delivery with the month first is told by what its dates contradict, and no other one is."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from running import Project
from small_tables import csv_text

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.extracts.contract import ATTRIBUTES, CLICKSTREAM, LOANS, TABLES
from luigi_tasks.extracts.date_forms import Parts, no_such_month, one_month, out_of_step
from luigi_tasks.extracts.snapshots import snapshot_dates

DATE = re.compile(r"\b([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})\b")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.create(tmp_path_factory.mktemp("sample") / "project", customers=60)


def month_first(path: Path) -> None:
    """Write all dates of a file with the month first."""
    path.write_text(DATE.sub(r"\2/\1/\3", path.read_text()))


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (ATTRIBUTES, "snapshot_date"),
        (LOANS, "loan_start_date"),
        (CLICKSTREAM, "snapshot_date"),
    ],
)
def test_an_extract_with_the_month_first_is_refused_by_file_and_column(
    sample: Project, tmp_path: Path, table: type(LOANS), column: str
) -> None:
    path = tmp_path / table.file
    shutil.copy(sample.path / "data" / table.file, path)
    month_first(path)
    with pytest.raises(PipelineError) as error:
        snapshot_dates(path, table)
    assert str(error.value) == (
        f"{path}: column {column}: written as M/d/yyyy (read as d/M/yyyy, all lie in January); "
        "d/M/yyyy or yyyy-MM-dd was expected"
    )


@pytest.mark.parametrize("name", TABLES)
def test_the_same_with_the_day_first_is_read(sample: Project, name: str) -> None:
    first, last = snapshot_dates(sample.path / "data" / f"{name}.csv", TABLES[name])
    assert (last - first).days > 300


def test_a_run_says_so_before_anything_is_built(sample: Project, tmp_path: Path) -> None:
    project = sample.copy(tmp_path / "project")
    month_first(project.path / "data" / LOANS.file)
    done = project.luigi("Pipeline")
    assert done.returncode != 0
    assert f"data/{LOANS.file}: column loan_start_date: written as M/d/yyyy" in done.stderr
    assert not (project.path / "datamart" / "bronze").exists()


def loans(tmp_path: Path, form: str) -> Path:
    """Loans that start on the fifth and tenth of months within one year, dates in a form."""
    rows = [
        {
            "loan_id": f"L{day}_{month}",
            "loan_start_date": form.format(d=day, M=month),
            "installment_num": str(number),
            "snapshot_date": form.format(d=day, M=month + number),
        }
        for day in (5, 10)
        for month in (2, 3, 4)
        for number in range(4)
    ]
    path = tmp_path / LOANS.file
    path.write_text(csv_text(LOANS.name, *rows))
    return path


def test_days_that_could_be_months_are_told_by_the_installments(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"snapshot_date: written as M/d/yyyy \(read as d/M"):
        snapshot_dates(loans(tmp_path, "{M}/{d}/2024"), LOANS)
    snapshot_dates(loans(tmp_path, "{d}/{M}/2024"), LOANS)
    snapshot_dates(loans(tmp_path, "2024-{M:02}-{d:02}"), LOANS)


def test_a_few_mistyped_dates_are_no_other_form() -> None:
    right = {Parts(1, month, 2024): 1_000 for month in range(1, 13)}
    wrong = {Parts(1, month, 2024): 10 for month in range(13, 32)}
    assert no_such_month(right | wrong) is None
    assert no_such_month(wrong) == "read as d/M/yyyy, 190 rows have no such month"


def test_the_first_days_of_one_month_are_a_form_only_over_years() -> None:
    daily = {Parts(day, 1, 2024) for day in range(1, 13)}
    assert one_month(daily) is None
    assert one_month(daily | {Parts(1, 1, 2025)}) == "read as d/M/yyyy, all lie in January"
    assert one_month(daily | {Parts(13, 1, 2025)}) is None, "the thirteenth is no month"


def test_installments_that_fit_neither_form_tell_nothing() -> None:
    assert out_of_step([("5/1/2024", "3", "5/1/2024", 9)]) is None
