"""How much each feature moves the score of a loan away from that of an average training loan.

SHAP values (Lundberg & Lee, "A unified approach to interpreting model predictions", NeurIPS 2017)
of every member of the model, in the space in which they are exact:

- a linear member: log-odds, w · (z − z̄) of its prepared columns z (their corollary 1), with z̄ the
  means of the loans that it was fitted on;
- a tree or an ensemble of trees: the margin that the trees add up to, log-odds of boosting and
  probability of a forest, by TreeSHAP (tree_shap.py), whose baseline is the mean margin of the
  loans that the trees were grown on;
- a behavioural score: log-odds, those of the application score as above and, as these are added,
  w · (z − z̄) of the repayment history;
- any other: probability, against eight training loans at the quantiles of its score, estimated from
  an order of the features and its reverse for each two of them (Mitchell et al., "Sampling
  permutations for Shapley value estimation", JMLR 23, 2022).

The columns that one feature was encoded in are added up. From log-odds to probability or back, and
through the calibrator, the values of a loan are multiplied by one positive factor,
(f(a) − f(b)) / (a − b) for a loan at a and the baseline at b: the rescale rule (Chen, Lundberg &
Lee, "Explaining a series of models by propagating Shapley values", Nature Communications 13, 2022).
So within a member the order of the features is that of the exact values; members count alike, as in
the score; and the values of a loan add up to its score less the baseline. Of a forest within a
behavioural score the order of the traits is exact, and that of the repayment history; how the one
stands to the other is by that rule.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from luigi_tasks.models.behaviour import BehaviouralScore
from luigi_tasks.models.calibration import calibrated, log_odds
from luigi_tasks.models.estimators import encoders_of
from luigi_tasks.models.feature_columns import model_input
from luigi_tasks.models.loan_model import LoanModel
from luigi_tasks.models.tree_shap import mean_margin, tree_shap

Floats = NDArray[np.float64]

# How far the values may be from adding up to a probability, before they are not taken for exact:
# some libraries reckon in single precision.
_TOLERANCE = 1e-5
# Orders of the features by which a classifier of any other class is explained.
_WALKS = 8
_SEED = 20_170_522


class Explanation(NamedTuple):
    """Of n loans: the baseline, and how much each feature adds to it.

    `values` are of shape (n, features), in probability, by feature; baseline + their sum over a
    loan is its score.
    """

    baseline: float
    values: pd.DataFrame


class Explainer:
    """Why loans have their score by a model, and the loans that it was fitted on.

    Those, with the model's features as in gold, are prepared once.
    """

    def __init__(self, model: LoanModel, training: pd.DataFrame) -> None:
        self.model = model
        known = model_input(training)
        self._known: list[Floats] = [member[:-1].transform(known) for member in model.members]

    def explain(self, loans: pd.DataFrame) -> Explanation:
        """The same of loans, with the features as in gold.

        On one thread, as scoring, for the same bytes on every machine.
        """
        asked, calibrator = model_input(loans), self.model.calibrator
        with threadpool_limits(limits=1):
            found = [
                _of_member(member, known, asked)
                for member, known in zip(self.model.members, self._known, strict=True)
            ]
            baseline = float(np.mean([base for base, _ in found]))
            values = np.mean([own for _, own in found], axis=0)
            ends = calibrated(calibrator, np.append(baseline + values.sum(axis=1), baseline))
        if calibrator is not None:
            baseline, values = float(ends[-1]), _rescaled(values, ends[:-1] - ends[-1])
        return Explanation(baseline, pd.DataFrame(values, loans.index, asked.columns))


def columns_by_feature(member: Pipeline) -> list[str]:
    """The feature behind each prepared column of a member, in their order."""
    lists = {name: list(own) for name, _, own in member.named_steps["prepare"].transformers_}
    sources = [str(name) for name in lists["numbers"]]
    if lists["categories"]:
        encoder = encoders_of(member).named_steps["encode"]
        for name, categories in zip(lists["categories"], encoder.categories_, strict=True):
            sources += [str(name)] * len(categories)
    return sources


def _of_member(member: Pipeline, known: Floats, loans: pd.DataFrame) -> tuple[float, Floats]:
    """The baseline of one member and its values, (n, features), in probability.

    `known` are the prepared columns of the loans that it was fitted on.
    """
    classifier = member.named_steps["classify"]
    prepared: Floats = member[:-1].transform(loans)
    sources = pd.Index(columns_by_feature(member))
    place = pd.Index(loans.columns).get_indexer(sources)
    found = _exact(classifier, prepared, known)
    if found is None:
        return _by_orders(classifier, prepared, known, place)
    margin, by_column = found
    values = np.zeros((len(loans), len(loans.columns)))
    np.add.at(values.T, place, by_column.T)
    baseline = float(expit(margin))
    probability: Floats = classifier.predict_proba(prepared)[:, 1]
    return baseline, _rescaled(values, probability - baseline)


def _exact(classifier: Any, prepared: Floats, known: Floats) -> tuple[float, Floats] | None:
    """Baseline and values by prepared column, in log-odds; None of what has no exact ones."""
    if isinstance(classifier, BehaviouralScore):
        return _updated(classifier, prepared, known)
    found = _linear(classifier, prepared, known.mean(axis=0)) or _trees(classifier, prepared)
    if found is None:
        return None
    margin, values = found
    probability: Floats = classifier.predict_proba(prepared)[:, 1]
    ends = margin + values.sum(axis=1)
    if np.allclose(expit(ends), probability, rtol=0, atol=_TOLERANCE):
        return margin, values
    if np.allclose(ends, probability, rtol=0, atol=_TOLERANCE):
        baseline = float(log_odds(np.array([margin]))[0])
        return baseline, _rescaled(values, log_odds(probability) - baseline)
    return None


def _updated(
    classifier: BehaviouralScore, prepared: Floats, known: Floats
) -> tuple[float, Floats] | None:
    """The same of an application score that the repayment history updates."""
    first = classifier.history
    found = _exact(classifier.application, prepared[:, first:], known[:, first:])
    if found is None:
        return None
    mean = known.mean(axis=0)
    added = (prepared - mean)[:, :first] * classifier.update_.coef_[0]
    margin = found[0] + float(classifier.update(mean.reshape(1, -1))[0])
    return margin, np.hstack([added, found[1]])


def _linear(classifier: Any, prepared: Floats, mean: Floats) -> tuple[float, Floats] | None:
    """Baseline and values by prepared column, in the margin; None of what is not linear."""
    weights = np.asarray(getattr(classifier, "coef_", 0.0))
    if weights.shape != (1, len(mean)):
        return None
    margin = float(classifier.decision_function(mean.reshape(1, -1))[0])
    return margin, (prepared - mean) * weights[0]


def _trees(classifier: Any, prepared: Floats) -> tuple[float, Floats] | None:
    """The same of trees that `shap` can read; None of what it cannot."""
    import shap  # slow, and a linear model does without

    try:
        explainer = shap.TreeExplainer(classifier, feature_perturbation="tree_path_dependent")
        return mean_margin(explainer.model), tree_shap(explainer.model, prepared)
    except Exception:  # whatever it says of a class that it does not know
        return None


def _by_orders(
    classifier: Any, prepared: Floats, known: Floats, place: NDArray[np.int64]
) -> tuple[float, Floats]:
    """Baseline and values by feature, in probability, of any classifier.

    Feature after feature, a training loan becomes the loan that is asked for.
    """
    scores = classifier.predict_proba(known)[:, 1]
    quantiles = ((np.arange(_WALKS) + 0.5) / _WALKS * len(known)).astype(int)
    starts = np.argsort(scores, kind="stable")[quantiles]
    values = np.zeros((len(prepared), int(place.max()) + 1))
    random = np.random.Generator(np.random.PCG64(_SEED))
    order = np.arange(values.shape[1])
    for walk, start in enumerate(starts):
        order = order[::-1] if walk % 2 else random.permutation(order)
        mixed, before = np.tile(known[start], (len(prepared), 1)), scores[start]
        for feature in order:
            own = place == feature
            mixed[:, own] = prepared[:, own]
            now = classifier.predict_proba(mixed)[:, 1]
            values[:, feature] += (now - before) / _WALKS
            before = now
    return float(scores[starts].mean()), values


def _rescaled(values: Floats, total: Floats) -> Floats:
    """The values of each loan times the factor that makes their sum that total.

    Without any where the sum is 0: such a loan is at the baseline.
    """
    sums = values.sum(axis=1)
    factor = np.divide(total, sums, out=np.zeros(len(sums)), where=np.abs(sums) > 1e-9)
    rescaled: Floats = values * factor[:, None]
    return rescaled
