"""`score`: any loans of a parquet file, by the champion, with the scores of the pipeline."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import day
from running import Project

from luigi_tasks.__main__ import main
from luigi_tasks.core import signing
from luigi_tasks.generations import audit_trail
from luigi_tasks.generations.audit_trail import Entry

GOLD = "datamart/gold/features.parquet"


@pytest.fixture(scope="module")
def here(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished project of this module, which no test changes but by new files."""
    return finished.copy(tmp_path_factory.mktemp("score") / "project")


@pytest.fixture(autouse=True)
def _within(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here.path)


def score(*more: str, source: str = GOLD, output: str) -> int:
    return main(["score", "--input", source, "--output", output, *more])


def error(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that the command ends with."""
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_the_scores_are_those_that_were_published(here: Project) -> None:
    done = here.command("score", "--input", GOLD, "--output", "scored.parquet")
    assert done.returncode == 0, done.stderr
    told, said = pd.read_parquet("scored.parquet"), pd.read_parquet(GOLD)
    assert list(told) == ["loan_id", "generation", "prediction_proba", "prediction", "grade"]
    assert list(told["loan_id"]) == list(said["loan_id"])
    both = told.merge(
        pd.read_parquet("datamart/gold/model_predictions.parquet"), on="loan_id", how="inner"
    )
    assert len(both) == len(told)
    for name in ("generation", "prediction_proba", "prediction"):
        assert (both[f"{name}_x"] == both[f"{name}_y"]).all()
    graded = told["grade"].value_counts()
    assert set(graded.index) <= set(range(1, 9))
    assert told.loc[told["prediction_proba"] < 0.02, "grade"].eq(1).all()
    assert told.loc[told["prediction_proba"] >= 0.5, "grade"].eq(8).all()
    assert "note: columns that the model does not need are ignored: customer_id," in done.stdout
    assert done.stdout.splitlines()[-1] == (
        f"scored.parquet: {len(told):,} loans scored by generation 1"
    )


def test_reasons_come_with_their_words() -> None:
    assert score("--reasons", output="told.parquet") == 0
    told = pd.read_parquet("told.parquet").iloc[0]
    assert told["reason_1"].startswith("R")
    page = Path("reports/reason_codes.md").read_text()
    assert f"| {told['reason_1']} | {told['words_1']} |" in page


def test_only_a_file_of_its_own_is_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    pd.read_parquet(GOLD).head(3).to_parquet("three.parquet")
    assert score(output="mine.parquet") == 0
    assert score(source="three.parquet", output="mine.parquet") == 0
    assert len(pd.read_parquet("mine.parquet")) == 3
    capsys.readouterr()
    for other in ("three.parquet", "params.yaml", "datamart"):
        before = Path(other).stat().st_mtime_ns
        assert score(output=other) == 1
        assert error(capsys) == (
            f"error: {other} exists and was not written by this command; give another --output, or "
            "remove it"
        )
        assert Path(other).stat().st_mtime_ns == before


def test_missing_columns_are_named_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pd.read_parquet(GOLD).drop(columns=["loan_id", "DTI"]).to_parquet("less.parquet")
    assert score(source="less.parquet", output="none.parquet") == 1
    assert error(capsys) == (
        "error: less.parquet: has no column loan_id, DTI, which the model of generation 1 needs"
    )
    assert not Path("none.parquet").exists()


def test_a_value_that_is_no_number_names_file_and_column_and_leaves_the_old_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert score(output="kept.parquet") == 0
    before = Path("kept.parquet").read_bytes()
    pd.read_parquet(GOLD).assign(DTI="high").to_parquet("texts.parquet")
    capsys.readouterr()
    assert score(source="texts.parquet", output="kept.parquet") == 1
    assert "error: texts.parquet: column DTI: could not convert" in error(capsys)
    assert Path("kept.parquet").read_bytes() == before
    assert not list(Path().glob(".*.tmp"))


def test_no_loans_are_scored_as_none() -> None:
    pq.write_table(pq.read_table(GOLD + "/part-00000.parquet").slice(0, 0), "empty.parquet")
    assert score("--reasons", source="empty.parquet", output="nobody.parquet") == 0
    assert pd.read_parquet("nobody.parquet").empty


def test_loans_may_have_numbers_for_names() -> None:
    table = pq.read_table(GOLD + "/part-00000.parquet").slice(0, 5)
    at = table.schema.get_field_index("loan_id")
    pq.write_table(table.set_column(at, "loan_id", pa.array(range(5))), "numbered.parquet")
    assert score(source="numbered.parquet", output="numbers.parquet") == 0
    assert pd.read_parquet("numbers.parquet")["loan_id"].tolist() == list(range(5))


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("gone.parquet", "error: gone.parquet does not exist"),
        ("params.yaml", "error: params.yaml: cannot be read as parquet"),
    ],
)
def test_what_is_no_parquet_is_named(
    source: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(source=source, output="none.parquet") == 1
    assert error(capsys) == sentence


def test_an_altered_model_scores_nothing(
    finished: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    project = finished.copy(tmp_path / "altered")
    monkeypatch.chdir(project.path)
    model = project.path / "model_store/best_model_1.pkl"
    model.write_bytes(model.read_bytes() + b" ")
    assert score(output="none.parquet") == 1
    assert "best_model_1.pkl: refused, its SHA-256" in capfd.readouterr().err
    assert not Path("none.parquet").exists()


def test_an_unsigned_model_scores_nothing_once_there_is_a_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(signing.KEY, "0123456789abcdef" * 2)
    assert score(output="none.parquet") == 1
    assert "refused, it is not signed" in error(capsys)
    assert not Path("none.parquet").exists()


def test_a_day_has_the_champion_that_it_had_and_no_day_the_one_that_scores_from_now_on(
    finished: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = finished.copy(tmp_path / "promoted")
    monkeypatch.chdir(project.path)
    days = {"retrain": day("2030-01-01"), "promote": day("2030-02-01")}
    retrain = Entry(days["retrain"], 1, "retrain", "", next_generation=2)
    for entry in (retrain, Entry(days["promote"], 2, "promote", "")):
        audit_trail.append(entry)
    assert score("--on", "2030-02-01", output="before.parquet") == 0
    assert pd.read_parquet("before.parquet")["generation"].eq(1).all()
    capsys.readouterr()
    for more in (["--on", "2030-02-02"], []):
        assert score(*more, output="after.parquet") == 1
        assert "model_metadata_2.json: generation 2 has no model yet" in error(capsys)
