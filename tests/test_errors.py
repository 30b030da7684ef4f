"""Bad input ends with one clear sentence, a code that is not 0, and the outputs as they were.

One of each kind here: all others are in the tables of `tests/bad_inputs`, whose slow tests run the
command on every one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Project

FINANCIALS = "data/features_financials.csv"
ATTRIBUTES = "data/features_attributes.csv"


def rewrite(name: str, change: Callable[[bytes], bytes]) -> Callable[[Project], None]:
    def apply(project: Project) -> None:
        path = project.path / name
        path.write_bytes(change(path.read_bytes()))

    return apply


def edit(name: str, old: str, new: str) -> Callable[[Project], None]:
    return lambda project: project.edit(name, old, new)


def nothing(project: Project) -> None:
    pass


CASES = {
    "a missing file": (
        lambda project: (project.path / FINANCIALS).unlink(),
        f"{FINANCIALS}: no such file",
    ),
    "an encoding other than UTF-8": (
        rewrite(ATTRIBUTES, lambda data: data.replace(b"Lawyer", "Läwyer".encode("latin-1"), 1)),
        " is not UTF-8 text; save the file as UTF-8",
    ),
    "a misspelt setting": (
        edit("params.yaml", "origins:", "origin:"),
        "params.yaml: unknown setting training.origin = 3; did you mean training.origins?",
    ),
    "an argument out of range": (
        edit("params.yaml", "max_depth: 10", "max_depth: -3"),
        "must be an int in the range [1, inf) or None. Got -3 instead.",
    ),
    "a feature that gold does not have": (
        edit("params.yaml", "- Occupation", "- Occupatio"),
        "params.yaml: training.features: 'Occupatio' matches no column of gold; did you mean "
        "Occupation?",
    ),
    "no memory": (
        edit("luigi.cfg", "memory_mb = 3000", "memory_mb = 0"),
        "luigi.cfg: [engine] memory_mb = 0 is not allowed: a whole number from 1 to 16777216",
    ),
    "params.yaml that is not YAML": (
        edit("params.yaml", "labels:", "labels: ["),
        "params.yaml: not valid YAML",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_told_in_one_sentence_and_changes_no_output(project: Project, case: str) -> None:
    change, sentence = CASES[case]
    change(project)
    before = project.digests()
    done = project.luigi("Pipeline")
    assert done.returncode != 0
    told = [line for line in done.stderr.splitlines() if re.match("error: |.*  FAILED: ", line)]
    assert any(sentence in line for line in told), done.stderr[-3000:]
    assert "Traceback" not in done.stderr
    assert project.digests() == before


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        ("2020-01-01", "--as-of 2020-01-01 lies before the data, which begin on 2023-01-01"),
        ("2024-05-31", "which knows labels until 2024-06-01 at the earliest (training.train_until"),
    ],
)
def test_an_as_of_day_that_cannot_be_answered_is_refused(
    project: Project, day: str, sentence: str
) -> None:
    before = project.digests()
    done = project.luigi("Pipeline", "--as-of", day)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert project.digests() == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("Pipeline --as-of yesterday", "--as-of yesterday is not allowed: a date (yyyy-mm-dd)"),
        ("Replay --start 2024-13", "--start 2024-13 is not allowed: a month (yyyy-mm)"),
        ("Pipeline --workers many", "[core] workers = many is not allowed: a whole number"),
        ("Pipelin", "No task Pipelin. Did you mean: Pipeline"),
    ],
)
def test_a_wrong_word_on_the_command_line_is_answered_in_one_sentence(
    finished: Project, words: str, sentence: str
) -> None:
    done = finished.luigi(*words.split())
    assert done.returncode != 0
    assert [line for line in done.stderr.splitlines() if sentence in line], done.stderr[-3000:]
    assert "Traceback" not in done.stderr


def test_a_run_with_too_many_flagged_customers_fails_and_keeps_the_outputs(
    project: Project,
) -> None:
    project.edit("params.yaml", "max_flagged_share: 0.30", "max_flagged_share: 0.01")
    before = project.digests()
    done = project.luigi("Pipeline")
    assert done.returncode == 30
    assert "more than quality.max_flagged_share = 0.01" in done.stderr
    assert project.digests() == before


def test_a_candidate_that_cannot_be_made_ends_a_first_run_before_anything_is_built(
    tmp_path: Path,
) -> None:
    project = Project.create(tmp_path / "project", customers=300)
    project.edit("params.yaml", "n_estimators: 100", "n_estimator: 100")
    done = project.luigi("Pipeline")
    assert done.returncode != 0
    assert "training.candidates.random_forest = {'n_estimator': 100" in done.stderr
    assert project.history() == []
    assert not (project.path / "datamart" / "bronze").exists()


def test_the_status_command_tells_errors_in_one_sentence_too(project: Project) -> None:
    (project.path / FINANCIALS).unlink()
    done = project.command("status")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {FINANCIALS}: no such file")


def test_a_wrong_word_for_a_command_is_answered_in_one_sentence(finished: Project) -> None:
    done = finished.command("status", "--as-of", "yesterday")
    assert done.returncode == 2
    assert done.stderr.endswith("--as-of: yesterday is not allowed: a date (yyyy-mm-dd)\n")


def test_a_model_file_that_was_altered_is_refused(project: Project) -> None:
    path = project.path / "model_store" / "best_model_1.pkl"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    words = "from luigi_tasks.models.store import load_model; load_model(1)"
    done = project.run("python", "-c", words)
    assert done.returncode != 0
    assert "best_model_1.pkl: refused, its SHA-256" in done.stderr


def test_sample_data_never_overwrites_extracts_unasked(project: Project) -> None:
    before = project.digests("data")
    done = project.command("sample-data", "--out", "data", "--customers", "10")
    assert done.returncode == 1
    assert "exists already" in done.stderr
    assert project.digests("data") == before
