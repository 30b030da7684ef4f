"""The contest of the candidates of a generation, and the fitting of the winner."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from luigi_tasks.models import artefacts, candidate_files, store
from luigi_tasks.models.bins import freeze_bins
from luigi_tasks.models.calibration import calibrated, fit_calibrator
from luigi_tasks.models.classes import EXTRAS
from luigi_tasks.models.comparison import compare
from luigi_tasks.models.estimators import encoders_of, fit
from luigi_tasks.models.feature_columns import model_input
from luigi_tasks.models.loan_model import LoanModel
from luigi_tasks.models.metadata import (
    LIBRARIES,
    AgainstChampion,
    LoanFacts,
    ModelMetadata,
    Origin,
    Window,
)
from luigi_tasks.models.names import model_files
from luigi_tasks.models.rolling import ALL, SINCE
from luigi_tasks.models.scoring import score
from luigi_tasks.models.selection import aucs_of, choose_champion, measure
from luigi_tasks.models.training_sets import features_in, read_samples, read_training_frame


@dataclass(frozen=True)
class Choice:
    """What may win: a candidate fitted on one window, and its scores of the held-out loans."""

    candidate: str
    window: str
    scores: Any


def hold_contest(
    generation: int,
    champion: int | None,
    training_data: Path,
    candidates: Mapping[str, Path],
    folder: Path,
    *,
    threshold: float,
    bins: int,
    random_state: int,
    calibration: str,
) -> ModelMetadata:
    """Choose the best candidate, write its model and encoders into a folder, and describe it.

    `training_data` and `candidates` are the folders of those stages. The candidates are compared
    on the held-out loans; the best is fitted on all loans of its window. It is also held against
    the `champion` of the day, if there is one: whether it takes its place is not decided here.
    """
    frame = read_training_frame(training_data)
    left_out = int((read_samples(training_data) == "left_out").sum())
    held_out = frame[frame["origin"] > 0]
    choices = {
        choice.candidate if choice.window == ALL else f"{choice.candidate}, {SINCE}": choice
        for name, path in candidates.items()
        for choice in _choices(name, path, held_out)
    }
    metrics = {name: measure(held_out, each.scores, threshold) for name, each in choices.items()}
    name = choose_champion(aucs_of(metrics))
    chosen = choices[name]
    learnt_from = frame if chosen.window == ALL else held_out
    specs = specs_of(chosen.candidate, candidates)
    calibrator = fit_calibrator(calibration, chosen.scores, held_out["label"])
    model = refit(specs, learnt_from, random_state, calibrator)
    written = [folder / file for file in model_files(generation)]
    for part, path in zip((model, encoders_of(model.members[0])), written, strict=True):
        artefacts.dump(part, path)
    store.check_that_it_can_be_read(*written)
    scores = calibrated(calibrator, chosen.scores)
    features = features_in(frame)
    inputs, values = model_input(held_out[features]), pd.Series(scores)
    performing = ~held_out["delinquent"].to_numpy(dtype=bool)
    is_vote = list(specs) != [chosen.candidate]
    return ModelMetadata(
        generation=generation,
        champion=name,
        metrics=metrics,
        origins=origins_of(held_out, choices, threshold),
        against_champion=against_champion(champion, held_out, scores, threshold)
        if champion
        else None,
        features=features,
        window=window_of(frame, learnt_from, left_out),
        parameters={"members": specs} if is_vote else specs[chosen.candidate],
        threshold=threshold,
        calibration=calibration,
        calibrated_metrics=measure(held_out, values, threshold),
        score_bins=freeze_bins(values, bins),
        performing_score_bins=freeze_bins(values[performing], bins),
        feature_bins={
            str(column): freeze_bins(column_values, bins)
            for column, column_values in inputs.items()
        },
        requested_bins=bins,
        libraries={
            "python": platform.python_version(),
            **{library: version(library) for library in [*LIBRARIES, *_more_libraries(specs)]},
        },
    )


def _more_libraries(specs: Mapping[str, dict[str, Any]]) -> list[str]:
    """The libraries beside scikit-learn that the classes of a model are of."""
    return sorted({spec["class"].partition(".")[0] for spec in specs.values()} & set(EXTRAS))


def _choices(name: str, folder: Path, held_out: pd.DataFrame) -> list[Choice]:
    """A candidate with its scores of the held-out loans in their order, window by window."""
    candidate_files.check(folder)
    scores = candidate_files.read_scores(folder)
    return [
        Choice(name, str(window), own.set_index("row")["score"].loc[held_out.index].to_numpy())
        for window, own in scores.groupby("window")
    ]


def against_champion(
    champion: int, held_out: pd.DataFrame, scores: Any, threshold: float
) -> AgainstChampion:
    """The best candidate's scores of the held-out loans against those of the champion.

    They are compared on the loans whose label the champion could not know.
    """
    metadata = store.read_metadata(champion)
    is_new = (held_out["label_date"] > metadata.window.train_until).to_numpy()
    fresh = held_out[is_new]
    old = score(store.load_model(champion), fresh[metadata.features]) if len(fresh) else np.empty(0)
    new = np.asarray(scores)[is_new]
    performing = ~fresh["delinquent"].to_numpy(dtype=bool)
    labels = fresh["label"].to_numpy(dtype=float)
    return AgainstChampion(
        champion=champion,
        loans=facts_of(fresh) if len(fresh) else None,
        all=compare(labels, old, new, threshold),
        performing=compare(labels[performing], old[performing], new[performing], threshold),
    )


def specs_of(name: str, candidates: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """The entries of params.yaml that a candidate is fitted by: its own, or its members'."""
    spec = candidate_files.read_parameters(candidates[name])
    members = [name] if "class" in spec else spec["members"]
    return {member: candidate_files.read_parameters(candidates[member]) for member in members}


def refit(
    specs: Mapping[str, dict[str, Any]], frame: pd.DataFrame, random_state: int, calibrator: Any
) -> LoanModel:
    """The model of these candidates, fitted on all loans of a training frame."""
    features = frame[features_in(frame)]
    members = [
        fit(name, spec, features, frame["label"], random_state) for name, spec in specs.items()
    ]
    return LoanModel(members, calibrator)


def window_of(frame: pd.DataFrame, learnt_from: pd.DataFrame, left_out: int) -> Window:
    """What a model has seen of a training frame; `left_out` matured loans were not in it."""
    return Window(
        train_until=frame["train_until"].iloc[0],
        since=None if learnt_from is frame else frame["since"].iloc[0],
        sampled_from=len(frame) + left_out if left_out else None,
        train=facts_of(learnt_from),
        test=facts_of(frame[frame["origin"] > 0]),
    )


def facts_of(loans: pd.DataFrame) -> LoanFacts:
    """Vintages, number and default rate of at least one loan."""
    return LoanFacts(
        first_vintage=loans["vintage"].min(),
        last_vintage=loans["vintage"].max(),
        loans=len(loans),
        default_rate=float(loans["label"].mean()),
    )


def origins_of(
    held_out: pd.DataFrame, choices: Mapping[str, Choice], threshold: float
) -> list[Origin]:
    """The metrics of all that may win on the loans of each origin, oldest first."""
    found = []
    for _, loans in held_out.groupby("origin"):
        rows = held_out["origin"].isin(loans["origin"]).to_numpy()
        metrics = {
            name: measure(loans, np.asarray(each.scores)[rows], threshold)
            for name, each in choices.items()
        }
        found.append(Origin(loans=facts_of(loans), metrics=metrics))
    return found
