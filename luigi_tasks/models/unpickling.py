"""Reading model files: only when unaltered, and only with classes that are listed here.

Unpickling calls what the file names. A file is therefore read only when its SHA-256 is the
recorded one, and each class and function that it asks for must be listed by its exact module and
name. A list of packages would not do: NumPy, SciPy, joblib and scikit-learn all hold functions
that run code.

What remains: a file may call what is listed with any arguments (the opcodes REDUCE and NEWOBJ)
and set any attributes (BUILD), also on a listed class itself. Nothing in the list runs code or
writes files, but compiled code, such as a tree or an array, trusts the state that it is given, and
a forged one can crash the process or read and perhaps write its memory. The list keeps the easy
attacks out; it is no sandbox. Who may have written the file is what the signature tells
(docs/security.md).
"""

from __future__ import annotations

import hashlib
import io
import pickle
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.models.classes import class_at

# What the pickles of scikit-learn's classifiers ask for: module, and names that it defines.
_LISTED = {
    "builtins": "slice",
    "collections": "OrderedDict defaultdict",
    "luigi_tasks.models.behaviour": "BehaviouralScore",
    "luigi_tasks.models.loan_model": "LoanModel",
    "numpy": "dtype ndarray float32 float64 int32 int64",
    "numpy._core.multiarray": "_reconstruct scalar",
    "numpy._core.numeric": "_frombuffer",
    "numpy.random._mt19937": "MT19937",
    "numpy.random._pcg64": "PCG64",
    "numpy.random._pickle": "__bit_generator_ctor __generator_ctor __randomstate_ctor",
    "numpy.random.bit_generator": "SeedSequence __pyx_unpickle_SeedSequence",
    "sklearn._loss._loss": "CyExponentialLoss CyHalfBinomialLoss",
    "sklearn._loss.link": "HalfLogitLink Interval LogitLink",
    "sklearn._loss.loss": "ExponentialLoss HalfBinomialLoss",
    "sklearn.calibration": "CalibratedClassifierCV _CalibratedClassifier _SigmoidCalibration",
    "sklearn.compose._column_transformer": "ColumnTransformer",
    "sklearn.discriminant_analysis": "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis",
    "sklearn.dummy": "DummyClassifier",
    "sklearn.ensemble._bagging": "BaggingClassifier",
    "sklearn.ensemble._forest": "ExtraTreesClassifier RandomForestClassifier",
    "sklearn.ensemble._gb": "GradientBoostingClassifier",
    "sklearn.ensemble._hist_gradient_boosting.binning": "_BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting": "HistGradientBoostingClassifier",
    "sklearn.ensemble._hist_gradient_boosting.predictor": "TreePredictor",
    "sklearn.ensemble._weight_boosting": "AdaBoostClassifier",
    "sklearn.gaussian_process._gpc": (
        "GaussianProcessClassifier _BinaryGaussianProcessClassifierLaplace"
    ),
    "sklearn.gaussian_process.kernels": "ConstantKernel Product RBF",
    "sklearn.impute._base": "SimpleImputer",
    "sklearn.isotonic": "IsotonicRegression",
    "sklearn.linear_model._logistic": "LogisticRegression LogisticRegressionCV",
    "sklearn.linear_model._sgd_fast": "ModifiedHuber",
    "sklearn.linear_model._stochastic_gradient": "SGDClassifier",
    "sklearn.metrics._dist_metrics": "EuclideanDistance64 newObj",
    "sklearn.naive_bayes": "BernoulliNB GaussianNB",
    "sklearn.neighbors._ball_tree": "BallTree newObj",
    "sklearn.neighbors._classification": "KNeighborsClassifier RadiusNeighborsClassifier",
    "sklearn.neighbors._kd_tree": "KDTree newObj",
    "sklearn.neural_network._multilayer_perceptron": "MLPClassifier",
    "sklearn.neural_network._stochastic_optimizers": "AdamOptimizer SGDOptimizer",
    "sklearn.pipeline": "Pipeline",
    "sklearn.preprocessing._data": "StandardScaler",
    "sklearn.preprocessing._encoders": "OneHotEncoder",
    "sklearn.preprocessing._label": "LabelBinarizer LabelEncoder",
    "sklearn.semi_supervised._label_propagation": "LabelPropagation LabelSpreading",
    "sklearn.svm._classes": "LinearSVC SVC",
    "sklearn.tree._classes": "DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier",
    "sklearn.tree._tree": "Tree",
}
# What the classifiers of a library ask for beside themselves, when params.yaml names one of them or
# one that inherits from it. Of other packages their estimators are allowed.
_LISTED_WITH: dict[str, dict[str, str]] = {
    "catboost": {},
    "lightgbm": {"lightgbm.basic": "Booster"},
    "sklearn": {},
    "xgboost": {"xgboost.core": "Booster"},
}


