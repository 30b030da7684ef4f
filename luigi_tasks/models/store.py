"""The model store: the metadata and the models of the generations."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from luigi_tasks.core import locks, signing
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.records import from_json
from luigi_tasks.core.settings import params
from luigi_tasks.core.targets import Document
from luigi_tasks.models import unpickling
from luigi_tasks.models.metadata import ModelMetadata
from luigi_tasks.models.names import metadata_path, model_files


def read_metadata(generation: int) -> ModelMetadata:
    """The metadata of a generation's model.

    Raises PipelineError when there is none, or when it is not signed although there is a key.
    """
    path = metadata_path(generation)
    try:
        text = signing.read(path)
    except FileNotFoundError:
        raise PipelineError(f"{path}: generation {generation} has no model yet") from None
    return from_json(text, ModelMetadata, path)


def load_model(generation: int) -> Any:
    """The champion of a generation; raises PipelineError when its file is not the recorded one."""
    return _load(generation, model_files(generation)[0])


def load_encoders(generation: int) -> Any:
    """The champion's fitted encoders; raises PipelineError as `load_model`."""
    return _load(generation, model_files(generation)[1])


def _load(generation: int, name: str) -> Any:
    try:
        return _load_now(generation, name)
    except PipelineError:
        # It may be half published, by a run that goes on or by one that was killed.
        with locks.publishing():
            Document(metadata_path(generation), beside=model_files(generation)).settle()
            return _load_now(generation, name)


def _load_now(generation: int, name: str) -> Any:
    provenance = read_metadata(generation).provenance
    digest = provenance.files.get(name, "") if provenance else ""
    return unpickling.load(metadata_path(generation).with_name(name), digest, candidate_classes())


def check_that_it_can_be_read(*files: Path) -> None:
    """Raise PipelineError for a model of this run that the next stage would refuse."""
    for file in files:
        unpickling.load(file, hashlib.sha256(file.read_bytes()).hexdigest(), candidate_classes())


def candidate_classes() -> set[str]:
    """The classes of the candidates, by dotted path."""
    specs = params()["training.candidates"].values()
    return {spec["class"] for spec in specs if "class" in spec}
