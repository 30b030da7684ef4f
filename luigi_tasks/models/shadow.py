"""The stage ShadowScores: what a challenger would have said, beside what the champion said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import luigi

from luigi_tasks.core import tables
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage
from luigi_tasks.generations import registry
from luigi_tasks.generations.as_of import AsOfStage
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.models.champion import BestModel


class ShadowScores(AsOfStage):
    """datamart/gold/shadow_scores_N.parquet: one row a loan since challenger N was asked for.

    loan_id, prediction_date, delinquent, prediction_proba (by the champion), shadow_proba (by the
    challenger), label (null until it has matured) and label_date. In the order of gold.
    """

    challenger = luigi.IntParameter(description="the generation in shadow")
    product = "scores"

    def slow_imports(self) -> tuple[str, ...]:
        return ("luigi_tasks.models.store", "luigi_tasks.models.scoring")

    def requires(self) -> dict[str, Stage]:
        return {
            "gold": GoldFeatures(),
            "champion": BestModel(generation=self.generation),
            "challenger": BestModel(generation=self.challenger),
        }

    def output(self) -> dict[str, StageTarget]:
        path = in_datamart("gold", f"shadow_scores_{self.challenger}.parquet")
        return {"scores": self.place(Directory(path))}

    def build(self, staging: Mapping[str, Path]) -> None:
        import pyarrow as pa
        import pyarrow.dataset as ds

        from luigi_tasks.models.scoring import score
        from luigi_tasks.models.store import load_model, read_metadata

        asked = registry.raised_by(self.challenger)
        columns = {"prediction_proba": self.generation, "shadow_proba": self.challenger}
        models = {name: (load_model(g), read_metadata(g).features) for name, g in columns.items()}
        features = sorted({feature for _, own in models.values() for feature in own})
        day = ds.field("prediction_date")
        loans = tables.read(
            self.requires()["gold"].path(),
            [*LOAN, *features],
            (day > pa.scalar(asked.as_of if asked else self.as_of))
            & (day <= pa.scalar(self.as_of)),
        ).to_pandas()
        with Progress(self, "scoring", 2, "models") as progress:
            for name, (model, own) in models.items():
                loans[name] = score(model, loans[own])
                progress.add(1)
        loans["label"] = loans["label"].where(loans["label_date"] <= self.as_of).astype("Int64")
        tables.write_frame(staging["scores"], loans[[*LOAN, *columns]])


LOAN = ["loan_id", "prediction_date", "delinquent", "label", "label_date"]
