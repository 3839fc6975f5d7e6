"""Mixed answers: the limits, the first guess, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.shallow.heads.mixing import Mix, mix


@pytest.mark.parametrize(("n", "share"), [(30, 0.3), (80, 0.4), (5, 0.1)])
@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_models_that_answer_alike_are_mixed_by_the_first_guess(n, share, kind):
    """g = n / (n + 20) / 2, on a grid of tenths: every share has one loss."""
    rng = np.random.default_rng(n)
    outputs = rng.normal(size=(n, 2))
    target = rng.integers(2, size=n) if kind == "classification" else rng.normal(size=(n, 2))
    assert mix(outputs, [outputs, outputs], target, kind).share == share


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_who_knows_answers_nearly_alone(kind):
    rng = np.random.default_rng(0)
    target = rng.integers(2, size=400) if kind == "classification" else rng.normal(size=(400, 2))
    truth = 2.0 * np.eye(2)[target] if kind == "classification" else target
    knows, noise = truth + 0.5 * rng.normal(size=(400, 2)), rng.normal(size=(400, 2))
    assert mix(noise, [knows, knows], target, kind).share >= 0.8
    assert mix(knows, [noise], target, kind).share <= 0.2


def test_values_are_averaged_in_inverse_proportion_to_their_variances():
    """Independent errors of variances 1 and 4 are mixed best by w = 1 / 5 (Bates and Granger 1969)."""
    rng = np.random.default_rng(0)
    target = rng.normal(size=(4000, 1))
    outputs = [target + spread * rng.normal(size=(4000, 1)) for spread in (1.0, 2.0)]
    assert mix(outputs[0], outputs[1:], target, "regression").share == pytest.approx(0.2)


def test_a_share_of_nothing_leaves_the_bits_and_logits_are_made_as_sure_as_they_are_right():
    outputs = np.random.default_rng(0).normal(size=(4, 3))
    assert Mix(0.0, (0.3, 1.0))(outputs, [outputs]) is outputs
    np.testing.assert_allclose(Mix(0.5, (2.0, 1.0, 3.0))(outputs, [outputs, 0 * outputs]), 1.25 * outputs)
    target = np.arange(40) % 2
    wrong = np.where(np.arange(40) < 30, target, 1 - target)  # sure of each row, and right of three in four
    assert mix(9.0 * np.eye(2)[wrong], [np.zeros((40, 2))], target, "classification").steepness[0] < 0.3
