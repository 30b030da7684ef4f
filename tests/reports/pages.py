"""What the tests of the report page share: its facts in a finished project, and variants."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from conftest import day
from running import Project

from luigi_tasks.generations.audit_trail import Entry
from luigi_tasks.reports.page.facts import PageFacts
from luigi_tasks.reports.page.numbers import numbers_of
from luigi_tasks.reports.page.rendering import page
from luigi_tasks.reports.page.task import Report
from luigi_tasks.reports.vega import vega_bundle

EVIL = "planned <script>alert('x')</script> & \"quoted\" </script> \u2028"


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """With another working directory."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def facts_of(project: Project) -> PageFacts:
    """What the page of a project is made from."""
    with inside(project.path):
        report = Report()
        facts = report._facts()
        return replace(facts, settings=dict(facts.settings))


def with_a_challenger(facts: PageFacts) -> PageFacts:
    """The same after a retrain that a person has asked for in dangerous words, and a rejection."""
    swap = {"loans": 12, "default_rate": 0.25}
    figures = {
        "loans": 278,
        "default_rate": 0.3,
        "champion_auc": 0.74,
        "challenger_auc": 0.75,
        "difference": 0.01,
        "difference_low": -0.02,
        "difference_high": 0.04,
        "champion_gap": -0.01,
        "challenger_gap": 0.02,
        "champion_approval_rate": 0.9,
        "challenger_approval_rate": 0.88,
        "swapped_in": swap,
        "swapped_out": swap,
    }
    asked = Entry(
        as_of=day("2025-10-15"),
        generation=1,
        action="request_retraining",
        reason=EVIL,
        who="somebody.with.a.name",
        next_generation=2,
    )
    ruled = Entry(
        as_of=day("2025-10-15"),
        generation=2,
        action="reject",
        reason="not 0.01 better beyond chance",
        limits={"population": "performing", "min_auc_gain": 0.01},
        facts=figures,
    )
    return replace(facts, entries=[*facts.entries, asked, ruled])


def with_an_incident(facts: PageFacts, *, is_open: bool = True) -> PageFacts:
    """The same with a feed that has been broken since two months before the newest one."""
    months = sorted(facts.live["month"].unique())
    incident = {
        "extract": "feature_clickstream",
        "kind": "missing",
        "first_month": months[-2],
        "last_month": months[-1],
        "features": ["fe_1_z"],
        "n": 100,
        "share": 1.0,
        "usual_share": 0.0,
        "closed_month": None if is_open else months[-1],
        "closed_because": None if is_open else "the feed is back",
        "is_open": is_open,
        "words": "incident: feature_clickstream has no rows for new loans",
    }
    table = facts.tables["incidents"].iloc[:0].copy()
    table.loc[0] = incident
    return replace(facts, tables={**facts.tables, "incidents": table})


def rendered(facts: PageFacts) -> tuple[dict[str, Any], str]:
    """The numbers and the page of some facts."""
    numbers = numbers_of(facts)
    return numbers, page(numbers, [], vega_bundle())


def embedded(html: str) -> dict[str, Any]:
    """What the page's script reads: its charts and their data."""
    found = re.search(r'<script type="application/json" id="report">(.*?)</script>', html, re.S)
    assert found
    values: dict[str, Any] = json.loads(found[1])
    return values
