"""The model store: the metadata and the models of the generations."""

from __future__ import annotations

from typing import Any

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.records import from_json
from luigi_tasks.core.settings import params
from luigi_tasks.models import artefacts
from luigi_tasks.models.metadata import ModelMetadata
from luigi_tasks.models.names import metadata_path, model_files


def read_metadata(generation: int) -> ModelMetadata:
    """The metadata of a generation's model; raises PipelineError when there is none."""
    path = metadata_path(generation)
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise PipelineError(f"{path}: generation {generation} has no model yet") from None
    return from_json(text, ModelMetadata, path)


def load_model(generation: int) -> Any:
    """The champion of a generation; raises PipelineError when its file is not the recorded one."""
    name, _ = model_files(generation)
    provenance = read_metadata(generation).provenance
    digest = provenance.files.get(name, "") if provenance else ""
    return artefacts.load(metadata_path(generation).with_name(name), digest, trusted_packages())


def trusted_packages() -> set[str]:
    """The packages that params.yaml takes candidates from."""
    candidates = params()["training.candidates"]
    return {spec["class"].partition(".")[0] for spec in candidates.values()}
