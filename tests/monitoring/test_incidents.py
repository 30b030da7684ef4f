"""A broken feed is an incident from its first month on, and no model hides it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from conftest import CLICKSTREAM, FINANCIALS, day

from luigi_tasks.monitoring.incidents import SCHEMA, Closure, Incident, as_table, find_incidents

MONTHS = ["2024-07-01", "2024-08-01", "2024-09-01", "2024-10-01", "2024-11-01"]
LIMITS = {"max_missing_jump": 0.1, "max_unseen_share": 0.05}


def feature(month: str, name: str = "fe_1_mean", missing: float = 0.3, **values: Any) -> Any:
    """A feature in a month of 500 live loans: as often missing as in the reference."""
    sound = {
        "month": day(month),
        "generation": 1,
        "sample": "live",
        "feature": name,
        "missing_share": missing,
        "reference_missing_share": 0.3,
        "unseen_share": None,
        "n": 500,
        "reference_n": 1_500,
    }
    return {**sound, **values}


def found(*rows: dict[str, Any], closures: list[Closure] | None = None) -> list[Incident]:
    return find_incidents(pd.DataFrame(rows), closures or [], **LIMITS)


def outage(shares: list[float], **values: Any) -> list[dict[str, Any]]:
    """The months in order with these missing shares."""
    pairs = zip(MONTHS, shares, strict=False)
    return [feature(month, missing=share, **values) for month, share in pairs]


def test_a_month_as_usual_is_no_incident() -> None:
    assert found(*outage([0.3, 0.31, 0.28])) == []


def test_a_feed_without_rows_is_one_incident_named_in_its_first_month() -> None:
    rows = [
        feature(month, f"fe_{i}_mean", missing=missing)
        for i in range(1, 6)
        for month, missing in zip(MONTHS, [0.3, 0.3, 1.0, 1.0], strict=False)
    ]
    (incident,) = found(*rows)
    assert (incident.extract, incident.kind, incident.is_open) == (CLICKSTREAM, "missing", True)
    assert (incident.first_month, incident.last_month) == (day(MONTHS[2]), day(MONTHS[3]))
    assert len(incident.features) == 5
    assert (incident.share, incident.usual_share, incident.n) == (1.0, 0.3, 500)
    assert str(incident) == (
        "incident since Sep 2024: feature_clickstream has no rows for new loans"
    )


def test_a_column_that_is_missing_more_often_is_named_with_its_share() -> None:
    (incident,) = found(feature(MONTHS[0], "Annual_Income", missing=0.62))
    assert incident.extract == FINANCIALS
    assert str(incident) == (
        "incident since Jul 2024: 62% missing values in Annual_Income (features_financials)"
    )


def test_a_jump_that_chance_explains_is_no_incident() -> None:
    assert found(feature(MONTHS[0], missing=0.5, n=20)) == []
    assert len(found(feature(MONTHS[0], missing=0.5, n=2_000))) == 1


def test_a_jump_within_the_limit_is_no_incident_however_certain() -> None:
    assert found(feature(MONTHS[0], missing=0.39, n=10**6)) == []


def test_categories_that_training_had_not_seen_are_an_incident() -> None:
    (incident,) = found(feature(MONTHS[0], "Occupation", missing=0.3, unseen_share=0.2))
    assert incident.kind == "unseen"
    assert "20% values that training had not seen in Occupation" in str(incident)


@pytest.mark.parametrize("sample", ["test", "unseen"])
def test_only_live_months_have_incidents(sample: str) -> None:
    assert found(feature(MONTHS[0], missing=1.0, sample=sample)) == []


def test_an_incident_ends_when_the_feed_is_back_and_the_next_is_another() -> None:
    first, second = found(*outage([0.3, 1.0, 0.3, 0.3, 1.0]))
    assert (first.closed_month, first.closed_because) == (day(MONTHS[2]), "the feed is back")
    assert str(first).startswith("incident from Aug 2024 to Aug 2024")
    assert (second.first_month, second.is_open) == (day(MONTHS[4]), True)


def test_the_reference_of_a_new_model_does_not_hide_an_open_incident() -> None:
    rows = outage([0.3, 1.0, 1.0, 1.0])
    rows[3] |= {"generation": 2, "reference_missing_share": 1.0}
    (incident,) = found(*rows)
    assert (incident.is_open, incident.last_month) == (True, day(MONTHS[3]))


def test_an_incident_that_a_person_has_closed_is_not_opened_again_by_the_same_gap() -> None:
    closure = Closure(CLICKSTREAM, day("2024-08-20"), "the vendor is gone")
    (incident,) = found(*outage([0.3, 1.0, 1.0, 1.0]), closures=[closure])
    assert (incident.closed_month, incident.closed_because) == (
        day("2024-08-01"),
        "the vendor is gone",
    )


def test_after_a_closure_and_a_feed_that_is_back_the_next_outage_is_an_incident() -> None:
    closure = Closure(CLICKSTREAM, day("2024-07-20"), "accepted")
    first, second = found(*outage([1.0, 1.0, 0.3, 1.0]), closures=[closure])
    assert (first.first_month, second.first_month) == (day(MONTHS[0]), day(MONTHS[3]))


def test_a_closure_of_another_extract_or_of_an_earlier_day_closes_nothing() -> None:
    others = [
        Closure(FINANCIALS, day("2024-08-20"), "another"),
        Closure(CLICKSTREAM, day("2024-06-20"), "too early"),
    ]
    (incident,) = found(*outage([0.3, 1.0]), closures=others)
    assert incident.is_open


def test_the_table_of_incidents_has_its_columns_also_without_a_row() -> None:
    assert as_table([]).schema == SCHEMA
    table = as_table(found(*outage([1.0]))).to_pylist()
    assert table[0]["words"].startswith("incident since Jul 2024")
    assert table[0]["is_open"] is True
