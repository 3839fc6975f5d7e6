"""Linear models against scikit-learn's."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge

from headstart.functional import linear
from headstart.functional.linear import logistic_path, principal, probabilities, rotate, unfold
from headstart.functional.newton import Logistic, newton
from headstart.functional.ridge import ridge_leave_one_out, ridge_path


def samples(n: int, d: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n + d)
    y = np.arange(n) % k
    return rng.standard_normal((n, d)) * rng.uniform(0.1, 5, d) + rng.standard_normal((k, d))[y] + 3, y


SHAPES = [(60, 8), (30, 50), (90, 40)]
"""With three classes the first two are Newton's, the last is left to L-BFGS."""


@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_principal_axes_rebuild_the_features(n: int, d: int) -> None:
    x, _ = samples(n, d, 3)
    basis = principal(x)
    np.testing.assert_allclose(basis.rotated @ basis.axes.T * basis.scale + basis.mean, x, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(basis.rotated, axis=0), basis.singular, rtol=1e-6)


@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize("standardise", [True, False])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_axes_that_are_not_written_down_unfold_alike(n: int, d: int, standardise: bool, form: Any) -> None:
    x, _ = samples(n, d, 3)
    lean, whole = rotate(form(x), standardise), principal(x, standardise=standardise)
    assert (lean.axes is None) == (n < d)
    weights, intercept = whole.rotated.T @ np.eye(n)[:, :2], np.array([1.0, -2.0])
    turned = weights if n >= d else lean.rotated.T @ np.eye(n)[:, :2]
    for found, wanted in zip(unfold(lean, turned, intercept, form(x)), unfold(whole, weights, intercept), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-7 * np.abs(wanted).max())


def test_some_rows_on_the_axes_of_all_are_the_same_problem() -> None:
    x, y = samples(30, 50, 3)
    train, strengths = np.arange(30) % 3 > 0, np.array([1.0, 0.1])
    whole, own = rotate(x, False), rotate(x[train], False)
    numbers = np.flatnonzero(train)
    np.testing.assert_allclose(own.rotated @ own.rotated.T, _centred_gram(whole.of_rows(numbers).rotated), atol=1e-8)
    given = {"strengths": strengths, "tolerance": 1e-9}
    paths = [logistic_path(basis, np.eye(3)[y[train]], **given) for basis in (whole.of_rows(numbers), own)]
    for (turned, b), solution in zip(*paths, strict=True):
        coef, intercept = unfold(own, *solution, x[train])
        np.testing.assert_allclose(
            probabilities(whole.rotated @ turned + b, "softmax"),
            probabilities(x @ coef.T + intercept, "softmax"),
            atol=1e-5,
        )


def _centred_gram(rows: np.ndarray) -> np.ndarray:
    rows = rows - rows.mean(axis=0)
    return rows @ rows.T


@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_ridge_is_scikit_learns(n: int, d: int) -> None:
    x, y = samples(n, d, 3)
    targets = np.stack([x[:, 0] + y, x[:, 1] ** 2], axis=1)
    basis, strengths = principal(x, standardise=False), np.array([1e-3, 0.1, 10.0])
    for s, weights in zip(strengths, ridge_path(basis, targets - targets.mean(0), strengths), strict=True):
        coef, intercept = unfold(basis, weights, targets.mean(0))
        model = Ridge(alpha=n * s).fit(x, targets)
        np.testing.assert_allclose(coef, model.coef_, atol=1e-6)
        np.testing.assert_allclose(intercept, model.intercept_, atol=1e-5)


def test_leave_one_out_is_leaving_one_out() -> None:
    x, y = samples(20, 4, 3)
    targets, s = y[:, None].astype(float), 0.05
    found = ridge_leave_one_out(principal(x, standardise=False), targets - targets.mean(0), np.array([s]))[0]
    for i in range(20):
        rest = np.arange(20) != i
        # The closed form keeps the penalty n s of all rows.
        model = Ridge(alpha=20 * s).fit(x[rest], targets[rest])
        np.testing.assert_allclose(found[i], (targets[i] - model.predict(x[i : i + 1]))[0], atol=1e-6)


@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_softmax_regression_is_scikit_learns(n: int, d: int) -> None:
    x, y = samples(n, d, 3)
    basis, strengths = principal(x), np.array([1.0, 1e-2, 1e-3])
    path = logistic_path(basis, np.eye(3)[y], strengths, tolerance=1e-7)
    standard = (x - basis.mean) / basis.scale
    for s, (weights, intercept) in zip(strengths, path, strict=True):
        model = LogisticRegression(C=1 / (n * s), tol=1e-9, max_iter=10_000).fit(standard, y)
        np.testing.assert_allclose((basis.axes @ weights).T, model.coef_, atol=2e-4)
        np.testing.assert_allclose(intercept - intercept.mean(), model.intercept_ - model.intercept_.mean(), atol=2e-3)


