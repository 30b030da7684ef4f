"""A model file is read only when it is what was stored, and can run nobody else's code."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from crafted_pickles import calling
from loan_book import FEATURES, fitted, training_frame
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from luigi_tasks.core import settings
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.models import artefacts, unpickling
from luigi_tasks.models.scoring import score
from luigi_tasks.models.store import candidate_classes, check_that_it_can_be_read


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def stored(data: bytes) -> Path:
    """A model file of these bytes."""
    path = Path("model.pkl")
    path.write_bytes(data)
    return path


# --- models that are meant to be read ---------------------------------------------------------

COMMON = (
    "calibration.CalibratedClassifierCV",
    "discriminant_analysis.LinearDiscriminantAnalysis",
    "dummy.DummyClassifier",
    "ensemble.AdaBoostClassifier",
    "ensemble.BaggingClassifier",
    "ensemble.ExtraTreesClassifier",
    "ensemble.GradientBoostingClassifier",
    "gaussian_process.GaussianProcessClassifier",
    "linear_model.LogisticRegressionCV",
    "naive_bayes.BernoulliNB",
    "naive_bayes.GaussianNB",
    "neighbors.KNeighborsClassifier",
    "neural_network.MLPClassifier",
    "semi_supervised.LabelSpreading",
    "tree.DecisionTreeClassifier",
    "tree.ExtraTreeClassifier",
)
SPECS: list[dict[str, Any]] = [
    *({"class": f"sklearn.{path}"} for path in COMMON),
    {"class": "sklearn.calibration.CalibratedClassifierCV", "method": "isotonic"},
    {"class": "sklearn.ensemble.GradientBoostingClassifier", "loss": "exponential"},
    {"class": "sklearn.ensemble.HistGradientBoostingClassifier", "early_stopping": True},
    {"class": "sklearn.linear_model.SGDClassifier", "loss": "log_loss", "average": True},
    {"class": "sklearn.linear_model.SGDClassifier", "loss": "modified_huber"},
    {"class": "sklearn.neighbors.KNeighborsClassifier", "algorithm": "ball_tree"},
    {"class": "sklearn.neighbors.KNeighborsClassifier", "algorithm": "kd_tree"},
    {"class": "sklearn.neural_network.MLPClassifier", "solver": "sgd", "early_stopping": True},
]


def assert_comes_back(spec: dict[str, Any], candidates: set[str]) -> None:
    frame = training_frame()
    model = fitted(frame, spec)
    path = Path("model.pkl")
    artefacts.dump(model, path)
    found = unpickling.load(path, sha256(path), candidates)
    assert (score(found, frame[FEATURES]) == score(model, frame[FEATURES])).all()


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_common_classifier_comes_back_as_it_was_stored(spec: dict[str, Any]) -> None:
    assert_comes_back(spec, set())


def test_the_candidates_of_params_yaml_come_back_as_they_were_stored(empty_project: Path) -> None:
    for spec in settings.params()["training.candidates"].values():
        if "class" in spec:
            assert_comes_back(spec, set())


@pytest.mark.parametrize("path", ["lightgbm.LGBMClassifier", "xgboost.XGBClassifier"])
def test_a_boosted_model_comes_back_while_it_is_a_candidate(path: str) -> None:
    pytest.importorskip(path.partition(".")[0])
    spec = {"class": path, "n_estimators": 5}
    assert_comes_back(spec, {path})
    with pytest.raises(PipelineError, match="refused, it asks for"):
        assert_comes_back(spec, set())


@pytest.mark.parametrize("kind", ["LGBMRegressor", "LGBMRanker"])
def test_another_class_of_the_library_of_a_candidate_is_refused(kind: str) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    path = stored(pickle.dumps(getattr(lightgbm, kind)()))
    with pytest.raises(PipelineError, match=rf"refused, it asks for lightgbm\.sklearn\.{kind}"):
        unpickling.load(path, sha256(path), {"lightgbm.LGBMClassifier"})


def test_a_class_of_ones_own_that_inherits_from_a_library_comes_back() -> None:
    pytest.importorskip("xgboost")
    path = "boosted_by_ourselves.OurBoosting"
    Path("boosted_by_ourselves.py").write_text(
        "import xgboost\nclass OurBoosting(xgboost.XGBClassifier): ...\n"
    )
    sys.path.insert(0, ".")
    try:
        assert_comes_back({"class": path, "n_estimators": 5}, {path})
    finally:
        sys.path.remove(".")


class Helper(BaseEstimator):
    """An estimator that a candidate of this module may hold."""


class OwnClassifier(ClassifierMixin, BaseEstimator):
    """A classifier that scikit-learn does not have."""

    def __init__(self, part: Any = None) -> None:
        self.part = part

    def fit(self, x: Any, y: Any) -> OwnClassifier:
        return self

    def predict_proba(self, x: Any) -> Any:
        return x


class NoEstimator:
    """A class beside a candidate that is no estimator."""


def no_class() -> None:
    """A function beside a candidate."""
    Path("intruded").touch()


OWN = f"{__name__}.OwnClassifier"


def test_the_class_of_a_candidate_and_the_estimators_of_its_package_are_allowed() -> None:
    path = stored(pickle.dumps(OwnClassifier(Helper())))
    found = unpickling.load(path, sha256(path), {OWN})
    assert isinstance(found, OwnClassifier)
    assert isinstance(found.part, Helper)


def test_a_class_that_is_no_longer_a_candidate_is_refused() -> None:
    path = stored(pickle.dumps(OwnClassifier()))
    with pytest.raises(PipelineError, match=rf"refused, it asks for {OWN}"):
        unpickling.load(path, sha256(path), {"sklearn.linear_model.LogisticRegression"})


@pytest.mark.parametrize("foreign", [NoEstimator, no_class, dt.date, BaseEstimator])
def test_what_is_no_estimator_of_a_candidates_package_is_refused(foreign: Any) -> None:
    path = stored(pickle.dumps(OwnClassifier(foreign)))
    with pytest.raises(PipelineError, match=rf"asks for {foreign.__module__}.{foreign.__name__}"):
        unpickling.load(path, sha256(path), {OWN})


def test_a_module_of_a_candidates_package_is_not_imported_to_be_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "lenders").mkdir()
    (tmp_path / "lenders" / "__init__.py").write_text(
        "class Model:\n    def fit(self): ...\n    def predict_proba(self): ...\n"
    )
    (tmp_path / "lenders" / "script.py").write_text("open('intruded', 'w')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    path = stored(calling("lenders.script", "Estimator"))
    with pytest.raises(PipelineError, match=r"refused, it asks for lenders\.script\.Estimator"):
        unpickling.load(path, sha256(path), {"lenders.Model"})
    assert not Path("intruded").exists()


# --- files that are not -----------------------------------------------------------------------


def test_an_altered_model_file_is_refused_before_it_is_read() -> None:
    path = Path("model.pkl")
    artefacts.dump(LogisticRegression(), path)
    recorded = sha256(path)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(PipelineError, match=r"model\.pkl: refused, its SHA-256"):
        unpickling.load(path, recorded)


def test_a_missing_model_file_is_named() -> None:
    with pytest.raises(PipelineError, match=r"gone\.pkl: the model file is missing"):
        unpickling.load(Path("gone.pkl"), "0" * 64)


@pytest.mark.parametrize("data", [b"", b"no pickle", b"\x80\x04N", b"\x80\x04\x82\x01."])
def test_a_file_that_is_no_pickle_is_refused_in_one_sentence(data: bytes) -> None:
    path = stored(data)
    with pytest.raises(PipelineError, match=r"model\.pkl: cannot be read as a model"):
        unpickling.load(path, sha256(path))


def test_a_class_that_the_installed_library_does_not_have_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = ("sklearn.ensemble._forest", "OldForest")
    monkeypatch.setattr(unpickling, "ALLOWED", unpickling.ALLOWED | {pair})
    path = stored(calling(*pair))
    with pytest.raises(PipelineError, match="the installed version of sklearn does not have"):
        unpickling.load(path, sha256(path))


TOUCH = "touch intruded"
CODE = "open('intruded', 'w')"
CALLS: list[tuple[Any, ...]] = [
    ("os", "system", TOUCH),
    ("posix", "system", TOUCH),
    ("nt", "system", TOUCH),
    ("os", "popen", TOUCH),
    ("os", "execv", "/usr/bin/touch", ["touch", "intruded"]),
    ("os", "_exit", 0),
    ("sys", "exit", 0),
    ("subprocess", "check_output", ["touch", "intruded"]),
    ("subprocess", "Popen", ["touch", "intruded"]),
    ("pty", "spawn", ["touch", "intruded"]),
    ("pathlib", "Path.touch", "intruded"),
    ("shutil", "rmtree", "."),
    ("builtins", "eval", CODE),
    ("builtins", "exec", CODE),
    ("builtins", "compile", CODE, "", "exec"),
    ("builtins", "getattr", "", "join"),
    ("builtins", "__import__", "antigravity"),
    ("builtins", "open", "intruded", "w"),
    ("builtins", "type", "Name", (), {}),
    ("builtins", "object.__subclasses__"),
    ("__builtin__", "eval", CODE),
    ("joblib.parallel", "os.system", TOUCH),
    ("joblib.memory", "os.system", TOUCH),
    ("joblib.memory", "Memory", "."),
    ("joblib._store_backends", "shutil.rmtree", "."),
    ("joblib", "load", "model.pkl"),
    ("joblib.numpy_pickle", "load", "model.pkl"),
    ("joblib.externals.cloudpickle.cloudpickle", "_make_function"),
    ("joblib.externals.cloudpickle", "loads", b"."),
    ("numpy", "load", "model.pkl", None, True),
    ("numpy", "save", "intruded", [1]),
    ("numpy", "ndarray.tofile", [1], "intruded"),
    ("numpy", "memmap", "intruded", "u1", "w+", 0, (1,)),
    ("numpy", "vectorize", CODE),
    ("numpy", "f2py.compile", CODE),
    ("numpy.f2py", "compile", CODE),
    ("numpy.f2py.crackfortran", "myeval", CODE),
    ("numpy.distutils.exec_command", "exec_command", TOUCH),
    ("numpy.testing._private.utils", "runstring", CODE, {}),
    ("numpy.lib._npyio_impl", "DataSource", "."),
    ("numpy.ctypeslib", "load_library", "intruder", "."),
    ("numpy._core.multiarray", "os.system", TOUCH),
    ("scipy._lib._testutils", "subprocess.run", ["touch", "intruded"]),
    ("scipy.io", "savemat", "intruded", {}),
    ("scipy._lib.uarray", "set_global_backend", CODE),
    ("scipy.special._basic", "np.f2py.compile", CODE),
    ("sklearn.utils", "Bunch"),
    ("sklearn.utils._testing", "run_python_script_in_subprocess", CODE),
    ("sklearn.utils._testing", "assert_run_python_script_without_output", CODE),
    ("sklearn.datasets", "load_svmlight_file", "model.pkl"),
    ("sklearn.datasets._base", "shutil.rmtree", "."),
    ("sklearn.ensemble._forest", "RandomForestClassifier.fit"),
    ("sklearn.preprocessing._function_transformer", "FunctionTransformer"),
    ("sklearn.linear_model", "LogisticRegression"),
    ("operator", "attrgetter", "system"),
    ("operator", "methodcaller", "system", TOUCH),
    ("functools", "partial", print),
    ("functools", "reduce", print, [1, 2]),
    ("itertools", "starmap", print, [[1]]),
    ("importlib", "import_module", "antigravity"),
    ("importlib._bootstrap", "_call_with_frames_removed", print),
    ("runpy", "run_path", "intruder.py"),
    ("code", "InteractiveInterpreter"),
    ("timeit", "timeit", CODE),
    ("cProfile", "run", CODE),
    ("pickle", "loads", pickle.dumps(1)),
    ("_pickle", "loads", pickle.dumps(1)),
    ("marshal", "loads", b"N"),
    ("codecs", "decode", b"00", "hex"),
    ("types", "FunctionType"),
    ("types", "CodeType"),
    ("ctypes", "CDLL", "libc.so.6"),
    ("copyreg", "_reconstructor", int, int, 0),
    ("copyreg", "__newobj__", int),
    ("webbrowser", "open", "http://127.0.0.1"),
    ("luigi_tasks.core.files", "flush", "."),
    ("luigi_tasks.models.estimators", "importlib.import_module", "antigravity"),
]
ATTACKS = {
    **{f"{module}:{name}": calling(module, name, *more) for module, name, *more in CALLS},
    "a name of protocol 0": b"cos\nsystem\n(V" + TOUCH.encode() + b"\ntR.",
    "an instance of protocol 0": b"(V" + TOUCH.encode() + b"\nios\nsystem\n.",
    "a dotted name of protocol 0": b"cnumpy\nf2py.compile\n(tR.",
    "an object of protocol 1": b"(cos\nsystem\nV" + TOUCH.encode() + b"\no.",
    "within a list": b"\x80\x04]" + calling("os", "system", TOUCH)[2:-1] + b"a.",
    "a state set by what is refused": b"\x80\x04cos\nsystem\nN}b.",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_an_attack_is_refused_before_anything_runs_even_with_the_right_digest(
    attack: bytes, empty_project: Path
) -> None:
    path, candidates = stored(attack), candidate_classes() | {OWN}
    here, loaded = sorted(Path().rglob("*")), set(sys.modules)
    with pytest.raises(PipelineError, match=r"model\.pkl: refused, it asks for "):
        unpickling.load(path, sha256(path), candidates)
    assert sorted(Path().rglob("*")) == here
    assert not {name.partition(".")[0] for name in set(sys.modules) - loaded} - {"sklearn"}


def test_what_is_allowed_are_classes_and_a_few_functions_that_make_empty_objects() -> None:
    functions = {
        f"{module}.{name}"
        for module, name in unpickling.ALLOWED
        if not isinstance(vars(importlib.import_module(module))[name], type)
    }
    assert functions == {
        "numpy._core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy._core.numeric._frombuffer",
        "numpy.random._pickle.__bit_generator_ctor",
        "numpy.random._pickle.__generator_ctor",
        "numpy.random._pickle.__randomstate_ctor",
        "numpy.random.bit_generator.__pyx_unpickle_SeedSequence",
        "sklearn.metrics._dist_metrics.newObj",
        "sklearn.neighbors._ball_tree.newObj",
        "sklearn.neighbors._kd_tree.newObj",
    }


def test_the_test_would_notice_an_attack_that_succeeds() -> None:
    pickle.loads(calling("joblib.parallel", "os.system", TOUCH))
    assert Path("intruded").exists()


def test_a_champion_that_could_not_be_read_again_is_not_published(empty_project: Path) -> None:
    model = stored(pickle.dumps(OwnClassifier(NoEstimator)))
    with pytest.raises(PipelineError, match=r"model\.pkl: refused, it asks for "):
        check_that_it_can_be_read(model)
