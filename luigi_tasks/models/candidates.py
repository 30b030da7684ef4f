"""The stage TrainCandidate: one candidate of params.yaml, fitted."""

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
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.models.training_data import TrainingData


class TrainCandidate(Stage):
    """One candidate, fitted; beside the model its score for every training and test row."""

    name = luigi.Parameter(description="a name under training.candidates of params.yaml")
    generation = luigi.IntParameter(description="the model's running number")
    product = "candidate"

    def settings_read(self) -> tuple[str, ...]:
        return (f"training.candidates.{self.name}", "training.random_state")

    @property
    def spec(self) -> dict[str, Any]:
        """Its entry in params.yaml: the class and its arguments."""
        spec: dict[str, Any] = self.params[f"training.candidates.{self.name}"]
        return spec

    def code_modules(self) -> tuple[str, ...]:
        # A classifier of this package is code as well, though no import names it.
        module = self.spec["class"].rpartition(".")[0]
        is_ours = module.partition(".")[0] == __name__.partition(".")[0]
        return (*super().code_modules(), *([module] if is_ours else []))

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.models.estimators", self.spec["class"].rpartition(".")[0])

    def check(self) -> None:
        """Refuse a candidate that cannot be made; seen once, it is remembered.

        Making it takes slow imports. While gold has to be built first they are done beside that,
        and the candidate is made when it is its turn.
        """
        super().check()
        if GoldFeatures().complete():
            self._check_that_it_can_be_made()

    def _check_that_it_can_be_made(self) -> None:
        def make() -> bool:
            from luigi_tasks.models.estimators import estimator

            estimator(self.name, self.spec, random_state=0)
            return True

        digests.remembered(f"candidate-{digests.of_json([self.name, self.spec])[:32]}", make)

    def requires(self) -> dict[str, Stage]:
        return {"training data": TrainingData(generation=self.generation)}

    def output(self) -> dict[str, StageTarget]:
        folder = in_model_store("candidates", f"generation_{self.generation}", self.name)
        return {"candidate": Directory(folder)}

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.models.candidate_files import write_candidate
        from luigi_tasks.models.estimators import encoders_of, fit
        from luigi_tasks.models.scoring import score
        from luigi_tasks.models.training_sets import features_in, read_training_frame

        frame = read_training_frame(self.requires()["training data"].path())
        features = frame[features_in(frame)]
        is_train = frame["split"] == "train"
        with Progress(self, "fitting"):
            model = fit(
                self.name,
                self.spec,
                features[is_train],
                frame["label"][is_train],
                self.params["training.random_state"],
            )
        scores = frame[["loan_id"]].assign(score=score(model, features))
        write_candidate(staging["candidate"], model, encoders_of(model), scores, self.spec)
        self._check_that_it_can_be_made()  # the next start finds it remembered

    def publish(self, target: StageTarget, staging: Path, recipe: Recipe) -> None:
        super().publish(target, staging, recipe)
        signing.sign_file(target.path / MARKER)  # it vouches for the files by their SHA-256
