"""Training: the frame, the candidates, and the model that wins on out-of-time vintages.

Imputation, encoding and scaling live inside one scikit-learn pipeline, fitted on training rows
only. A model of a generation is fitted on labels known on its `train_until` day; the newest
matured vintages are held out and decide which candidate wins.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import importlib
import json
import logging
import platform
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from luigi_tasks.core import digests, tables
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.settings import params
from luigi_tasks.core.targets import Directory, Document
from luigi_tasks.core.task import PipelineTask, Recipe, in_datamart, in_model_store
from luigi_tasks.generations import audit_trail as decisions
from luigi_tasks.layers.gold import GoldFeatures
from luigi_tasks.models import artefacts
from luigi_tasks.models.metrics import evaluate, freeze_bins

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

log = logging.getLogger("luigi-interface")

# `auto`: the first model waits for a full year of matured vintages.
FIRST_VINTAGES = 12
NOT_FEATURES = (
    "loan_id",
    "customer_id",
    "vintage",
    "loan_start_date",
    "prediction_date",
    "label",
    "label_date",
)
# The datasets of TrainingData.
TRAINING, LEFT_OUT = "training.parquet", "left_out.parquet"
# A candidate's files: the whole pipeline, and the fitted encoders of its categories.
MODEL, ENCODERS = "model.pkl", "label_encoders.pkl"
LIBRARIES = ("scikit-learn", "numpy", "scipy", "pandas", "pyarrow", "joblib")


def first_train_until(gold: pd.DataFrame) -> dt.date:
    """The first day on which FIRST_VINTAGES vintages have matured.

    It looks at the calendar of the vintages only, never at what their labels are, and stays the
    same when later vintages arrive.
    """
    known = gold.dropna(subset=["label_date"])
    matured = sorted(known.groupby("vintage")["label_date"].max())
    if len(matured) < FIRST_VINTAGES:
        raise PipelineError(
            f"training.train_until = auto needs {FIRST_VINTAGES} matured vintages and the data "
            f"have {len(matured)}; give a date"
        )
    day: dt.date = max(matured[:FIRST_VINTAGES])
    return day


def select_features(columns: list[str], patterns: list[str]) -> list[str]:
    """The gold columns that match the patterns, in the order of gold.

    Raises PipelineError for a pattern that matches nothing.
    """
    candidates = [column for column in columns if column not in NOT_FEATURES]
    for pattern in patterns:
        if not fnmatch.filter(candidates, pattern):
            raise PipelineError(
                f"params.yaml: training.features: {pattern!r} matches no column of gold; "
                f"there are {', '.join(candidates)}"
            )
    return [c for c in candidates if any(fnmatch.fnmatch(c, pattern) for pattern in patterns)]


def split_out_of_time(frame: pd.DataFrame, test_vintages: int) -> pd.Series:
    """ "test" for the newest `test_vintages` vintages, "train" for the others."""
    vintages = sorted(frame["vintage"].unique())
    if len(vintages) <= test_vintages:
        raise PipelineError(
            f"params.yaml: training.test_vintages = {test_vintages} leaves no vintage to fit on; "
            f"{len(vintages)} have matured"
        )
    is_test = frame["vintage"].isin(vintages[-test_vintages:])
    return is_test.map({True: "test", False: "train"})


def split_random(frame: pd.DataFrame, test_share: float, random_state: int) -> pd.Series:
    """ "test" for a stratified share of the rows, "train" for the others."""
    import pandas as pd
    from sklearn.model_selection import train_test_split

    _, test = train_test_split(
        frame.index, test_size=test_share, random_state=random_state, stratify=frame["label"]
    )
    return pd.Series("train", index=frame.index).mask(frame.index.isin(test), "test")


def training_frame(
    gold: pd.DataFrame, train_until: dt.date, features: Sequence[str] = ()
) -> pd.DataFrame:
    """The loans whose label was known on a day: loan_id, vintage, label, features.

    Raises PipelineError unless both classes are there.
    """
    known = gold[gold["label_date"].notna() & (gold["label_date"] <= train_until)]
    if known["label"].nunique() < 2:
        raise PipelineError(
            f"until {train_until} {len(known)} labels have matured; loans with and without "
            "default are needed to train"
        )
    frame = known[["loan_id", "vintage", "label", *features]].sort_values("loan_id")
    return frame.reset_index(drop=True)


def leave_out(frame: pd.DataFrame, max_rows: int, random_state: int) -> pd.Series:
    """The split of each row, "left_out" for all but `max_rows` of them.

    The same share of every vintage, label and split stays, but at least one row of each.
    """
    share = max_rows / len(frame)
    kept = [
        row
        for _, rows in frame.groupby(["vintage", "label", "split"])
        for row in rows.sample(n=max(1, int(len(rows) * share)), random_state=random_state).index
    ]
    return frame["split"].where(frame.index.isin(kept), "left_out")


def features_of(frame: pd.DataFrame) -> pd.DataFrame:
    """What a model reads: numbers as float64, categories as text, missing as NaN."""
    import numpy as np
    import pandas as pd

    columns = {}
    for name, values in frame.items():
        if values.dtype == object:
            columns[name] = values.where(values.notna(), np.nan)
        else:
            columns[name] = values.astype("float64")
    return pd.DataFrame(columns, index=frame.index)


def estimator(name: str, spec: dict[str, Any], random_state: int) -> Any:
    """The unfitted classifier of a candidate.

    Raises PipelineError when its class cannot be found, does not take the arguments or gives
    no probabilities.
    """
    setting = f"params.yaml: training.candidates.{name}"
    module, _, class_name = spec["class"].rpartition(".")
    try:
        make = getattr(importlib.import_module(module), class_name)
    except (ImportError, AttributeError):
        raise PipelineError(f"{setting}.class = {spec['class']} cannot be found") from None
    arguments = {key: value for key, value in spec.items() if key != "class"}
    try:
        found = make(**arguments)
        known = found.get_params()
        if hasattr(found, "_validate_params"):
            found._validate_params()
    except (TypeError, AttributeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise PipelineError(f"{setting} = {arguments}: {reason}") from None
    if not hasattr(found, "predict_proba"):
        raise PipelineError(
            f"{setting}.class = {spec['class']} is no classifier that gives probabilities"
        )
    if "random_state" in known and "random_state" not in arguments:
        found.set_params(random_state=random_state)
    return found


def check_candidates() -> None:
    """Raise PipelineError for a candidate that cannot be made; seen once, it is remembered."""
    specs = params()["training.candidates"]

    def make_all() -> bool:
        for name, spec in specs.items():
            estimator(name, spec, random_state=0)
        return True

    digests.remembered(f"candidates-{digests.of_json(specs)[:32]}", make_all)


def make_pipeline(features: pd.DataFrame, classifier: Any) -> Pipeline:
    """Imputation, encoding and scaling of these features, then the classifier, all unfitted.

    Numbers: the training median stands for missing, then standardised. Categories: missing is
    a category, unknown ones encode as nothing.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    categorical = [name for name in features.columns if features[name].dtype == object]
    numeric = [name for name in features.columns if name not in categorical]
    numbers = Pipeline(
        [
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("scale", StandardScaler()),
        ]
    )
    categories = Pipeline(
        [
            (
                "impute",
                SimpleImputer(strategy="constant", fill_value="missing", keep_empty_features=True),
            ),
            ("encode", OneHotEncoder(handle_unknown="ignore", sparse_output=False)),
        ]
    )
    prepare = ColumnTransformer(
        [("numbers", numbers, numeric), ("categories", categories, categorical)]
    )
    return Pipeline([("prepare", prepare), ("classify", classifier)])


