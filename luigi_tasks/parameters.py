"""The settings of params.yaml: what each means and what it may be.

`luigi_tasks/__init__.py` declares them through `column_settings`; no task imports this module, so
that an edited rule makes nothing stale.
"""

from __future__ import annotations

import math
import re
from typing import Any

from luigi_tasks.core.rules import (
    Ascending,
    DateOr,
    Number,
    OneOf,
    Rule,
    Rules,
    Texts,
    Whole,
    shown,
)

# A name becomes a folder of the model store; `generation_…` are the folders of the generations.
_NAME = r"(?!generation_)[A-Za-z_][A-Za-z0-9_]*"
_DOTTED = r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+"


class Candidates(Rule):
    """The candidates by name: each its class and the arguments of that class, or its members.

    Members are names of other candidates, at least two, that have a class. Whether there is such
    a class, and whether it takes the arguments, is found when it is made.
    """

    @property
    def allowed(self) -> str:
        return (
            "a name (letters, digits, _; not generation_…) for each candidate, with its `class` "
            "by dotted path and its arguments, or as `members` the names of two or more others"
        )

    def holds(self, value: Any) -> bool:
        return (
            isinstance(value, dict)
            and bool(value)
            and all(
                _is_like(_NAME, name)
                and (_is_vote(spec, value) or _is_candidate(spec))
                and _is_plain(spec)
                for name, spec in value.items()
            )
        )

    def fault(self, name: str, value: Any) -> str:
        if isinstance(value, dict):
            for candidate, spec in value.items():
                for key, argument in spec.items() if _is_candidate(spec) else ():
                    if not _is_plain(argument):
                        return (
                            f"{name}.{candidate}.{key} = {shown(argument)} is not allowed: text, "
                            "a finite number, true, false, null, or lists and mappings of them"
                        )
        return super().fault(name, value)

    @property
    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": f"^{_NAME}$"},
            "additionalProperties": {
                "type": "object",
                "anyOf": [
                    {
                        "required": ["class"],
                        "properties": {
                            "class": {
                                "description": "a classifier by dotted path",
                                "type": "string",
                                "pattern": f"^{_DOTTED}$",
                            }
                        },
                    },
                    {
                        "required": ["members"],
                        "properties": {
                            "members": {
                                "description": "other candidates, whose mean score this one has",
                                "type": "array",
                                "items": {"type": "string", "pattern": f"^{_NAME}$"},
                                "minItems": 2,
                                "uniqueItems": True,
                            }
                        },
                        "additionalProperties": False,
                    },
                ],
            },
        }


class Groupings(Rule):
    """Columns by name, each with the ascending bounds of its bands or the word `categories`."""

    _bounds = Ascending(-1e12, 1e12, about="")

    @property
    def allowed(self) -> str:
        return (
            "gold column names, each with an ascending list of bounds (a number) or the word "
            "categories (a text)"
        )

    def holds(self, value: Any) -> bool:
        return isinstance(value, dict) and all(
            isinstance(name, str)
            and bool(name)
            and (how == "categories" or self._bounds.holds(how))
            for name, how in value.items()
        )

    @property
    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "propertyNames": {"minLength": 1},
            "additionalProperties": {"anyOf": [{"const": "categories"}, self._bounds.schema]},
        }


def _is_candidate(spec: Any) -> bool:
    return (
        isinstance(spec, dict)
        and _is_like(_DOTTED, spec.get("class"))
        and all(isinstance(argument, str) for argument in spec)
    )


def _is_vote(spec: Any, candidates: dict[Any, Any]) -> bool:
    """Whether it is a soft vote: two or more other candidates, each once and with a class."""
    if not (isinstance(spec, dict) and list(spec) == ["members"]):
        return False
    members = spec["members"]
    return (
        isinstance(members, list)
        and all(isinstance(name, str) for name in members)
        and len(set(members)) == len(members) >= 2
        and all(_is_candidate(candidates.get(name)) for name in members)
    )


