"""The stages of a generation keep what was released, though their recipe is another today."""

from __future__ import annotations

import luigi

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.settings import params
from luigi_tasks.core.targets import Document
from luigi_tasks.core.task import Stage
from luigi_tasks.generations import releases
from luigi_tasks.models.names import metadata_path, model_files


def keeps_released(generation: int) -> bool:
    """Whether what a generation has published stays: not while it is restated or `refit`."""
    return (
        params()["governance.released"] == "keep"
        and releases.released_model(generation) is not None
        and releases.asked_restatement(generation) is None
    )


def model_digest(generation: int) -> str | None:
    """The SHA-256 of a generation's model in the store; None when there is none."""
    target = Document(metadata_path(generation), beside=model_files(generation))
    provenance = target.provenance()
    return provenance.files.get(model_files(generation)[0]) if provenance else None


def stands(generation: int) -> bool:
    """Whether the released model of a generation is kept, and is the one in the store."""
    return keeps_released(generation) and model_digest(generation) == releases.released_model(
        generation
    )


def check_released(generation: int, digest: str) -> None:
    """Raise PipelineError for a model that is to take the place of another, released one."""
    if keeps_released(generation) and digest != releases.released_model(generation):
        raise PipelineError(
            f"{metadata_path(generation)}: generation {generation} is released, and its model "
            "cannot be made again from what is there now; restore it (dvc checkout), or ask for "
            f"another: luigi --module luigi_tasks RestateGeneration --generation {generation} "
            "--reason …"
        )


class StageOfGeneration(Stage):
    """A stage of a generation: fresh while the released model stands and its output is whole."""

    abstract = True
    generation = luigi.IntParameter(description="the model's running number")

    def examine(self) -> str | None:
        if stands(self.generation) and self.is_whole():
            return None
        return super().examine()

    def is_whole(self) -> bool:
        """Whether all that others need of it is as it was published."""
        return all(
            (found := target.provenance()) is not None and target.damage(found) is None
            for target in self.output().values()
        )

    def kept_because(self) -> str | None:
        if not stands(self.generation) or not self.is_whole():
            return None
        stale = super().examine()
        return f"released; otherwise stale: {stale}" if stale else None
