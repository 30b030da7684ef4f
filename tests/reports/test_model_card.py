"""The model card says of every champion what it was made from, and is never older than that."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import shutil
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import day
from running import Project

from luigi_tasks.generations.audit_trail import Entry, entries_about
from luigi_tasks.generations.registry import FIRST, Reign
from luigi_tasks.models.metadata import FrozenBins, LoanFacts, ModelMetadata, Window
from luigi_tasks.monitoring import calibration, fairness, importance
from luigi_tasks.reports.card import SECTIONS, model_card
from luigi_tasks.reports.card_facts import Facts
from luigi_tasks.reports.markdown import count, interval, number, p_value, share, signed, table

CARD = "reports/model_cards/model_card_1.md"
AS_OF = "as_of=2025-11-01, generation=1"


def section(text: str, title: str) -> str:
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def tables_in(text: str) -> list[list[str]]:
    blocks = [block.splitlines() for block in text.split("\n\n")]
    return [lines for lines in blocks if lines[0].startswith("|")]


def check_that_it_reads_well(text: str) -> None:
    assert re.findall(r"^## (.+)$", text, re.M) == list(SECTIONS)
    assert not re.search(r"\b(nan|NaN|None|NaT)\b|<NA>", text)
    for lines in tables_in(text):
        assert len({len(line) for line in lines}) == 1, lines[0]
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1, lines[0]


# --- of a real run ---------------------------------------------------------------------------


def test_the_card_of_a_run_reads_well_and_names_no_customer_loan_or_user(
    finished: Project,
) -> None:
    text = (finished.path / CARD).read_text()
    check_that_it_reads_well(text)
    assert "It claims no conformity with any regulation." in text
    loans = pd.read_parquet(finished.path / "datamart/gold/features.parquet")
    assert not re.search(r"CUS_|\d{3}-\d{2}-\d{4}", text)
    assert not [loan for loan in loans["loan_id"] if loan in text]


def test_the_card_tells_the_model_by_its_digests_and_the_loans_by_their_number(
    finished: Project,
) -> None:
    text = (finished.path / CARD).read_text()
    model = finished.path / "model_store/best_model_1.pkl"
    metadata = json.loads((finished.path / "model_store/model_metadata_1.json").read_text())
    data = section(text, "Data")
    assert hashlib.sha256(model.read_bytes()).hexdigest() in data
    assert metadata["provenance"]["recipe"]["inputs"]["TrainingData(generation=1)"] in data
    assert f"scikit-learn {metadata['libraries']['scikit-learn']}" in data
    auc = metadata["metrics"][metadata["champion"]]["performing"]["auc"]
    assert f"{auc:.3f}" in section(text, "Candidates")
    gold = pd.read_parquet(finished.path / "datamart/gold/features.parquet")
    out = pd.read_parquet(finished.path / "datamart/quarantine/gold/excluded.parquet")
    assert not set(out["loan_id"]) & set(gold["loan_id"])
    kept, kept_out = section(text, "Exclusions").split("| kept out")[:2]
    assert f"{len(gold):,}" in kept
    assert f"{100 * gold['label'].mean():.1f} %" in kept
    assert f"{len(out):,}" in kept_out
    assert f"{100 * out['label'].mean():.1f} %" in kept_out


@pytest.mark.slow
def test_a_card_that_is_older_than_its_model_is_stale(project: Project) -> None:
    losing = "    dull:\n      class: sklearn.dummy.DummyClassifier\n"
    project.edit("params.yaml", "  candidates:\n", f"  candidates:\n{losing}")
    before = project.digests("datamart/gold")
    assert "BestModel(generation=1)" in project.built_by("BestModel")
    assert f"ModelCard({AS_OF})" in project.stale()
    assert f"ModelCard({AS_OF})" in project.built_by("Pipeline")
    rows = [name for name in before if name.endswith(".parquet")]
    after = project.digests("datamart/gold")
    assert {n: after[n] for n in rows} == {n: before[n] for n in rows}  # only the model is another
    assert "| dull " in (project.path / CARD).read_text()


@pytest.mark.slow
def test_a_card_has_what_was_decided_and_is_stale_once_the_trail_says_more(
    project: Project,
) -> None:
    trail = project.path / "datamart/governance/decisions.jsonl"
    decided = [json.loads(line)["as_of"] for line in trail.read_text().splitlines()]
    told = section((project.path / CARD).read_text(), "Decisions")
    assert re.findall(r"^\| (\d{4}-\d\d-\d\d)", told, re.M) == decided
    assert project.luigi("RequestRetraining", "--reason", "yearly | planned").returncode == 0
    assert f"ModelCard({AS_OF})" in project.stale()
    assert f"ModelCard({AS_OF})" in project.built_by("Pipeline")
    told = section((project.path / CARD).read_text(), "Decisions")
    *_, asked = told.rstrip().splitlines()  # the ruling has no effect before the next month
    assert "request retraining" in asked
    assert "a person" in asked
    assert r"yearly \| planned" in asked
    assert project.built_by("Pipeline") == []


def test_the_same_card_has_the_same_bytes(project: Project) -> None:
    before = project.digests("reports/model_cards")
    shutil.rmtree(project.path / "reports/model_cards")
    assert project.built_by("Pipeline") == [f"ModelCard({AS_OF})"]
    assert project.digests("reports/model_cards") == before


# --- of facts by hand ------------------------------------------------------------------------


def bins(missing: float = 0.0) -> FrozenBins:
    return FrozenBins(edges=[0.5], bins=2, n=100, shares=[0.5, 0.5 - missing, missing])


def loan_facts(first: str, last: str) -> LoanFacts:
    return LoanFacts(first_vintage=day(first), last_vintage=day(last), loans=100, default_rate=0.2)


def metadata(**changed: Any) -> ModelMetadata:
    values: dict[str, Any] = {
        "generation": 1,
        "champion": "forest",
        "metrics": {"forest": {"all": {"auc": 0.8}, "performing": {"auc": None}}},
        "features": ["Age"],
        "window": Window(
            train_until=day("2024-06-01"),
            sampled_from=None,
            train=loan_facts("2023-01-01", "2023-12-01"),
            test=loan_facts("2023-10-01", "2023-12-01"),
        ),
        "parameters": {"class": "sklearn.ensemble.RandomForestClassifier", "max_depth": 3},
        "threshold": 0.5,
        "score_bins": bins(),
        "performing_score_bins": bins(),
        "feature_bins": {"Age": bins()},
        "requested_bins": 10,
        "libraries": {"numpy": "2"},
        "calibrated_metrics": {"performing": {"auc": 0.8, "auc_low": 0.75, "auc_high": 0.85}},
    }
    return ModelMetadata(**(values | changed))


def empty(columns: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns)).astype(columns)


def loans(*labels: float) -> pd.DataFrame:
    return pd.DataFrame({"delinquent": False, "label": np.array(labels, dtype=float)})


@pytest.fixture
def facts() -> Facts:
    """A first model that has scored no loan yet."""
    return Facts(
        as_of=day("2024-06-15"),
        metadata=metadata(),
        reigns=[FIRST],
        entries=[],
        raised=None,
        monitoring=pd.DataFrame(columns=["month", "sample", "window_performing_auc"]),
        grades=empty(calibration.GRADES),
        fairness=empty(fairness.COLUMNS),
        importance=empty(importance.COLUMNS),
        baseline=None,
        incidents=pd.DataFrame(columns=["first_month", "is_open", "words"]),
        customers={"total": 10, "flagged": 0, "reasons": {}},
        included=loans(0, 1, np.nan),
        excluded=loans(),
        settings={
            "labels.prediction_mob": 3,
            "labels.observation_mob": 6,
            "labels.performance_from": "after",
            "labels.overdue_threshold": 0,
            "governance.population": "performing",
            "governance.min_auc": 0.7,
            "governance.min_matured": 150,
            "explanations.not_told": [],
        },
    )


def limits(facts: Facts) -> str:
    return section(model_card(facts), "Limits and known weaknesses")


def test_a_model_that_has_scored_nothing_yet_has_a_card_that_says_so(facts: Facts) -> None:
    text = model_card(facts)
    check_that_it_reads_well(text)
    assert "It has scored no loan that it was not fitted on yet." in text
    assert "from month 4 to month 6" in section(text, "Target")
    assert "No loan that is kept out has a label by then." in text
    assert "0 performing loans have matured, fewer than the 150" in limits(facts)


def test_the_limits_follow_from_the_figures(facts: Facts) -> None:
    sound = limits(facts)
    assert "20 defaults among 100 held-out loans" in sound
    assert "± 0.050" in sound
    for weak, words in (
        (
            {
                "window": Window(
                    train_until=day("2024-06-01"),
                    sampled_from=5000,
                    since=day("2023-11-01"),
                    train=loan_facts("2023-11-01", "2023-12-01"),
                    test=loan_facts("2023-11-01", "2023-12-01"),
                )
            },
            [
                "on 2 vintages, less than a year",
                "forgotten all loans from before November 2023",
                "a sample of 5,000",
            ],
        ),
        (
            {
                "calibrated_metrics": {
                    "performing": {
                        "auc": 0.72,
                        "auc_low": 0.65,
                        "auc_high": 0.79,
                        "calibration_slope": 0.5,
                        "calibration_gap": 0.1,
                        "calibration_z": 5.0,
                        "precision": 0.6,
                        "recall": 0.1,
                    }
                }
            },
            [
                "is not beyond chance above the 0.7",
                "too extreme: slope 0.50",
                "too high by 0.100 (z = +5.0)",
                "finds 10.0 % of the defaults",
            ],
        ),
        ({"feature_bins": {"Age": bins(missing=0.3)}}, ["30.0 % of `Age`"]),
    ):
        told = limits(replace(facts, metadata=metadata(**weak)))
        for each in words:
            assert each in told
            assert each not in sound


def test_an_incident_that_began_before_the_model_had_learnt_is_a_weakness(facts: Facts) -> None:
    def told(month: str) -> str:
        incident = {"first_month": day(month), "is_open": True, "words": "fe_1 is gone"}
        card = model_card(replace(facts, incidents=pd.DataFrame([incident])))
        assert "- fe_1 is gone" in section(card, "Open incidents")
        return section(card, "Limits and known weaknesses")

    assert "fe_1 is gone" in told("2024-05-01")
    assert "fe_1 is gone" not in told("2024-07-01")


def test_excluded_loans_that_default_more_often_are_told_with_their_interval(
    facts: Facts,
) -> None:
    book = loans(*[0.0] * 900, *[1.0] * 100)
    like, worse = loans(*[0.0] * 90, *[1.0] * 10), loans(*[0.0] * 50, *[1.0] * 50)
    assert "which may be chance" in limits(replace(facts, included=book, excluded=like))
    told = limits(replace(facts, included=book, excluded=worse))
    assert "default +40.0 percentage points against those in gold ([+30.0, +50.0]), beyond" in told


def test_a_former_champion_says_who_came_after_it(facts: Facts) -> None:
    reigns = [FIRST, Reign(day("2024-06-01"), 2)]
    told = section(model_card(replace(facts, reigns=reigns)), "Decisions")
    assert "It is not champion any more: since 2024-06-01 it is generation 2." in told


def entry(on: str, action: Any, generation: int, following: int | None = None) -> Entry:
    return Entry(
        as_of=dt.date.fromisoformat(on),
        action=action,
        generation=generation,
        reason="why",
        next_generation=following,
    )


def test_a_card_has_the_entries_about_its_generation_up_to_its_day_and_no_others() -> None:
    trail = [
        entry("2024-07-01", "retrain", 1, 2),
        entry("2024-07-01", "promote", 2),
        entry("2024-08-01", "request_retraining", 2, 3),
        entry("2024-08-01", "reject", 3),
        entry("2024-08-02", "prune", 2),
        entry("2024-09-01", "keep", 2),
        entry("2024-10-01", "keep", 2),
    ]
    found = entries_about(2, trail, day("2024-09-15"))
    assert [(e.action, e.generation) for e in found] == [
        ("retrain", 1),
        ("promote", 2),
        ("request_retraining", 2),
        ("reject", 3),
        ("keep", 2),
    ]
    assert [e.action for e in entries_about(1, trail, day("2024-09-15"))] == ["retrain", "promote"]


def test_numbers_are_written_one_way_and_what_there_is_not_is_a_dash() -> None:
    assert [number(-0.0001), number(np.nan), number(None), number(0.5, 2)] == [
        "0.000",
        "–",
        "–",
        "0.50",
    ]
    assert [signed(0.1), signed(-0.1), signed(0.0)] == ["+0.100", "-0.100", "0.000"]
    assert [share(0.123), count(12345), p_value(1e-9)] == ["12.3 %", "12,345", "< 0.001"]
    assert interval(0.5, 0.4, 0.6) == "0.500 [0.400, 0.600]"
    assert interval(0.5, np.nan, None) == "0.500"


def test_a_table_lines_up_and_its_words_break_no_column() -> None:
    assert table(["a", "number"], [["x | y\nz", 5], [None, 12345]]).splitlines() == [
        r"| a        | number |",
        r"| -------- | -----: |",
        r"| x \| y z |      5 |",
        r"| –        |  12345 |",
    ]
