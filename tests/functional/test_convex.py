"""The convex solvers behind the reweightings, against slow direct ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax

from headstart.functional.box import Box, Program, least_linear, minimise, project
from headstart.functional.calibration import calibrate, calibration_error, confidences
from headstart.functional.landmarks import kernel_mean, landmark_features, landmark_turn
from headstart.functional.mixture import mixture_proportions
from headstart.functional.mmd import rbf
from headstart.functional.temperature import fit_steepness, held_out_steepness, sharpened

rng = np.random.default_rng(0)


def direct(objective, start: np.ndarray, box: Box) -> np.ndarray:
    """Solve by SciPy."""
    sums = [{"type": "ineq", "fun": lambda x: x.sum() - box.low}, {"type": "ineq", "fun": lambda x: box.high - x.sum()}]
    bounds = [(0, upper) for upper in box.upper]
    options = {"ftol": 1e-14, "maxiter": 1000}
    return minimize(objective, start, bounds=bounds, constraints=sums, method="SLSQP", options=options).x


@pytest.mark.parametrize("sums", [(3.0, 4.0), (0.0, 100.0), (7.5, 7.5), (0.0, 0.0)])
@pytest.mark.parametrize("stiffness", [0.0, 2.0])
def test_projection_is_the_nearest_point(sums: tuple[float, float], stiffness: float) -> None:
    box = Box(np.full(8, 1.0) + np.arange(8) / 10, *sums)
    for _ in range(5):
        x = rng.normal(size=8) * 2
        found = project(x, box, stiffness=stiffness, total=3.0)

        def distance(z: np.ndarray, x: np.ndarray = x) -> float:
            return float(((z - x) ** 2).sum() + stiffness * (z.sum() - 3.0) ** 2)

        wanted = direct(distance, np.full(8, sums[0] / 8), box)
        np.testing.assert_allclose(found, wanted, atol=2e-5)
        assert sums[0] - 1e-9 <= found.sum() <= sums[1] + 1e-9


def test_linear_minimum_over_the_box() -> None:
    box = Box(np.array([1.0, 2.0, 3.0]), 2.5, 4.0)
    assert least_linear(np.array([1.0, 2.0, 3.0]), box) == pytest.approx(1 + 1.5 * 2)
    assert least_linear(np.array([-1.0, 2.0, -3.0]), box) == pytest.approx(-9 - 1)


@pytest.mark.parametrize("common", [0.0, 5.0])
def test_quadratic_program_is_solved_and_its_gap_holds(common: float) -> None:
    root = rng.normal(size=(12, 6)) + np.sqrt(common)
    matrix, linear = root @ root.T, rng.normal(size=12) * 3
    box = Box(np.full(12, 2.0), 3.0, 5.0)
    mean = root.mean(axis=0)
    rest = np.linalg.eigvalsh((root - mean) @ (root - mean).T)[-1]
    bounds = (1.1 * rest, 11 * mean @ mean) if common else (np.linalg.eigvalsh(matrix)[-1], 0.0)
    program = Program(lambda x: matrix @ x, linear, *bounds)
    wanted = direct(lambda x: 0.5 * x @ matrix @ x - linear @ x, np.full(12, 0.3), box)
    least = 0.5 * wanted @ matrix @ wanted - linear @ wanted
    for tolerance in (0.1, 1e-9):
        found = minimise(program, box, np.full(12, 0.3), tolerance=tolerance)
        assert least - 1e-6 <= found.value <= least + found.gap + 1e-6
    assert found.value == pytest.approx(least, abs=1e-6)


def test_mixture_is_the_maximum_and_em_agrees() -> None:
    densities = rng.gamma(0.3, size=(60, 8)) + 1e-6
    found = mixture_proportions(densities)
    theta = np.full(8, 1 / 8)
    for _ in range(20000):
        theta = theta * (densities / (densities @ theta)[:, None]).mean(axis=0)
    assert found.gap <= 1e-6
    assert found.likelihood == pytest.approx(float(np.log(densities @ theta).mean()), abs=2e-6)
    assert found.proportions.sum() == pytest.approx(1)
    assert (found.proportions >= 0).all()


def test_mixture_whose_gap_is_stated_is_within_it() -> None:
    densities = rng.gamma(0.3, size=(60, 8)) + 1e-6
    best = mixture_proportions(densities, tolerance=1e-10).likelihood
    for iterations in range(4):
        rough = mixture_proportions(densities, max_iterations=iterations)
        assert rough.likelihood <= best + 1e-9 <= rough.likelihood + rough.gap + 2e-9


def test_mixture_recovers_from_a_corner_without_likelihood() -> None:
    densities = np.array([[1.0, 1e-12], [1e-12, 1.0], [1e-12, 1.0]])
    found = mixture_proportions(densities, start=np.array([1.0, 1e-9]))
    np.testing.assert_allclose(found.proportions, [1 / 3, 2 / 3], atol=1e-4)


def test_calibration_undoes_a_temperature_and_a_bias() -> None:
    n, true = 20000, rng.normal(size=(20000, 3)) * 1.5
    p = np.exp(true) / np.exp(true).sum(axis=1, keepdims=True)
    labels = (rng.random(n)[:, None] > p.cumsum(axis=1)).sum(axis=1)
    fitted = calibrate(4 * true + [1.0, 0.0, -2.0], labels)
    assert fitted.slope == pytest.approx(0.25, rel=0.05)
    given = fitted(4 * true + [1.0, 0.0, -2.0])
    np.testing.assert_allclose(given.mean(axis=0), np.bincount(labels) / n, atol=1e-4)
    assert np.abs(given - p).mean() < 0.01


def test_scores_that_say_nothing_give_the_shares() -> None:
    fitted = calibrate(np.zeros((10, 2)), np.array([0] * 7 + [1] * 3))
    np.testing.assert_allclose(fitted(np.zeros((1, 2))), [[0.7, 0.3]], atol=1e-4)


def test_calibration_is_the_minimum_of_the_loss_in_whatever_unit_scores_come() -> None:
    scores, labels = np.random.default_rng(5).normal(size=(40, 3)), np.random.default_rng(6).integers(0, 3, 40)
    scores[np.arange(40), labels] += 1.0

    def loss(slope: float, bias: np.ndarray) -> float:
        logits = slope * scores + bias
        return float(
            (np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(40), labels]).mean() + 1e-6 * (bias**2).sum()
        )

    fitted = calibrate(scores, labels)
    least = loss(*fitted)
    for step in (1e-2, -1e-2):
        assert loss(fitted.slope + step, fitted.bias) > least
        for k in range(3):
            assert loss(fitted.slope, fitted.bias + step * np.eye(3)[k]) > least
    for unit in (1e3, 1e-2):
        assert unit * calibrate(unit * scores, labels).slope == pytest.approx(fitted.slope, rel=1e-3)
    assert calibrate(-scores, labels).slope == 0
    p = np.exp(fitted.slope * scores[:2] + fitted.bias)
    np.testing.assert_allclose(fitted(scores[:2]), p / p.sum(axis=1, keepdims=True))


def test_the_error_of_calibration_is_its_formula() -> None:
    draw = np.random.default_rng(7)
    confidence = np.append(draw.random(200), [1.0, 0.0])
    correct = draw.random(202) < confidence**2
    for bins in (15, 4):
        wanted = 0.0
        for b in range(bins):
            within = (confidence >= b / bins) & ((confidence < (b + 1) / bins) | (b == bins - 1))
            if within.any():
                wanted += abs(correct[within].mean() - confidence[within].mean()) * within.sum() / 202
        assert calibration_error(confidence, correct, bins) == pytest.approx(wanted)
    assert calibration_error(confidence, correct) == calibration_error(confidence, correct, 15)
    values = np.array([[0.9, 0.1], [0.3, 0.7]])
    sure, right = confidences(values, np.array([0, 0]), "softmax")
    assert (sure.tolist(), right.tolist()) == ([0.9, 0.7], [True, False])
    sure, right = confidences(values, np.array([[1.0, 1.0], [0.0, 1.0]]), "sigmoid")
    assert (sure.tolist(), right.tolist()) == ([0.9, 0.9, 0.7, 0.7], [True, False, True, True])


def test_a_steepness_is_the_best_of_all_whatever_is_added_to_a_row() -> None:
    draw = np.random.default_rng(8)
    scores, labels = draw.normal(size=(50, 4)), draw.integers(0, 4, 50)
    scores[np.arange(50), labels] += 1.0
    grid = np.exp(np.linspace(-4, 4, 1601))
    losses = [-log_softmax(t * scores, axis=1)[np.arange(50), labels].mean() for t in grid]
    wanted = grid[np.argmin(losses)]
    assert fit_steepness(scores, labels) == pytest.approx(wanted, rel=0.01)
    assert fit_steepness(scores + 100 * draw.normal(size=(50, 1)), labels) == pytest.approx(wanted, rel=0.01)
    assert 50 * fit_steepness(50 * scores, labels) == pytest.approx(wanted, rel=0.01)
    assert np.isfinite(fit_steepness(np.ones((3, 2)), np.array([0, 1, 0])))
    held = sharpened(np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), 1.0, "softmax")
    guess = [50 * value + np.log(t) ** 2 / (2 * np.log(2) ** 2) for t, value in zip(grid, losses, strict=True)]
    assert held_out_steepness(held, labels, "softmax") == pytest.approx(grid[np.argmin(guess)], rel=0.01)
    sets = draw.random((30, 3))
    marks = (draw.random((30, 3)) < sets).astype(float)
    logits = np.log(sets) - np.log1p(-sets)
    guess = [
        np.where(marks > 0, np.log1p(np.exp(-t * logits)), np.log1p(np.exp(t * logits))).mean(axis=1).sum()
        + np.log(t) ** 2 / (2 * np.log(2) ** 2)
        for t in grid
    ]
    assert held_out_steepness(sets, marks, "sigmoid") == pytest.approx(grid[np.argmin(guess)], rel=0.01)
    np.testing.assert_allclose(sharpened(sets, 2.0, "sigmoid"), 1 / (1 + np.exp(-2 * logits)))


def test_landmarks_are_exact_where_every_row_is_one() -> None:
    rows, others = rng.normal(size=(15, 3)), rng.normal(size=(7, 3))
    turn = landmark_turn(rows, 1.5)
    features = landmark_features(rows, rows, turn, 1.5)
    np.testing.assert_allclose(features @ features.T, rbf(rows, rows, 1.5), atol=1e-6)
    mean = landmark_features(others, rows, turn, 1.5).mean(axis=0)
    np.testing.assert_allclose(kernel_mean(rows, others, 1.5) @ turn, mean, atol=1e-6)
    np.testing.assert_allclose(kernel_mean(rows, others, 1.5, block=3), rbf(rows, others, 1.5).mean(axis=1))
