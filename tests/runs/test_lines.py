"""The columns of a run's lines: they line up, and on a narrow terminal the reason is seen."""

from __future__ import annotations

import pytest

from luigi_tasks.runs.lines import Columns

NAMES = ["TrainCandidate logistic_regression", "Dashboard", "BestModel"]
TOLD = {
    NAMES[0]: "144 rows",
    NAMES[1]: "reports/performance_dashboard.png",
    NAMES[2]: "AUC 0.816 logistic_regression",
}


@pytest.mark.parametrize("width", [80, 100, 110, 200])
def test_the_columns_line_up_and_the_reason_is_seen_on_a_terminal_of(width: int) -> None:
    columns = Columns(NAMES, width)
    lines = [columns.shown("12:00:00", n, 1.5, TOLD[n], "no output yet") for n in NAMES]
    assert len({line.index("no output yet") for line in lines}) == 1
    assert max(map(len, lines)) < width


def test_without_a_terminal_nothing_is_cut() -> None:
    columns = Columns(NAMES, None)
    reason = "params: training.candidates.random_forest.max_depth 10 → 3" * 5
    for name in NAMES:
        line = columns.shown("12:00:00", name, 1.5, TOLD[name], reason)
        assert line == columns.line("12:00:00", name, 1.5, TOLD[name], reason)
        assert name in line
        assert TOLD[name] in line
        assert line.endswith(reason)


def test_the_sentence_of_a_failure_is_never_cut() -> None:
    sentence = "data/a.csv: line 7 is odd" * 9
    assert Columns(NAMES, 80).failed("12:00:00", NAMES[0], 1.5, sentence).endswith(sentence)
