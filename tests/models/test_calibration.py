"""Calibrated scores are the probabilities that held-out loans had."""

from __future__ import annotations

import numpy as np
import pytest

from luigi_tasks.models.calibration import calibrated, fit_calibrator


def book(n: int = 4_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True probabilities, scores that are too low, and labels drawn with the former."""
    random = np.random.default_rng(3)
    odds = random.normal(-1, 1.5, n)
    true = 1 / (1 + np.exp(-odds))
    return true, 1 / (1 + np.exp(1 - 0.6 * odds)), (random.random(n) < true).astype(int)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_scores_that_are_too_low_become_probabilities(method: str) -> None:
    true, scores, labels = book()
    found = calibrated(fit_calibrator(method, scores, labels), scores)
    assert abs(scores - true).mean() > 0.1
    assert abs(found - true).mean() < 0.03
    assert found.mean() == pytest.approx(labels.mean(), abs=0.001)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_the_order_of_loans_stays(method: str) -> None:
    _, scores, labels = book()
    found = calibrated(fit_calibrator(method, scores, labels), np.sort(scores))
    assert (np.diff(found) >= 0).all()


def test_without_calibration_scores_stay_as_they_are() -> None:
    _, scores, labels = book()
    assert (calibrated(fit_calibrator("none", scores, labels), scores) == scores).all()


@pytest.mark.parametrize("method", ["none", "sigmoid", "isotonic"])
def test_certain_scores_stay_probabilities(method: str) -> None:
    _, scores, labels = book()
    found = calibrated(fit_calibrator(method, scores, labels), np.array([0.0, 1.0]))
    assert ((found >= 0) & (found <= 1)).all()
