"""The contest for champion of a generation: candidates and incumbent on the same loans."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from luigi_tasks.models import candidate_files, store
from luigi_tasks.models.bins import freeze_bins
from luigi_tasks.models.feature_columns import model_input
from luigi_tasks.models.metadata import LIBRARIES, ModelMetadata, SplitFacts, Window
from luigi_tasks.models.names import metadata_path, model_files
from luigi_tasks.models.scoring import score
from luigi_tasks.models.selection import choose_champion, measure_splits
from luigi_tasks.models.training_sets import features_in, read_splits, read_training_frame


@dataclass(frozen=True)
class Contest:
    """The champion's metadata, and the files of its model and encoders."""

    metadata: ModelMetadata
    files: tuple[Path, Path]


@dataclass(frozen=True)
class Contestant:
    """A model that takes part: its score for every row of the training frame, and what it is."""

    scores: Any
    features: list[str]
    parameters: dict[str, Any]
    files: tuple[Path, Path]


def candidate(folder: Path, frame: pd.DataFrame) -> Contestant:
    """A candidate of this generation, from its folder in the model store."""
    candidate_files.check(folder)
    return Contestant(
        candidate_files.read_scores(folder),
        features_in(frame),
        candidate_files.read_parameters(folder),
        (folder / candidate_files.MODEL, folder / candidate_files.ENCODERS),
    )


def incumbent(generation: int, frame: pd.DataFrame) -> Contestant:
    """The champion of an earlier generation, scoring this generation's frame."""
    metadata = store.read_metadata(generation)
    folder = metadata_path(generation).parent
    model, encoders = model_files(generation)
    store.load_encoders(generation)  # they are copied and signed with the model
    return Contestant(
        score(store.load_model(generation), frame[metadata.features]),
        metadata.features,
        metadata.parameters,
        (folder / model, folder / encoders),
    )


def window_of(frame: pd.DataFrame, left_out: int) -> Window:
    """What a model fitted on this training frame has seen; `left_out` matured loans were not."""

    def facts(split: str) -> SplitFacts | None:
        loans = frame[frame["split"] == split]
        if loans.empty:
            return None
        return SplitFacts(
            first_vintage=loans["vintage"].min(),
            last_vintage=loans["vintage"].max(),
            loans=len(loans),
            default_rate=float(loans["label"].mean()),
        )

    return Window(
        train_until=frame["train_until"].iloc[0],
        sampled_from=len(frame) + left_out if left_out else None,
        train=facts("train"),
        test=facts("test"),
    )


def hold_contest(
    generation: int,
    training_data: Path,
    candidates: Mapping[str, Path],
    *,
    threshold: float,
    bins: int,
) -> Contest:
    """Measure all that take part on the held-out loans, and describe the champion.

    `training_data` and `candidates` are the folders of those stages.
    """
    frame = read_training_frame(training_data)
    left_out = int((read_splits(training_data) == "left_out").sum())
    contestants = {name: candidate(folder, frame) for name, folder in candidates.items()}
    before = f"generation_{generation - 1}"
    if generation > 1:
        contestants[before] = incumbent(generation - 1, frame)
    metrics = measure_splits(
        {name: contestant.scores for name, contestant in contestants.items()},
        frame["label"],
        frame["split"],
        threshold,
    )
    aucs = {name: by_split["test"]["auc"] for name, by_split in metrics.items()}
    name = choose_champion(aucs, before)
    champion = contestants[name]
    if name in candidates:
        store.check_that_it_can_be_read(*champion.files)
    test = (frame["split"] == "test").to_numpy()
    performing = ~frame["delinquent"].to_numpy()
    features = model_input(frame[champion.features])
    metadata = ModelMetadata(
        generation=generation,
        champion=name,
        metrics=metrics,
        features=champion.features,
        window=window_of(frame, left_out),
        parameters=champion.parameters,
        threshold=threshold,
        score_bins=freeze_bins(pd.Series(champion.scores[test]), bins),
        performing_score_bins=freeze_bins(pd.Series(champion.scores[test & performing]), bins),
        feature_bins={
            str(column): freeze_bins(values[test], bins) for column, values in features.items()
        },
        requested_bins=bins,
        libraries={
            "python": platform.python_version(),
            **{library: version(library) for library in LIBRARIES},
        },
    )
    return Contest(metadata, champion.files)
