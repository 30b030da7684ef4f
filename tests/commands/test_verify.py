"""`verify` reads all that is published again, and believes nothing that the cache says."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest
from running import Project

from luigi_tasks.core import digests

GOLD = "datamart/gold/features.parquet/part-00000.parquet"


def flip(path: Path) -> None:
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])


def forge(project: Project, path: Path) -> None:
    """Have the cache say that a file is as it was published."""
    marker = json.loads((path.parent / "_SUCCESS").read_bytes())
    state = path.stat()
    signature = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
    name = digests.hashlib.sha256(os.fsencode(str(path.absolute()))).hexdigest()[:32]
    value = {"path": str(path), "signature": signature, "sha256": marker["files"][path.name]}
    text = json.dumps(value).encode()
    checksum = digests.hashlib.sha256(name.encode() + b"\n" + text).hexdigest()
    (project.path / digests.CACHE / name).write_bytes(checksum.encode() + b"\n" + text)


def test_outputs_as_they_were_published_are_counted(finished: Project) -> None:
    done = finished.command("verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(r"5\d outputs are as they were published\n", done.stdout)
    assert finished.command("verify", "--repair").stdout == done.stdout


def test_a_forged_cache_hides_damage_from_status_and_not_from_verify(project: Project) -> None:
    path = project.path / GOLD
    flip(path)
    time.sleep(0.01)
    forge(project, path)
    assert project.stale() == {}
    done = project.command("verify")
    assert done.returncode == 1
    told, counted = done.stdout.splitlines()
    assert told == (
        "datamart/gold/features.parquet: part-00000.parquet was changed after it was published"
    )
    assert re.fullmatch(r"1 of 5\d outputs are damaged; --repair makes them stale, .*", counted)
    assert "GoldFeatures()" in project.stale()


@pytest.mark.slow
def test_every_kind_of_damage_is_named_and_repaired(finished: Project, project: Project) -> None:
    damaged = {
        "datamart/silver/lms_loan_daily.parquet": "has no provenance that can be relied on",
        "model_store/model_metadata_1.json": "best_model_1.pkl was changed after it was published",
        "reports/performance_dashboard.png": (
            "performance_dashboard.png was changed after it was published"
        ),
        "datamart/gold/model_monitoring.parquet": "copy.parquet does not belong to it",
    }
    flip(project.path / "datamart/silver/lms_loan_daily.parquet/_SUCCESS")
    flip(project.path / "model_store/best_model_1.pkl")
    flip(project.path / "reports/performance_dashboard.png")
    (project.path / "datamart/gold/model_monitoring.parquet/copy.parquet").write_text("x")
    done = project.command("verify")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert sorted(lines[:-1]) == sorted(f"{path}: {why}" for path, why in damaged.items())
    done = project.command("verify", "--repair")
    assert done.returncode == 0
    assert re.fullmatch(
        r"4 of 5\d outputs were damaged and are stale now; the next run builds them again",
        done.stdout.splitlines()[-1],
    )
    reasons = [reason for reason in project.stale().values() if reason.startswith("output: ")]
    assert any("lms_loan_daily.parquet has no provenance" in reason for reason in reasons)
    assert project.luigi("Pipeline").returncode == 0
    assert project.digests() == finished.digests()
    assert project.command("verify").returncode == 0


def test_outputs_of_another_day_are_read_too(finished: Project, project: Project) -> None:
    name = "model_predictions.parquet"
    project.built_by("InferencePipeline", "--as-of", "2025-08-01")
    path = project.path / "datamart/gold/as_of=2025-08-01" / name
    counts = [int(p.command("verify").stdout.split()[0]) for p in (finished, project)]
    assert counts[1] == counts[0] + 4  # predictions, kept scores, reasons and their codes
    flip(path / "part-00000.parquet")
    assert project.command("verify").stdout.startswith(
        f"datamart/gold/as_of=2025-08-01/{name}: part-00000.parquet was changed"
    )


@pytest.mark.slow
def test_the_reports_of_another_day_are_as_they_were_published(project: Project) -> None:
    assert project.luigi("Report", "--as-of", "2025-08-01").returncode == 0
    page = project.path / "reports/as_of=2025-08-01/index.html"
    assert page.exists()
    assert project.command("verify").returncode == 0
    page.write_bytes(page.read_bytes().replace(b"<title>", b"<title>no "))
    assert "index.html was changed after it was published" in project.command("verify").stdout
