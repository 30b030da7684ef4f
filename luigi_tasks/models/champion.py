"""The stage BestModel: the model of a generation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import luigi

from luigi_tasks.core import digests, signing
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.settings import params
from luigi_tasks.core.targets import Document, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.generations import registry
from luigi_tasks.models.candidates import TrainCandidate
from luigi_tasks.models.names import metadata_path, model_files
from luigi_tasks.models.released import StageOfGeneration, check_released
from luigi_tasks.models.training_data import TrainingData


class BestModel(StageOfGeneration):
    """The candidate that orders performing loans best, fitted on all loans, and its metadata.

    From generation 2 on it is a challenger: the metadata hold it against the champion, on loans
    that neither was fitted on, and governance decides.
    """

    generation = luigi.IntParameter(
        default=None,  # type: ignore[arg-type]
        description="default: the newest that was asked for",
    )
    reads = (
        "predictions.threshold",
        "monitoring.bins",
        "training.random_state",
        "training.calibration",
    )
    product = "model"

    @classmethod
    def concrete_values(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values["generation"] is None:
            values["generation"] = registry.generations()[-1]
        return values

    def candidates(self) -> dict[str, TrainCandidate]:
        """The candidates of this generation by name."""
        names = params()["training.candidates"]
        return {name: TrainCandidate(name=name, generation=self.generation) for name in names}

    @property
    def champion(self) -> int | None:
        """The champion that it is held against; None for the first generation."""
        entry = registry.raised_by(self.generation)
        return entry.generation if entry else None

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.models.contest",)

    def requires(self) -> dict[str, Stage]:
        required: dict[str, Stage] = {
            "training data": TrainingData(generation=self.generation),
            **self.candidates(),
        }
        if self.champion:
            required["champion"] = BestModel(generation=self.champion)
        return required

    def output(self) -> dict[str, StageTarget]:
        path = metadata_path(self.generation)
        return {"model": Document(path, beside=model_files(self.generation))}

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.core.records import as_json
        from luigi_tasks.models.contest import hold_contest

        folder = staging["model"]
        folder.mkdir()
        with Progress(self, "fitting the champion"):
            metadata = hold_contest(
                self.generation,
                self.champion,
                self.requires()["training data"].path(),
                {name: candidate.path() for name, candidate in self.candidates().items()},
                folder,
                **self.params.named(),
            )
        text = json.dumps(as_json(metadata))
        (folder / metadata_path(self.generation).name).write_text(text, encoding="utf-8")

    def publish(self, target: StageTarget, staging: Path, recipe: Recipe) -> None:
        model = digests.of_file(staging / model_files(self.generation)[0])
        check_released(self.generation, model)
        super().publish(target, staging, recipe)
        signing.sign_file(target.path)  # it vouches for the files beside it by their SHA-256
