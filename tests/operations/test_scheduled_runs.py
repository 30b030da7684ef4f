"""What a log says went wrong is found in it, and no traceback with what it may quote."""

from __future__ import annotations

from pathlib import Path

import pytest

from luigi_tasks.operations import scheduled_runs

TERMINAL = """\
03:00:01  Bronze lms_loan_daily         1.20 s  12,000 rows   no output yet
03:00:02  QualityCheck                  1.20 s  FAILED: features_financials.csv: 1192 of 1200
03:00:03  TrainCandidate random_forest  1.20 s  FAILED: KeyError: 'CUS_0x1'
03:00:03  Reasons                       1.20 s  FAILED: NoSuchCustomer: CUS_0x1
Runtime error:
Traceback (most recent call last):
"""
HEALTH = """\
ok    disk       70,814 MiB free (limit 1,000)
FAIL  extracts   newest snapshot is 45 days old (limit 35)
"""


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ("", []),
        (
            TERMINAL,
            [
                "QualityCheck: features_financials.csv: 1192 of 1200",
                "TrainCandidate: a defect",
                "Reasons: a defect",
            ],
        ),
        (HEALTH, ["extracts newest snapshot is 45 days old (limit 35)"]),
        ("error: --reason: say why\nerror: --reason: say why\n", ["--reason: say why"]),
        ("error: a\nerror: b\nerror: c\nerror: d\nerror: e\n", ["a", "b", "c", "and 2 more"]),
        (
            "error: KeyError: 1\nTraceback (most\nKeyError: 1",
            ["the command: a defect"],
        ),
    ],
)
def test_the_faults_of_a_log(
    log: str, found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scheduled_runs.FOLDER.mkdir(parents=True)
    (scheduled_runs.FOLDER / "inference.log").write_text(log)
    assert scheduled_runs.faults("inference") == found
    assert scheduled_runs.faults("training") == []
