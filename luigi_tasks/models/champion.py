"""The stage BestModel: the champion of a generation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import luigi

from luigi_tasks.core import signing
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.settings import params
from luigi_tasks.core.targets import Document, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.generations import registry
from luigi_tasks.models.candidates import TrainCandidate
from luigi_tasks.models.names import metadata_path, model_files
from luigi_tasks.models.training_data import TrainingData


class BestModel(Stage):
    """The candidate that orders performing loans best, fitted on all loans, and its metadata.

    From generation 2 on it has to beat the champion before, on vintages that neither was fitted
    on.
    """

    generation = luigi.IntParameter(
        default=None,  # type: ignore[arg-type]
        description="default: the marker's",
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
            values["generation"] = registry.current_generation()
        return values

    def candidates(self) -> dict[str, TrainCandidate]:
        """The candidates of this generation by name."""
        names = params()["training.candidates"]
        return {name: TrainCandidate(name=name, generation=self.generation) for name in names}

    @property
    def incumbent(self) -> str | None:
        """The name under which the champion before takes part; None for the first generation."""
        return f"generation_{self.generation - 1}" if self.generation > 1 else None

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.models.contest",)

    def requires(self) -> dict[str, Stage]:
        required: dict[str, Stage] = {
            "training data": TrainingData(generation=self.generation),
            **self.candidates(),
        }
        if self.incumbent:
            required[self.incumbent] = BestModel(generation=self.generation - 1)
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
                self.requires()["training data"].path(),
                {name: candidate.path() for name, candidate in self.candidates().items()},
                folder,
                **self.params.named(),
            )
        text = json.dumps(as_json(metadata))
        (folder / metadata_path(self.generation).name).write_text(text, encoding="utf-8")

    def publish(self, target: StageTarget, staging: Path, recipe: Recipe) -> None:
        super().publish(target, staging, recipe)
        signing.sign_file(target.path)  # it vouches for the files beside it by their SHA-256