def _is_plain(value: Any) -> bool:
    """Whether JSON has the value, and with it the recipe; whole numbers as far as NumPy goes."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(each) for key, each in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, int):
        return abs(value) < 2**63
    return (
        value is None
        or isinstance(value, str)
        or (isinstance(value, float) and math.isfinite(value))
    )


def _is_like(pattern: str, value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


RULES = Rules(
    {
        "labels.prediction_mob": Whole(
            1, 60, about="months on book at which a loan is scored: the prediction point"
        ),
        "labels.observation_mob": Whole(
            1, 120, about="months on book at which a label is known: the observation point"
        ),
        "labels.performance_from": OneOf(
            "prediction",
            "after",
            about="the performance window begins with the installment of the prediction point, or "
            "with the one after it",
        ),
        "labels.overdue_threshold": Number(
            0, 1e9, about="arrears above this in the performance window are a default"
        ),
        "quality.min_age": Whole(0, 150, about="a younger customer is flagged"),
        "quality.max_age": Whole(0, 150, about="an older customer is flagged"),
        "quality.max_flagged_share": Number(
            0, 1, about="share of customers that may be flagged; above it the run fails"
        ),
        "quality.max_quarantined_share": Number(
            0, 1, about="share of an extract's rows that may be quarantined; above it the run fails"
        ),
        "quality.latest_snapshot": DateOr(
            "auto",
            about="later snapshots are quarantined; auto: those beyond the newest month of an "
            "extract that holds a sensible share of its rows",
        ),
        "datasets.by_month_from_mb": Whole(
            0,
            1_000_000,
            about="extracts that are together as large as this (in MB: millions of bytes) are kept "
            "by month, so that a new month costs a month; smaller ones are quicker as a whole",
        ),
        "quality.max_unreadable_share": Number(
            0, 1, about="share of a column's values that may be unreadable; above it the run fails"
        ),
        "features.clickstream_months": Whole(
            1, 60, about="months of clickstream before a loan's start that its features look at"
        ),
        "training.train_until": DateOr(
            "auto",
            about="the day up to which the first model knows labels; auto: the first day on which "
            "twelve vintages have matured",
        ),
        "training.origins": Whole(
            1,
            120,
            about="newest matured vintages to compare candidates on, each scored by models fitted "
            "on the vintages before it",
        ),
        "training.calibration": OneOf(
            "none",
            "sigmoid",
            "isotonic",
            about="how the champion's scores are made probabilities, on the held-out vintages",
        ),
        "training.max_rows": Whole(
            1_000, 10**9, about="of more matured loans a sample is kept, by vintage and label"
        ),
        "training.random_state": Whole(0, 2**32 - 1, about="seed of the sample and the candidates"),
        "training.features": Texts(
            "gold column names, * and ? as wildcards", about="the columns of gold to fit on"
        ),
        "training.candidates": Candidates(
            about="the candidates by name: class by dotted path and its arguments, or members"
        ),
        "predictions.threshold": Number(0, 1, about="predicted default from this probability on"),
        "predictions.identifiers": OneOf(
            "plain",
            "pseudonyms",
            about="customers and loans in what leaves gold: as they are, or pseudonyms made with a "
            "key",
        ),
        "explanations.not_told": Texts(
            "gold column names, * and ? as wildcards",
            least=0,
            about="features that no customer is told as a reason",
        ),
        "monitoring.bins": Whole(2, 100, about="quantile bins of PSI and CSI, frozen at training"),
        "monitoring.floor": Number(1e-9, 0.01, about="share that stands for an empty bin"),
        "monitoring.window_months": Whole(
            1, 60, about="newest live months that governance looks at together"
        ),
        "monitoring.watch": Number(
            0, 100, about="PSI or CSI from which on, beyond chance, drift is watched"
        ),
        "monitoring.critical": Number(
            0, 100, about="PSI or CSI from which on, beyond chance, drift is critical"
        ),
        "monitoring.max_missing_jump": Number(
            0, 1, about="how far a feature's missing share may rise above its reference"
        ),
        "monitoring.max_unseen_share": Number(
            0, 1, about="share of values that may be of categories that training had not seen"
        ),
        "fairness.columns": Groupings(
            about="the columns of gold by whose groups the model is looked at"
        ),
        "governance.population": OneOf(
            "performing", "all", about="the loans that governance judges"
        ),
        "governance.max_calibration_gap": Number(
            0, 1, about="between mean score and default rate; beyond it the model is watched"
        ),
        "governance.min_new_labels": Whole(
            1, 10**9, about="matured loans from after a break that a retrain can learn from"
        ),
        "monitoring.cost_ratio": Number(
            0.01,
            1000,
            about="what approving a default costs, in profits lost by refusing a good loan",
        ),
        "monitoring.grades": Ascending(
            0, 1, about="upper bounds of the probability of default of each grade but the last"
        ),
        "governance.min_auc": Number(0, 1, about="retrain below this AUC"),
        "governance.max_psi": Number(0, 100, about="retrain from this PSI on"),
        "governance.released": OneOf(
            "keep",
            "refit",
            about="what was published when data, parameters or code change: it stays until a "
            "restatement is asked for, or it is made again at once",
        ),
        "governance.shadow_months": Whole(
            0, 24, about="months that a challenger is scored beside the champion, then judged"
        ),
        "governance.min_auc_gain": Number(
            0, 1, about="AUC by which a challenger has to be better, beyond chance"
        ),
        "governance.max_approval_change": Number(
            0, 1, about="how far a challenger may change the share of approved loans"
        ),
        "governance.max_calibration_loss": Number(
            0,
            1,
            about="how much further a challenger's mean score may be from the default rate",
        ),
        "governance.min_matured": Whole(
            1, 10**9, about="matured live loans that an AUC needs before it counts"
        ),
        "governance.min_scored": Whole(
            1, 10**9, about="scored live loans that a PSI needs before it counts"
        ),
        "retention.generations": Whole(
            1, 10_000, about="newest generations that `prune` keeps, champions or not"
        ),
        "retention.reports": Whole(
            1, 10_000, about="newest earlier days (as_of=…/) whose outputs `prune` keeps"
        ),
    },
    ordered=(
        ("labels.prediction_mob", "labels.observation_mob"),
        ("quality.min_age", "quality.max_age"),
        ("monitoring.watch", "monitoring.critical"),
    ),
)
