"""The sections of a model card about its loans: what became of those that it has scored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from luigi_tasks.monitoring.fairness import LEAST_LOANS
from luigi_tasks.monitoring.populations import POPULATIONS
from luigi_tasks.reports.card_facts import Facts
from luigi_tasks.reports.markdown import (
    NOTHING,
    count,
    interval,
    is_known,
    items,
    number,
    share,
    signed,
    table,
)

MOST_FEATURES = 10


def out_of_time(facts: Facts) -> Iterator[str]:
    """How well each vintage was scored that the model was not fitted on."""
    if facts.monitoring.empty:
        yield "It has scored no loan that it was not fitted on yet."
        return
    for population, prefix in (("performing", "performing_"), ("all", "")):
        yield f"Population: {population}. One row a prediction month, of one vintage."
        yield table(
            ["month", "vintage", "sample", "loans", "matured", "default rate", "AUC", "PSI"],
            [
                [
                    f"{row['month']:%Y-%m}",
                    f"{row['vintage']:%Y-%m}",
                    row["sample"],
                    count(row[f"{prefix}n"]),
                    count(row[f"{prefix}n_matured"]),
                    share(row[f"{prefix}default_rate"]),
                    interval(
                        row[f"{prefix}auc"], row[f"{prefix}auc_low"], row[f"{prefix}auc_high"]
                    ),
                    number(row[f"{prefix}psi"]),
                ]
                for _, row in facts.monitoring.sort_values(["month", "sample"]).iterrows()
            ],
            texts=3,
        )
    samples = set(facts.monitoring["sample"])
    yield items(f"{name}: {words}" for name, words in _SAMPLES.items() if name in samples)


_SAMPLES = {
    "unseen": "the label matured after the model knew labels, the prediction point lies before: "
    "scored after the fact.",
    "live": "scored on its day, by a model that could know nothing of it.",
}


def calibration(facts: Facts) -> Iterator[str]:
    """Mean score beside default rate, held out and in the newest live months, and by grade."""
    rows = [
        ["held out", population, *_calibrated(own)]
        for population, own in facts.metadata.calibrated_metrics.items()
    ]
    judged = facts.judged
    if judged is not None:
        name = f"live, months up to {judged['month']:%Y-%m}"
        for population, prefix in zip(POPULATIONS, ("window_", "window_performing_"), strict=True):
            rows.append([name, population, *_calibrated(judged, prefix)])
    yield (
        "The gap is mean score less default rate, z the gap in standard errors. A slope below 1 is "
        "of scores that are too extreme; 1 is best. p is that of the Hosmer-Lemeshow test, which "
        "on many loans rejects every model."
    )
    yield table(["loans", "population", "gap", "z", "slope", "intercept", "p"], rows, texts=2)
    for population in ("performing", "all"):
        grades = facts.grades[facts.grades["population"] == population]
        if len(grades):
            yield f"By grade, {population} loans that it was not fitted on:"
            yield table(
                ["grade", "score", "loans", "matured", "mean score", "default rate", "in line"],
                [
                    [
                        row["grade"],
                        f"{100 * row['pd_from']:g} to {100 * row['pd_to']:g} %",
                        count(row["n"]),
                        count(row["n_matured"]),
                        share(row["mean_score"]),
                        interval(row["default_rate"], row["low"], row["high"], share),
                        _yes(row["is_in_line"]),
                    ]
                    for _, row in grades.iterrows()
                ],
                texts=2,
            )


def _calibrated(row: Any, prefix: str = "") -> list[str]:
    return [
        signed(row.get(f"{prefix}calibration_gap")),
        signed(row.get(f"{prefix}calibration_z"), 1),
        number(row.get(f"{prefix}calibration_slope"), 2),
        signed(row.get(f"{prefix}calibration_intercept"), 2),
        number(row.get(f"{prefix}hosmer_lemeshow_p")),
    ]


def _yes(value: object) -> str:
    return ("yes" if value else "no") if is_known(value) else NOTHING


def explanations(facts: Facts) -> Iterator[str]:
    """In what space scores are explained, from where, and what the model needs most."""
    at = (
        f"The baseline, the score of an average loan of the training data, is "
        f"{number(facts.baseline)}."
        if is_known(facts.baseline)
        else "No loan has been explained yet."
    )
    hidden = facts.settings["explanations.not_told"]
    told = f" {', '.join(hidden)} is told to no customer as a reason." if hidden else ""
    yield (
        "The reasons of a score are SHAP values in the space in which they are exact for the "
        "classifier (log-odds of a linear one, what the trees of a forest or of boosting add up "
        "to), carried over to probability by one factor a loan; of other classifiers they are an "
        f"estimate. {at}{told} docs/explanations.md says more."
    )
    found = facts.importance.head(MOST_FEATURES)
    if found.empty:
        yield "There are no out-of-time loans with both outcomes to try the features on."
        return
    first = found.iloc[0]
    yield (
        f"The features that it needs most: how far the AUC falls from {number(first['auc'])} when "
        f"one is shuffled among {count(first['n'])} performing loans that it was not fitted on "
        "(mean and standard deviation over the shuffles)."
    )
    yield table(
        ["feature", "AUC falls by", "±"],
        [
            [f"`{row['feature']}`", number(row["auc_drop"], 4), number(row["auc_drop_std"], 4)]
            for _, row in found.iterrows()
        ],
    )


def groups(facts: Facts) -> Iterator[str]:
    """How alike groups of customers are treated, without a verdict."""
    own = facts.fairness[facts.fairness["population"] == "performing"]
    if own.empty:
        yield "No column is looked at, or no loan has been scored that the model did not know."
        return
    yield (
        "Performing loans that the model was not fitted on, with 95 % intervals. The ratio is that "
        "of approval to the group with the highest rate. What it amounts to is for people to "
        f"judge. Of fewer than {LEAST_LOANS} loans nothing is said."
    )
    heads = ["group", "loans", "approved", "ratio", "matured", "default rate", "gap", "AUC"]
    for column, rows in own.groupby("column", sort=False):
        yield f"By {column}:"
        yield table(
            heads,
            [
                [
                    row["group"],
                    count(row["n"]),
                    interval(
                        row["approval_rate"], row["approval_low"], row["approval_high"], share
                    ),
                    interval(row["approval_ratio"], row["ratio_low"], row["ratio_high"], _two),
                    count(row["n_matured"]),
                    interval(row["default_rate"], row["default_low"], row["default_high"], share),
                    interval(row["calibration_gap"], row["gap_low"], row["gap_high"], signed),
                    interval(row["auc"], row["auc_low"], row["auc_high"], _two),
                ]
                for _, row in rows.iterrows()
            ],
        )


def _two(value: object) -> str:
    return number(value, 2)
