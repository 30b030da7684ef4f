"""What a log says went wrong is found in it, and no traceback with what it may quote."""

from __future__ import annotations

from pathlib import Path

import pytest

from luigi_tasks.operations import scheduled_runs

LUIGI = """\
INFO: Informed scheduler that task   QualityCheck__99914b932b   has status   FAILED
ERROR: QualityCheck() failed: features_financials.csv: 1192 of 1200 values cannot be read
* 1 failed:
This progress looks :( because there were failed tasks
"""
DEFECT = """\
ERROR: [pid 1] Worker Worker(salt=1, workers=1, host=vm, username=root, pid=1) failed    \
TrainCandidate(name=random_forest, generation=1)
Traceback (most recent call last):
KeyError: 'CUS_0x1'
"""
TERMINAL = """\
03:00:01  Bronze lms_loan_daily         1.20 s  12,000 rows   no output yet
03:00:02  QualityCheck                  1.20 s  FAILED: features_financials.csv: 1192 of 1200
03:00:03  TrainCandidate random_forest  1.20 s  FAILED: KeyError: 'CUS_0x1'
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
            LUIGI,
            ["QualityCheck() failed: features_financials.csv: 1192 of 1200 values cannot be read"],
        ),
        (DEFECT, ["TrainCandidate(name=random_forest, generation=1): a defect"]),
        (
            TERMINAL,
            ["QualityCheck: features_financials.csv: 1192 of 1200", "TrainCandidate: a defect"],
        ),
        (HEALTH, ["extracts newest snapshot is 45 days old (limit 35)"]),
        ("error: --reason: say why\nerror: --reason: say why\n", ["--reason: say why"]),
        ("ERROR: a\nERROR: b\nERROR: c\nERROR: d\nERROR: e\n", ["a", "b", "c", "and 2 more"]),
        (
            "ERROR: Uncaught exception in luigi\nTraceback (most\nKeyError: 1",
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
