"""A candidate: its classifier by dotted path, the preparation of its features, and its fitting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.models.behaviour import BehaviouralScore
from luigi_tasks.models.boosting import cleared, completed, library_of, sentence
from luigi_tasks.models.classes import class_at
from luigi_tasks.models.feature_columns import model_input

# How the names of the features begin that are made of the loan's own installments.
HISTORY = "hist_"


def estimator(name: str, spec: dict[str, Any], random_state: int) -> Any:
    """The unfitted classifier of a candidate.

    Raises PipelineError when there is no such class, when it does not take the arguments or
    when it gives no probabilities.
    """
    setting = f"params.yaml: training.candidates.{name}"
    try:
        make = class_at(spec["class"])
    except LookupError as why:
        raise PipelineError(f"{setting}.class = {spec['class']} {why}") from None
    arguments = {key: value for key, value in spec.items() if key != "class"}
    try:
        classifier: Any = make(**completed(make, arguments, random_state))
        known = classifier.get_params()
        # LightGBM and XGBoost inherit the check, but not what it checks by.
        if hasattr(classifier, "_parameter_constraints"):
            classifier._validate_params()
    except SystemExit:
        raise PipelineError(f"{setting} = {arguments}: making it ends the program") from None
    except Exception as error:
        reason = " ".join((str(error) or type(error).__name__).split())
        raise PipelineError(f"{setting} = {arguments}: {reason}") from error
    if not hasattr(classifier, "predict_proba"):
        raise PipelineError(
            f"{setting}.class = {spec['class']} is no classifier that gives probabilities"
        )
    has_one = library_of(make) is not None or "random_state" in arguments
    if "random_state" in known and not has_one:
        classifier.set_params(random_state=random_state)
    return classifier


def make_pipeline(features: pd.DataFrame, classifier: Any) -> Pipeline:
    """Imputation, encoding and scaling of these features, then the classifier, all unfitted.

    Numbers: the training median stands for missing, then standardised. Categories: missing is
    a category, unknown ones encode as nothing. Of the numbers the repayment history comes first;
    it updates what the classifier says of all others (see BehaviouralScore).
    """
    categorical = [name for name in features.columns if features[name].dtype == object]
    numeric = [name for name in features.columns if name not in categorical]
    numeric.sort(key=lambda name: not name.startswith(HISTORY))
    history = sum(name.startswith(HISTORY) for name in numeric)
    if 0 < history < len(features.columns):
        classifier = BehaviouralScore(classifier, history)
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


def encoders_of(model: Pipeline) -> Any:
    """The fitted encoders of the categories of a fitted candidate."""
    return model.named_steps["prepare"].named_transformers_["categories"]


@contextmanager
def on_all_cores(classifier: Any) -> Iterator[None]:
    """Within the block a forest uses all cores, unless its `n_jobs` is set.

    Scoring must not: several threads add up the trees' votes in any order.
    """
    free = isinstance(classifier, RandomForestClassifier | ExtraTreesClassifier)
    if not free or classifier.n_jobs is not None:
        yield
        return
    classifier.n_jobs = -1
    try:
        yield
    finally:
        classifier.n_jobs = None


def fit(
    name: str, spec: dict[str, Any], features: pd.DataFrame, labels: pd.Series, random_state: int
) -> Pipeline:
    """A candidate fitted on these rows; raises PipelineError when that fails.

    One thread: the sums in it, and so the model's bytes, then do not depend on the machine. But
    the trees of a forest, each of which has a seed of its own, are grown on all cores. For other
    libraries than scikit-learn see `boosting`.
    """
    x = model_input(features)
    classifier = estimator(name, spec, random_state)
    pipeline = make_pipeline(x, classifier)
    try:
        with threadpool_limits(limits=1), on_all_cores(classifier):
            pipeline.fit(x, labels.to_numpy())
    except Exception as error:  # LightGBM and CatBoost have errors of their own
        setting = f"params.yaml: training.candidates.{name}"
        raise PipelineError(f"{setting} = {spec} cannot be fitted: {sentence(error)}") from error
    cleared(classifier)
    return pipeline
