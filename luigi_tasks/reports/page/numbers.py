"""All numbers of the page, by section: what reports/report.json holds and every chart reads."""

from __future__ import annotations

from typing import Any

from luigi_tasks.reports.page import book, features, models, months, scores, stages
from luigi_tasks.reports.page.facts import PageFacts
from luigi_tasks.reports.page.first_screen import first_screen
from luigi_tasks.reports.page.values import plain


def numbers_of(facts: PageFacts) -> dict[str, Any]:
    """The sections by name, in values of JSON; the same facts give the same numbers."""
    window = facts.model.window
    performing = facts.model.calibrated_metrics.get("performing", {})
    sections = {
        "as_of": facts.as_of,
        "champion": {
            "generation": facts.generation,
            "model": facts.model.model_in_words,
            "train_until": window.train_until,
            "trained_on": window.train.loans if window.train else None,
            "out_of_time_auc": performing.get("auc"),
            "out_of_time_auc_low": performing.get("auc_low"),
            "out_of_time_auc_high": performing.get("auc_high"),
            "features": len(facts.model.features),
        },
        "first_screen": first_screen(facts),
        "performance": months.performance(facts),
        "score_drift": months.score_drift(facts),
        "drift": features.feature_drift(facts),
        "calibration": scores.calibration(facts),
        "scores": scores.scores(facts),
        "book": book.vintages(facts),
        "quality": book.data_quality(facts),
        "decisions": models.decisions(facts),
        "challenger": models.challenger(facts),
        "reasons": models.reasons(facts),
        "fairness": models.fairness(facts),
        "stages": stages.graph(facts.families, facts.inputs),
    }
    found: dict[str, Any] = plain(sections)
    return found