@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_sigmoid_regression_is_scikit_learns_one_by_one(n: int, d: int) -> None:
    x, y = samples(n, d, 3)
    labels = np.stack([y == 0, y < 2], axis=1).astype(float)
    basis, s = principal(x), 0.01
    weights, intercept = logistic_path(basis, labels, np.array([s]), link="sigmoid", tolerance=1e-7)[0]
    standard = (x - basis.mean) / basis.scale
    for column in range(2):
        model = LogisticRegression(C=1 / (n * s), tol=1e-9, max_iter=10_000).fit(standard, labels[:, column])
        np.testing.assert_allclose((basis.axes @ weights)[:, column], model.coef_[0], atol=2e-4)
        np.testing.assert_allclose(intercept[column], model.intercept_[0], atol=2e-3)


def test_the_quick_tolerance_predicts_as_the_tight_one() -> None:
    x, y = samples(120, 30, 4)
    basis, strengths = principal(x), np.logspace(0, -5, 6)
    quick = logistic_path(basis, np.eye(4)[y], strengths)
    tight = logistic_path(basis, np.eye(4)[y], strengths, tolerance=1e-7)
    for (w, b), (v, c) in zip(quick[:4], tight[:4], strict=True):
        same = (basis.rotated @ w + b).argmax(1) == (basis.rotated @ v + c).argmax(1)
        assert same.mean() > 0.98


def test_the_order_of_strengths_does_not_matter() -> None:
    x, y = samples(40, 5, 3)
    basis, strengths = principal(x), np.array([1e-2, 1.0, 1e-1])
    path = logistic_path(basis, np.eye(3)[y], strengths, tolerance=1e-7)
    norms = [np.linalg.norm(weights) for weights, _ in path]
    assert np.argsort(norms).tolist() == [1, 2, 0]


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
@pytest.mark.parametrize("weighted", [False, True])
def test_newton_and_lbfgs_find_the_same_models(monkeypatch: pytest.MonkeyPatch, link: str, weighted: bool) -> None:
    x, y = samples(50, 6, 3)
    weights = np.linspace(0.1, 4, 50) if weighted else None
    labels = np.eye(3)[y] if link == "softmax" else np.stack([y == 0, y < 2], axis=1).astype(float)
    basis, strengths = principal(x), np.array([1.0, 1e-2, 1e-4])
    found = []
    for small in (True, False):
        monkeypatch.setattr(linear, "is_small", lambda n, unknowns, small=small: small)
        found.append(logistic_path(basis, labels, strengths, link=link, tolerance=1e-8, weights=weights))
    for (w, b), (v, c) in zip(*found, strict=True):
        np.testing.assert_allclose(w, v, atol=1e-4 * np.abs(v).max())
        np.testing.assert_allclose(b - c, (b - c).mean() if link == "softmax" else 0, atol=1e-3)


@pytest.mark.parametrize("weighted", [False, True])
def test_two_classes_are_as_three_of_which_one_is_never_seen(weighted: bool) -> None:
    """Two classes are solved as one difference of logits; a third without rows leaves both as they are."""
    x, y = samples(50, 6, 2)
    weights = np.linspace(0.1, 4, 50) if weighted else None
    basis, strengths = principal(x), np.array([0.1, 1e-3])
    two, three = (logistic_path(basis, np.eye(k)[y], strengths, tolerance=1e-8, weights=weights) for k in (2, 3))
    for (w, b), (v, c) in zip(two, three, strict=True):
        gaps = basis.rotated @ (w[:, 1] - w[:, 0]) + b[1] - b[0]
        np.testing.assert_allclose(gaps, basis.rotated @ (v[:, 1] - v[:, 0]) + c[1] - c[0], atol=0.02)
        np.testing.assert_allclose(w.sum(axis=1), 0, atol=1e-12)


def test_newton_steps_back_where_a_whole_step_overshoots() -> None:
    """From 8 the curvature is 3e-4 of what it is at the solution, log 3: whole steps go further out each time."""
    labels = np.repeat([1.0, 1.0, 1.0, 0.0], 5)[:, None]
    problem = Logistic(np.ones((20, 1)), labels, np.ones(20), np.zeros(1), "sigmoid")
    assert newton(problem, np.array([[8.0]]), 1e-10)[0, 0] == pytest.approx(np.log(3))


def test_weaker_penalties_fit_the_rows_better() -> None:
    x, y = samples(25, 4, 2)
    basis, strengths = principal(x), np.logspace(0, -6, 10)
    path = logistic_path(basis, np.eye(2)[y], strengths)
    losses = [-np.log(probabilities(basis.rotated @ w + b, "softmax")[np.arange(25), y]).mean() for w, b in path]
    assert all(later <= before + 1e-4 for before, later in pairwise(losses))