def fit(name: str, spec: dict[str, Any], frame: pd.DataFrame, random_state: int) -> Pipeline:
    """A candidate fitted on the rows of `frame` with split "train".

    One thread: the sums in it, and so the model's bytes, then do not depend on the machine.
    """
    from threadpoolctl import threadpool_limits

    rows = frame[frame["split"] == "train"]
    x = features_of(rows[model_features(frame)])
    pipeline = make_pipeline(x, estimator(name, spec, random_state))
    try:
        with threadpool_limits(limits=1):
            return pipeline.fit(x, rows["label"].to_numpy())
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise PipelineError(f"params.yaml: training.candidates.{name}: {reason}") from error


def score(model: Any, features: pd.DataFrame) -> Any:
    """The probability of default of each row, shape (n,)."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return model.predict_proba(features_of(features))[:, 1]


def model_features(frame: pd.DataFrame) -> list[str]:
    """The feature columns of a training frame."""
    known = ("loan_id", "vintage", "label", "split", "train_until")
    return [name for name in frame.columns if name not in known]


class TrainingData(PipelineTask):
    """The labelled loans that a generation may know, split into train and test.

    Beside them, without features, those that training.max_rows leaves out.
    """

    generation = luigi.IntParameter(description="the model's running number")

    def settings_read(self) -> tuple[str, ...]:
        split = {
            "out_of_time": ("training.test_vintages",),
            "random": ("training.test_share", "training.random_state"),
        }[params()["training.split"]]
        first = ("training.train_until",) if self.generation == 1 else ()
        sampling = ("training.max_rows", "training.random_state")
        return ("training.split", *split, *first, *sampling, "training.features")

    def requires(self) -> GoldFeatures:
        return GoldFeatures()

    def output(self) -> Directory:
        return Directory(in_datamart("gold", "training_data", f"generation_{self.generation}"))

    def recipe(self) -> Recipe:
        return {**super().recipe(), "train_until": decisions.train_until(self.generation)}

    def build(self, *built: Path) -> None:
        gold = GoldFeatures().targets()[0].path
        columns = tables.dataset(gold).schema.names
        features = select_features(columns, self.params["training.features"])
        loans = tables.read(gold, ["loan_id", "vintage", "label", "label_date"]).to_pandas()
        until = decisions.train_until(self.generation) or self.params["training.train_until"]
        day = first_train_until(loans) if until == "auto" else dt.date.fromisoformat(until)
        frame = training_frame(loans, day)
        frame["split"] = self._split(frame)
        left_out = frame[frame["split"] == "left_out"]
        if len(left_out):
            log.info(
                "%s: %d of %d matured loans are used, sampled by vintage and label "
                "(training.max_rows)",
                self,
                len(frame) - len(left_out),
                len(frame),
            )
        frame = frame.drop(left_out.index).assign(train_until=day)
        built[0].mkdir()
        tables.write_frame(built[0] / TRAINING, with_features(frame, gold, features))
        tables.write_frame(built[0] / LEFT_OUT, left_out[["loan_id", "vintage", "label"]])

    def _split(self, frame: pd.DataFrame) -> pd.Series:
        max_rows, seed = self.params["training.max_rows"], self.params["training.random_state"]
        if self.params["training.split"] == "random":
            split = split_random(frame, self.params["training.test_share"], seed)
        else:
            split = split_out_of_time(frame, self.params["training.test_vintages"])
        if len(frame) > max_rows:
            return leave_out(frame.assign(split=split), max_rows, seed)
        return split


def with_features(frame: pd.DataFrame, gold: Path, features: list[str]) -> pd.DataFrame:
    """The rows of a training frame with these columns of gold; only they are read."""
    import pyarrow.dataset as ds

    wanted = ds.field("loan_id").isin(frame["loan_id"].to_list())
    values = tables.read(gold, ["loan_id", *features], wanted).to_pandas()
    return frame.merge(values, on="loan_id", how="left", validate="one_to_one")


def read_training_data(generation: int) -> pd.DataFrame:
    """The training frame of a generation, as published."""
    folder = TrainingData(generation=generation).targets()[0].path
    frame: pd.DataFrame = tables.read(folder / TRAINING).to_pandas()
    return frame


def read_splits(generation: int) -> pd.Series:
    """train, test or left_out by loan_id, for the loans whose label a generation could know."""
    import pandas as pd

    folder = TrainingData(generation=generation).targets()[0].path
    used = tables.read(folder / TRAINING, ["loan_id", "split"]).to_pandas()
    left_out = tables.read(folder / LEFT_OUT, ["loan_id"]).to_pandas().assign(split="left_out")
    splits: pd.Series = pd.concat([used, left_out]).set_index("loan_id")["split"]
    return splits


class TrainCandidate(PipelineTask):
    """One candidate, fitted; beside the model its score for every training and test row."""

    name = luigi.Parameter(description="a name under training.candidates of params.yaml")
    generation = luigi.IntParameter(description="the model's running number")

    def settings_read(self) -> tuple[str, ...]:
        return (f"training.candidates.{self.name}", "training.random_state")

    def requires(self) -> TrainingData:
        return TrainingData(generation=self.generation)

    def output(self) -> Directory:
        return Directory(in_model_store("candidates", f"generation_{self.generation}", self.name))

    def build(self, *built: Path) -> None:
        frame = read_training_data(self.generation)
        spec = self.params[f"training.candidates.{self.name}"]
        with Progress(self, "fitting"):
            model = fit(self.name, spec, frame, self.params["training.random_state"])
        built[0].mkdir()
        artefacts.dump(model, built[0] / MODEL)
        encoders = model.named_steps["prepare"].named_transformers_["categories"]
        artefacts.dump(encoders, built[0] / ENCODERS)
        scores = frame[["loan_id"]].assign(score=score(model, frame[model_features(frame)]))
        scores.to_parquet(built[0] / "scores.parquet", index=False)
        (built[0] / "parameters.json").write_text(json.dumps(spec), encoding="utf-8")

    def scores(self) -> Any:
        """Its probability of default for each row of the training frame, in that order."""
        import pandas as pd

        return pd.read_parquet(self.targets()[0].path / "scores.parquet")["score"].to_numpy()

    def parameters(self) -> dict[str, Any]:
        """Its entry in params.yaml, as it was fitted."""
        found: dict[str, Any] = json.loads(
            (self.targets()[0].path / "parameters.json").read_bytes()
        )
        return found


def trusted_packages() -> set[str]:
    """The packages that params.yaml takes candidates from."""
    candidates = params()["training.candidates"]
    return {spec["class"].partition(".")[0] for spec in candidates.values()}


def window_of(frame: pd.DataFrame, left_out: int) -> dict[str, Any]:
    """What the model has seen: dates as text, rows and default rate by split.

    `sampled_from` is the number of matured loans when `left_out` of them were left out, else
    null; those are neither train nor test.
    """
    window: dict[str, Any] = {
        "train_until": frame["train_until"].iloc[0].isoformat(),
        "sampled_from": len(frame) + left_out if left_out else None,
    }
    for split, rows in frame.groupby("split"):
        window[str(split)] = {
            "first_vintage": rows["vintage"].min().isoformat(),
            "last_vintage": rows["vintage"].max().isoformat(),
            "loans": len(rows),
            "default_rate": float(rows["label"].mean()),
        }
    return window


def model_files(generation: int) -> tuple[str, str]:
    """The names of a generation's model and encoders in the model store."""
    return f"best_model_{generation}.pkl", f"label_encoders_{generation}.pkl"