def _pairs(listed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((module, name) for module, names in listed.items() for name in names.split())


ALLOWED = frozenset(_pairs(_LISTED))


def load(path: Path, sha256: str, candidates: Iterable[str] = ()) -> Any:
    """Read a model file. `candidates` are the dotted paths of the classes in params.yaml.

    Raises PipelineError when it is missing, when its digest is not `sha256`, when it asks for
    anything that is neither listed nor a candidate's, or when it cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise PipelineError(f"{path}: the model file is missing") from None
    actual = hashlib.sha256(data).hexdigest()
    if actual != sha256:
        raise PipelineError(
            f"{path}: refused, its SHA-256 {actual[:12]}… is not {sha256[:12]}…, the recorded one"
        )
    try:
        return _Unpickler(data, path, candidates).load()
    except PipelineError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise PipelineError(f"{path}: cannot be read as a model ({reason})") from error


class _Unpickler(pickle.Unpickler):
    """Finds only what is allowed, and imports no module to find out whether it is."""

    def __init__(self, data: bytes, path: Path, candidates: Iterable[str]) -> None:
        super().__init__(io.BytesIO(data))
        self._path = path
        self._candidates = set(candidates)
        self._known: dict[tuple[str, str], type] | None = None

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in ALLOWED:
            return self._defined(module, name)
        if self._known is None:
            self._known = {(c.__module__, c.__qualname__): c for c in self._candidate_classes()}
        known = self._known.get((module, name))
        if known is not None and "." not in name:
            return known
        parents = {parent for each in self._known.values() for parent in each.__mro__}
        packages = {parent.__module__.partition(".")[0] for parent in parents}
        if any((module, name) in _pairs(_LISTED_WITH.get(package, {})) for package in packages):
            return self._defined(module, name)
        own = {module.partition(".")[0] for module, _ in self._known} - set(_LISTED_WITH)
        if module.partition(".")[0] in own and (found := _estimator(module, name)):
            return found
        raise PipelineError(f"{self._path}: refused, it asks for {module}.{name}")

    def _defined(self, module: str, name: str) -> Any:
        try:
            return super().find_class(module, name)
        except (ImportError, AttributeError):
            raise PipelineError(
                f"{self._path}: asks for {module}.{name}, which the installed version of "
                f"{module.partition('.')[0]} does not have"
            ) from None

    def _candidate_classes(self) -> Iterator[type]:
        for dotted in sorted(self._candidates):
            try:
                yield class_at(dotted)
            except LookupError as why:
                raise PipelineError(
                    f"params.yaml: training.candidates: class = {dotted} {why}"
                ) from None


def _estimator(module: str, name: str) -> type | None:
    """An estimator that a candidate's package has loaded and that this very module defines."""
    from sklearn.base import BaseEstimator

    found = vars(sys.modules[module]).get(name) if module in sys.modules else None
    is_estimator = isinstance(found, type) and issubclass(found, BaseEstimator)
    return found if is_estimator and found.__module__ == module else None
