"""What `dvc plots` draws: without a network, with limits and numbers in it."""

from __future__ import annotations

import json
import re
import time

import pytest
import vl_convert
from browser import NEEDS_BROWSER, browser
from repositories import Repository

PLOTS = ["roc", "precision_recall", "confusion", "auc_by_month", "psi_by_month"]


def drawn(repository: Repository, *words: str) -> dict[str, list[str]]:
    """The words in the picture of every plot."""
    plots = json.loads(repository.dvc("plots", *words, "--json"))["data"]
    found = {}
    for name, (plot,) in plots.items():
        content = plot["content"]
        assert "<DVC_METRIC" not in json.dumps(content), name
        picture = vl_convert.vegalite_to_svg(content)
        found[name] = re.findall(r"<(?:text|tspan)[^>]*>([^<]+)<", picture)
    return found


@pytest.mark.slow
def test_the_limits_of_params_and_the_counts_of_the_confusion_matrix_are_drawn(
    repository: Repository,
) -> None:
    words = drawn(repository, "show")
    assert sorted(words) == sorted(PLOTS)
    assert "limit 0.70" in words["auc_by_month"]
    assert "limit 0.20" in words["psi_by_month"]
    assert words["psi_by_month"].count("0.0") == 1  # drift is drawn from zero on
    rows = (repository.path / "reports/plots/confusion.csv").read_text().splitlines()[1:]
    counts = {str(rows.count(row)) for row in set(rows)}
    assert counts <= set(words["confusion"])
    assert sum(map(int, counts)) == len(rows)

    repository.edit("params.yaml", "max_psi: 0.20", "max_psi: 0.25")
    assert repository.built_by("Plots")[-1].startswith("Plots(")
    words = drawn(repository, "diff")
    assert {"limit 0.20", "limit 0.25"} <= set(words["psi_by_month"])
    assert {"HEAD", "workspace"} <= set(words["confusion"])


@NEEDS_BROWSER
@pytest.mark.parametrize("command", ["show", "diff HEAD"])
def test_the_page_of_plots_shows_all_of_them_without_a_network(
    repository: Repository, command: str
) -> None:
    repository.dvc("plots", *command.split())
    page = repository.path / "dvc_plots" / "index.html"
    assert "<script src" not in page.read_text()
    with browser("--host-resolver-rules=MAP * ~NOTFOUND") as driver:
        driver.get(page.as_uri())
        for _ in range(100):
            marks = driver.find_elements("css selector", "svg.marks")
            if len(marks) == len(PLOTS):
                break
            time.sleep(0.1)
        assert len(marks) == len(PLOTS)
        assert all("of loans" in mark.text or "month" in mark.text for mark in marks)
        assert any("limit 0.70" in mark.text for mark in marks)
        severe = [line for line in driver.get_log("browser") if line["level"] == "SEVERE"]
        assert severe == []
