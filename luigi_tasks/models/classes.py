"""The class of a candidate, by its dotted path in params.yaml."""

from __future__ import annotations

import importlib
import importlib.util

EXTRAS = ("catboost", "lightgbm", "xgboost")
"""Packages of candidates that an extra of that name in pyproject.toml installs."""


def class_at(dotted: str) -> type:
    """The class at a dotted path such as sklearn.linear_model.LogisticRegression.

    It is looked up and never called: a path may name anything. Raises LookupError when there is
    nothing at it, or nothing that is a class with `fit` and `predict_proba`.
    """
    module, _, name = dotted.rpartition(".")
    package = module.partition(".")[0]
    if package in EXTRAS and importlib.util.find_spec(package) is None:
        raise LookupError(f"needs {package}, which is not installed: pip install -e .[{package}]")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        raise LookupError("cannot be found") from None
    except (Exception, SystemExit) as error:  # the module runs when it is imported
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise LookupError(f"cannot be imported ({reason})") from error
    if not isinstance(found, type):
        raise LookupError("is no class")
    if not (hasattr(found, "fit") and hasattr(found, "predict_proba")):
        raise LookupError("is no classifier that gives probabilities")
    return found
