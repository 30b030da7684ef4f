"""The contest for champion of a generation, and the fitting of the winner on all loans."""

from __future__ import annotations

import platform
import shutil
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
from luigi_tasks.models.estimators import encoders_of, fit
from luigi_tasks.models.feature_columns import model_input
from luigi_tasks.models.loan_model import LoanModel
from luigi_tasks.models.metadata import (
    LIBRARIES,
    Duel,
    LoanFacts,
    ModelMetadata,
    Origin,
    Window,
)
from luigi_tasks.models.names import metadata_path, model_files
from luigi_tasks.models.scoring import score
from luigi_tasks.models.selection import Measured, aucs_of, choose_champion, measure
from luigi_tasks.models.training_sets import features_in, read_samples, read_training_frame


@dataclass(frozen=True)
class Winner:
    """What is recorded of a champion, and its scores of loans that it was not fitted on.

    `judged` are those loans, `scores` as it gives them from now on.
    """

    name: str
    parameters: dict[str, Any]
    features: list[str]
    judged: pd.DataFrame
    scores: Any
    window: Window
    calibration: str


def hold_contest(
    generation: int,
    training_data: Path,
    candidates: Mapping[str, Path],
    folder: Path,
    *,
    threshold: float,
    bins: int,
    random_state: int,
    calibration: str,
) -> ModelMetadata:
    """Choose the champion, write its model and encoders into a folder, and describe it.

    `training_data` and `candidates` are the folders of those stages. The candidates are compared
    on the loans of all held-out vintages. The best of them meets the incumbent on those that
    had no matured label yet when the incumbent was fitted. A candidate that wins is fitted on all
    loans; an incumbent that wins stays as it is.
    """
    frame = read_training_frame(training_data)
    left_out = int((read_samples(training_data) == "left_out").sum())
    held_out = frame[frame["origin"] > 0]
    scores = {name: _scores(path, held_out) for name, path in candidates.items()}
    metrics = {name: measure(held_out, values, threshold) for name, values in scores.items()}
    name = choose_champion(aucs_of(metrics))
    duel, winner = None, None
    if generation > 1:
        duel, winner = meet_incumbent(
            generation - 1, name, held_out.assign(score=scores[name]), threshold
        )
    if winner:
        for own, old in zip(model_files(generation), model_files(generation - 1), strict=True):
            shutil.copyfile(metadata_path(generation - 1).with_name(old), folder / own)
    else:
        specs = specs_of(name, candidates)
        calibrator = fit_calibrator(calibration, scores[name], held_out["label"])
        model = refit(specs, frame, random_state, calibrator)
        written = [folder / file for file in model_files(generation)]
        for part, path in zip((model, encoders_of(model.members[0])), written, strict=True):
            artefacts.dump(part, path)
        store.check_that_it_can_be_read(*written)
        is_vote = list(specs) != [name]
        winner = Winner(
            name,
            {"members": specs} if is_vote else specs[name],
            features_in(frame),
            held_out,
            calibrated(calibrator, scores[name]),
            window_of(frame, left_out),
            calibration,
        )
    return describe(
        winner, generation, metrics, origins_of(held_out, scores, threshold), duel, threshold, bins
    )


def meet_incumbent(
    generation: int, challenger: str, held_out: pd.DataFrame, threshold: float
) -> tuple[Duel, Winner | None]:
    """The champion of an earlier generation against the `score` of the best candidate.

    Both are judged on the held-out loans whose label the incumbent could not know. The winner is
    None when it is the candidate.
    """
    metadata = store.read_metadata(generation)
    incumbent = f"generation_{generation}"
    fresh = held_out[held_out["label_date"] > metadata.window.train_until]
    judged = fresh if len(fresh) else held_out  # a tie: nothing is new to both
    store.load_encoders(generation)  # they are copied and signed with the model
    scores = score(store.load_model(generation), judged[metadata.features])
    if len(fresh):
        metrics = {
            challenger: measure(fresh, fresh["score"], threshold),
            incumbent: measure(fresh, scores, threshold),
        }
        duel = Duel(loans=facts_of(fresh), metrics=metrics)
        if choose_champion(aucs_of(metrics), incumbent) == challenger:
            return duel, None
    else:
        duel = Duel(loans=None, metrics={})
    window = Window(
        train_until=held_out["train_until"].iloc[0],
        fitted_until=metadata.window.fitted_until,
        sampled_from=metadata.window.sampled_from,
        train=metadata.window.train,
        test=facts_of(judged),
    )
    return duel, Winner(
        incumbent,
        metadata.parameters,
        metadata.features,
        judged,
        scores,
        window,
        metadata.calibration,
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


def window_of(frame: pd.DataFrame, left_out: int) -> Window:
    """What a model fitted on this training frame has seen; `left_out` matured loans were not."""
    until = frame["train_until"].iloc[0]
    return Window(
        train_until=until,
        fitted_until=until,
        sampled_from=len(frame) + left_out if left_out else None,
        train=facts_of(frame),
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


def origins_of(held_out: pd.DataFrame, scores: Mapping[str, Any], threshold: float) -> list[Origin]:
    """The metrics of every candidate on the vintage of each origin, oldest first."""
    found = []
    for _, loans in held_out.groupby("origin"):
        rows = held_out["origin"].isin(loans["origin"]).to_numpy()
        metrics = {
            name: measure(loans, np.asarray(values)[rows], threshold)
            for name, values in scores.items()
        }
        found.append(Origin(loans=facts_of(loans), metrics=metrics))
    return found


def describe(
    winner: Winner,
    generation: int,
    metrics: dict[str, Measured],
    origins: list[Origin],
    duel: Duel | None,
    threshold: float,
    bins: int,
) -> ModelMetadata:
    """The metadata of a champion: how it was chosen, and the reference that it leaves."""
    features = model_input(winner.judged[winner.features])
    scores = pd.Series(winner.scores)
    performing = ~winner.judged["delinquent"].to_numpy(dtype=bool)
    return ModelMetadata(
        generation=generation,
        champion=winner.name,
        metrics=metrics,
        origins=origins,
        against_incumbent=duel,
        features=winner.features,
        window=winner.window,
        parameters=winner.parameters,
        threshold=threshold,
        calibration=winner.calibration,
        calibrated_metrics=measure(winner.judged, scores, threshold),
        score_bins=freeze_bins(scores, bins),
        performing_score_bins=freeze_bins(scores[performing], bins),
        feature_bins={
            str(column): freeze_bins(values, bins) for column, values in features.items()
        },
        requested_bins=bins,
        libraries={
            "python": platform.python_version(),
            **{library: version(library) for library in LIBRARIES},
        },
    )


def _scores(folder: Path, held_out: pd.DataFrame) -> Any:
    candidate_files.check(folder)
    by_row = candidate_files.read_scores(folder).set_index("row")["score"]
    return by_row.loc[held_out.index].to_numpy()
