"""LightGBM, XGBoost and CatBoost as candidates: the same model on every machine, and no chatter.

What they add up in histograms, they add up over threads: each fits on one thread, and its model
holds the same number of threads wherever it was fitted. LightGBM moreover measures at each fit
which of two layouts is faster, and their sums differ in the last digits: `deterministic` with
`force_row_wise` takes one of them. CatBoost gives every model a number of its own and the time at
which it was fitted: both are cleared (`cleared`). What else decides is the random state.

LightGBM and XGBoost take an argument of any name and go on without it when they do not know it.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Mapping
from typing import Any, NamedTuple


class Library(NamedTuple):
    """What a run decides for the classes of a library, whatever params.yaml says of it.

    `settled` are arguments by name, `synonyms` other names of theirs; `seeds` are the names under
    which a random state may be given.
    """

    settled: Mapping[str, Any]
    synonyms: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ("random_state",)


LIBRARIES = {
    "lightgbm": Library(
        {"n_jobs": 1, "verbosity": -1, "deterministic": True, "force_row_wise": True},
        ("num_threads", "num_thread", "nthread", "nthreads", "verbose", "force_col_wise"),
        ("random_state", "random_seed", "seed"),
    ),
    "xgboost": Library({"n_jobs": 1, "verbosity": 0}),
    "catboost": Library(
        {"thread_count": 1, "verbose": False, "allow_writing_files": False},
        ("logging_level", "silent", "verbose_eval"),
        ("random_state", "random_seed"),
    ),
}


_PLACE = re.compile(r"(\[\d\d:\d\d:\d\d\] )?\S+\.(h|cc|cpp):\d+: | at \S+\.cpp, line \d+ \.")


def library_of(made: type) -> str | None:
    """The library that a class is of, or that it inherits from; None of any other class."""
    packages = [each.__module__.partition(".")[0] for each in made.__mro__]
    return next((package for package in packages if package in LIBRARIES), None)


def completed(made: type, arguments: Mapping[str, Any], random_state: int) -> dict[str, Any]:
    """The arguments of a class of a library, with those that a run decides.

    Raises TypeError for one that the class does not have.
    """
    name = library_of(made)
    if name is None:
        return dict(arguments)
    library = LIBRARIES[name]
    known = _known(made)
    for argument in arguments:
        if argument not in known:
            near = difflib.get_close_matches(argument, sorted(known), n=1)
            hint = f"; is {near[0]} meant?" if near else ""
            raise TypeError(f"{made.__name__} has no argument {argument}{hint}")
    decided = {*library.settled, *library.synonyms}
    own = {key: value for key, value in arguments.items() if key not in decided}
    if not any(seed in own for seed in library.seeds):
        own["random_state"] = random_state
    return {**own, **library.settled}


def cleared(classifier: Any) -> None:
    """Take out of a fitted classifier what is another at every fit: CatBoost's number and time."""
    if library_of(type(classifier)) == "catboost":
        metadata = classifier.get_metadata()
        for key in ("model_guid", "train_finish_time"):
            if key in metadata:
                metadata[key] = ""


def sentence(error: Exception) -> str:
    """What a library says, in one line, without the places in its source, time and stack."""
    text = str(error).partition("Stack trace:")[0] or type(error).__name__
    return " ".join(_PLACE.sub("", text).split())


def _known(made: type) -> set[str]:
    """The arguments that a class names, or a parent that it hands the others on to."""
    names: set[str] = set()
    for each in made.__mro__:
        if "__init__" in vars(each):
            parameters = inspect.signature(each.__init__).parameters.values()  # type: ignore[misc]
            names |= {p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
            if not any(p.kind == p.VAR_KEYWORD for p in parameters):
                break
    if library_of(made) == "lightgbm":
        from lightgbm.basic import _ConfigAliases

        for main, others in _ConfigAliases._get_all_param_aliases().items():
            names |= {main, *others}
    return names - {"self"}