class BestModel(PipelineTask):
    """The candidate with the best test AUC, with its metadata and the frozen bins.

    From generation 2 on the champion before takes part as well: a new model has to earn its
    place on vintages that neither was fitted on.
    """

    generation = luigi.IntParameter(
        default=None,  # type: ignore[arg-type]
        description="default: the marker's",
    )

    @classmethod
    def get_param_values(cls, params: Any, args: Any, kwargs: Any) -> list[tuple[str, Any]]:
        values = dict(super().get_param_values(params, args, kwargs))
        if values["generation"] is None:
            values["generation"] = decisions.current_generation()
        return list(values.items())

    def settings_read(self) -> tuple[str, ...]:
        return ("predictions.threshold", "monitoring.bins")

    def candidates(self) -> dict[str, TrainCandidate]:
        """The candidates of this generation by name."""
        names = params()["training.candidates"]
        return {name: TrainCandidate(name=name, generation=self.generation) for name in names}

    def requires(self) -> list[luigi.Task]:
        incumbent = [BestModel(generation=self.generation - 1)] if self.generation > 1 else []
        return [
            TrainingData(generation=self.generation),
            *self.candidates().values(),
            *incumbent,
        ]

    def output(self) -> Document:
        number = self.generation
        return Document(
            in_model_store(f"model_metadata_{number}.json"),
            beside=model_files(number),
        )

    def build(self, *built: Path) -> None:
        import pandas as pd

        check_candidates()  # all is imported by now; the next start finds it remembered
        threshold = self.params["predictions.threshold"]
        frame = read_training_data(self.generation)
        left_out = int((read_splits(self.generation) == "left_out").sum())
        x = frame[model_features(frame)]
        candidates = self.candidates()
        scores = {name: candidate.scores() for name, candidate in candidates.items()}
        before = f"generation_{self.generation - 1}"
        if self.generation > 1:
            incumbent = load_model(self.generation - 1)
            scores[before] = score(incumbent, x[read_metadata(self.generation - 1)["features"]])
        measured = {
            name: {
                split: evaluate(frame["label"][rows], scores[name][rows], threshold)
                for split in ("train", "test")
                if (rows := (frame["split"] == split).to_numpy()).any()
            }
            for name in scores
        }
        champion = max(scores, key=lambda name: measured[name]["test"]["auc"] or 0.0)
        if champion == before:
            origin = read_metadata(self.generation - 1)
            x = x[origin["features"]]
            parameters = origin["parameters"]
            files = [in_model_store(name) for name in model_files(self.generation - 1)]
        else:
            parameters = candidates[champion].parameters()
            folder = candidates[champion].targets()[0].path
            files = [folder / MODEL, folder / ENCODERS]
        test = (frame["split"] == "test").to_numpy()
        bins = self.params["monitoring.bins"]
        metadata = {
            "generation": self.generation,
            "champion": champion,
            "metrics": measured,
            "features": list(x.columns),
            "window": window_of(frame, left_out),
            "parameters": parameters,
            "threshold": threshold,
            # The held-out loans are the reference: a model knows its training rows too well, and
            # the newest vintages are nearest to those that come.
            "score_bins": freeze_bins(pd.Series(scores[champion][test]), bins),
            "feature_bins": {
                str(name): freeze_bins(values[test], bins)
                for name, values in features_of(x).items()
            },
            "requested_bins": bins,
            "libraries": {
                "python": platform.python_version(),
                **{name: version(name) for name in LIBRARIES},
            },
        }
        document = self.targets()[0]
        assert isinstance(document, Document)
        built[0].mkdir()
        for file, name in zip(files, document.beside, strict=True):
            shutil.copyfile(file, built[0] / name)
        (built[0] / document.path.name).write_text(json.dumps(metadata), encoding="utf-8")


def read_metadata(generation: int) -> dict[str, Any]:
    """The metadata of a generation's model."""
    path = BestModel(generation=generation).targets()[0].path
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise PipelineError(f"{path}: generation {generation} has no model yet") from None
    return found


def load_model(generation: int) -> Any:
    """The champion of a generation; raises PipelineError when its file is not the recorded one."""
    document = BestModel(generation=generation).targets()[0]
    name, _ = model_files(generation)
    digest = read_metadata(generation)["provenance"]["files"][name]
    return artefacts.load(document.path.parent / name, digest, trusted_packages())
