"""The stage TrainCandidate: one candidate of params.yaml, measured out of time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import luigi

from luigi_tasks.core import digests, signing
from luigi_tasks.core.files import MARKER
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.storage import in_model_store
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.models.released import StageOfGeneration
from luigi_tasks.models.training_data import TrainingData


class TrainCandidate(StageOfGeneration):
    """One candidate: its score for every loan of the held-out vintages, by rolling origin.

    A candidate with `members` has the mean of the scores of those candidates.
    """

    name = luigi.Parameter(description="a name under training.candidates of params.yaml")
    generation = luigi.IntParameter(description="the model's running number")
    product = "candidate"

    def settings_read(self) -> tuple[str, ...]:
        return (f"training.candidates.{self.name}", "training.random_state")

    @property
    def spec(self) -> dict[str, Any]:
        """Its entry in params.yaml: the class and its arguments, or its members."""
        spec: dict[str, Any] = self.params[f"training.candidates.{self.name}"]
        return spec

    @property
    def members(self) -> list[str]:
        """The candidates that vote in this one; none in a classifier."""
        return [] if "class" in self.spec else list(self.spec["members"])

    def code_modules(self) -> tuple[str, ...]:
        # A classifier of this package is code as well, though no import names it.
        module = self.spec.get("class", "").rpartition(".")[0]
        is_ours = module.partition(".")[0] == __name__.partition(".")[0]
        return (*super().code_modules(), *([module] if is_ours else []))

    def slow_imports(self) -> tuple[str, ...]:
        module = self.spec.get("class", "").rpartition(".")[0]
        return ("luigi_tasks.models.rolling", *([module] if module else []))

    def check(self) -> None:
        """Refuse a candidate that cannot be made; seen once, it is remembered.

        Making it takes slow imports, which a run that fits it needs anyway.
        """
        super().check()
        if self.members:
            return

        def make() -> bool:
            from luigi_tasks.models.estimators import estimator

            estimator(self.name, self.spec, random_state=0)
            return True

        digests.remembered(f"candidate-{digests.of_json([self.name, self.spec])[:32]}", make)

    def is_whole(self) -> bool:
        """A released model needs its candidates no more."""
        return True

    def requires(self) -> dict[str, Stage]:
        return {
            "training data": TrainingData(generation=self.generation),
            **{
                name: TrainCandidate(name=name, generation=self.generation) for name in self.members
            },
        }

    def output(self) -> dict[str, StageTarget]:
        folder = in_model_store("candidates", f"generation_{self.generation}", self.name)
        return {"candidate": Directory(folder)}

    def build(self, staging: Mapping[str, Path]) -> None:
        import pandas as pd

        from luigi_tasks.models.candidate_files import check, read_scores, write_candidate
        from luigi_tasks.models.rolling import out_of_time_scores, soft_vote
        from luigi_tasks.models.training_sets import read_training_frame

        required = self.requires()
        if self.members:
            folders = [required[name].path() for name in self.members]
            for folder in folders:
                check(folder)
            scores = soft_vote([read_scores(folder) for folder in folders])
        else:
            frame = read_training_frame(required["training data"].path())
            parts = []
            with Progress(self, "fitting", int(frame["origin"].max()), "origins") as progress:
                for part in out_of_time_scores(
                    self.name, self.spec, frame, self.params["training.random_state"]
                ):
                    parts.append(part)
                    progress.add(1)
            scores = pd.concat(parts, ignore_index=True)
        write_candidate(staging["candidate"], scores, self.spec)

    def publish(self, target: StageTarget, staging: Path, recipe: Recipe) -> None:
        super().publish(target, staging, recipe)
        signing.sign_file(target.path / MARKER)  # it vouches for the files by their SHA-256
