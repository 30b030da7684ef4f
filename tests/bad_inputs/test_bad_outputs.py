"""What is broken among the outputs is told and built again; what decides on models is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from corpus import Case, by_name
from running import Project
from told import keeps_its_outputs, refused

from luigi_tasks.core import digests, tables
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import MARKER
from luigi_tasks.core.targets import Directory, Document, Picture, StageTarget
from luigi_tasks.generations.audit_trail import read_trail, settle_marker, trail_path
from luigi_tasks.generations.marker import marker_path

CASES = by_name("outputs")
AGAIN = {name: case for name, case in CASES.items() if "built again" in case}
IGNORED = {name: case for name, case in CASES.items() if "ignored" in case}
REFUSED = {name: case for name, case in CASES.items() if "refused" in case}
# Of a whole project, what stands for each kind.
PUBLISHED = {
    "dataset": Path("datamart/silver/lms_loan_daily.parquet"),
    "document": Path("reports/data_quality.json"),
    "picture": Path("reports/performance_dashboard.png"),
}


def spoil(path: Path, case: Case) -> None:
    """Do to a published output, or to a file, what the case says."""
    if "add" in case:
        stranger = path / case["add"]
        stranger.parent.mkdir(exist_ok=True)
        stranger.write_text("strange")
        return
    if case["what"] == "dataset":
        path = path / case.get("file", MARKER)
    data = path.read_bytes() if path.is_file() else b""
    path.unlink(missing_ok=True)
    if case.get("place") == "a directory":
        (path / "deeper").mkdir(parents=True)
    elif "cut" in case:
        path.write_bytes(data[: -int(case["cut"])])
    elif "becomes" in case:
        text = case["becomes"].replace("{brackets}", "[" * 99_999)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("latin-1"))


def published(kind: str, folder: Path) -> StageTarget:
    """A small output of a kind."""
    if kind == "dataset":
        target: StageTarget = Directory(folder / "dataset")
    else:
        target = {"document": Document, "picture": Picture}[kind](folder / kind)
    built = target.staging()
    if kind == "picture":
        from matplotlib.figure import Figure

        Figure().savefig(built, format="png")
    else:
        built.mkdir()
    if kind == "dataset":
        import pyarrow as pa

        tables.write(built / "rows", pa.table({"n": [1]}))
        (built / "rows" / tables.PART).rename(built / tables.PART)
        (built / "rows").rmdir()
    if kind == "document":
        (built / "document").write_text("{}")
    target.publish(built, {"task": "Example"})
    return target


def fault(target: StageTarget) -> str | None:
    """What a task would say of its output."""
    provenance = target.provenance()
    return target.damage(provenance) if provenance else target.reason_without_provenance()


@pytest.mark.parametrize("name", AGAIN)
def test_a_broken_output_is_told_with_the_reason_of_the_table_and_can_be_replaced(
    tmp_path: Path, name: str
) -> None:
    case = AGAIN[name]
    target = published(case["what"], tmp_path)
    assert fault(target) is None
    spoil(target.path, case)
    assert (fault(target) or "").endswith(case["built again"])
    published(case["what"], tmp_path)
    assert fault(target) is None


@pytest.mark.parametrize("name", IGNORED)
def test_what_is_remembered_is_found_out_again_when_it_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    digests.clear_memory()
    assert digests.remembered("span-1", lambda: ["2023-01-01"]) == ["2023-01-01"]
    for note in digests.CACHE.iterdir():
        spoil(note, IGNORED[name])
    digests.clear_memory()
    assert digests.remembered("span-1", lambda: ["2024-01-01"]) == ["2024-01-01"]


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_marker_or_trail_is_refused_in_the_sentence_of_the_table(
    empty_project: Path, name: str
) -> None:
    case = REFUSED[name]
    settle_marker()  # makes one
    spoil({"marker": marker_path(), "trail": trail_path()}[case["what"]], case)
    with pytest.raises(PipelineError) as error:
        read_trail()
    assert str(error.value).startswith(case["refused"])


# --- the whole command ------------------------------------------------------------------------


def reasons(project: Project) -> list[Any]:
    """Why `status` calls the targets stale."""
    done = project.command("status", "--json")
    assert done.returncode == 0, done.stderr
    return [row["reason"] for row in json.loads(done.stdout) if not row["fresh"]]


@pytest.mark.nightly
@pytest.mark.parametrize("name", AGAIN)
def test_the_command_builds_a_broken_output_again_with_the_same_bytes(
    project: Project, name: str
) -> None:
    case = AGAIN[name]
    with keeps_its_outputs(project):
        spoil(project.path / PUBLISHED[case["what"]], case)
        told = reasons(project)
        assert [reason for reason in told if reason.endswith(case["built again"])], told
        done = project.luigi("Pipeline")
        assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.nightly
@pytest.mark.parametrize("name", IGNORED)
def test_the_command_makes_nothing_when_what_it_remembers_is_broken(
    project: Project, name: str
) -> None:
    for note in (project.path / ".cache" / "digests").iterdir():
        spoil(note, IGNORED[name])
    with keeps_its_outputs(project):
        assert project.built_by("Pipeline") == []


@pytest.mark.nightly
@pytest.mark.parametrize("name", REFUSED)
def test_the_command_refuses_a_broken_marker_or_trail(project: Project, name: str) -> None:
    case = REFUSED[name]
    file = {"marker": "retrain_marker.json", "trail": "decisions.jsonl"}[case["what"]]
    spoil(project.path / "datamart" / "governance" / file, case)
    with keeps_its_outputs(project):
        done = project.luigi("Pipeline")
    refused(done, case["refused"])
