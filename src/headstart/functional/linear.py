"""Logistic regression of all strengths at once, along a warm path, and the axes that linear models are solved on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit, softmax

from headstart.functional.newton import Logistic, is_small, newton
from headstart.functional.reuse import reused

Array = np.ndarray


class Basis(NamedTuple):
    """Principal axes of standardised features: ``x' = (x - mean) / scale``, singular values, axes [d, r].

    ``rotated`` [n, r] are the rows on them. ``axes`` is None where `rotate` left them out.
    """

    mean: Array
    scale: Array
    singular: Array
    axes: Any
    rotated: Array

    def of_rows(self, numbers: Array) -> Basis:
        """Return some of the rows on the same axes, with singular values for so many rows."""
        share = np.sqrt(len(numbers) / len(self.rotated))
        return self._replace(rotated=self.rotated[numbers], singular=self.singular * share)


def principal(features: Any, *, standardise: bool = True) -> Basis:
    """Centre (and standardise) features [n, d] and rotate them to their r = min(n, d) principal axes.

    An L2 penalty is the same in the rotated space, where n samples of d > n features are only n numbers each.
    A constant feature keeps scale 1. Sparse features are never made dense where n < d.
    """
    basis = rotate(features, standardise)
    if basis.axes is not None:
        return basis
    return basis._replace(axes=_on_features(basis, features, basis.rotated / basis.singular) / basis.singular)


@reused
def rotate(features: Any, standardise: bool = True) -> Basis:
    """As `principal`, but without the axes where n < d: `unfold` can do with the features instead."""
    if sparse.issparse(features):
        return _rotate_sparse(features, standardise)
    features = np.asarray(features, dtype=np.float64)
    mean = features.mean(axis=0)
    spread = features.std(axis=0) if standardise else np.ones(features.shape[1])
    scale = np.where(spread > 1e-12 * np.maximum(1.0, np.abs(mean)), spread, 1.0)
    x = (features - mean) / scale
    n, d = x.shape
    singular, vectors = _turn(x @ x.T if n < d else x.T @ x)
    if n < d:
        return Basis(mean, scale, singular, None, vectors * singular)
    return Basis(mean, scale, singular, vectors, x @ vectors)


def _turn(squared: Array) -> tuple[Array, Array]:
    squares, vectors = np.linalg.eigh(squared)
    keep = squares > max(squares[-1], 1e-300) * 1e-13
    return np.sqrt(squares[keep]), vectors[:, keep]


def _rotate_sparse(features: Any, standardise: bool) -> Basis:
    """As `rotate`: the mean is taken out of the products, not of the rows."""
    features = sparse.csr_matrix(features, dtype=np.float64)
    n, d = features.shape
    if n >= d:
        return rotate(features.toarray(), standardise)
    mean = np.asarray(features.mean(axis=0)).ravel()
    spread = np.sqrt(np.maximum(np.asarray(features.multiply(features).mean(axis=0)).ravel() - mean**2, 0))
    scale = np.where(spread > 1e-12 * np.maximum(1.0, np.abs(mean)), spread, 1.0) if standardise else np.ones(d)
    rows = sparse.csr_matrix(features @ sparse.diags_array(1 / scale))
    gram = (rows @ rows.T).toarray()
    gram -= gram.mean(axis=0)[None] + gram.mean(axis=1)[:, None] - gram.mean()
    singular, vectors = _turn(gram)
    return Basis(mean, scale, singular, None, vectors * singular)


def _on_features(basis: Basis, features: Any, columns: Array) -> Array:
    """Return ``X' columns`` [d, k] of the standardised features X [n, d]."""
    if sparse.issparse(features):
        back = np.asarray(features.T @ columns) - np.outer(basis.mean, columns.sum(axis=0))
    else:
        back = (features - basis.mean).T @ columns
    return back / basis.scale[:, None]


def unfold(basis: Basis, weights: Array, intercept: Array, features: Any = None) -> tuple[Array, Array]:
    """Bring weights [r, k] on the rotated axes back to raw features: ``coef [k, d]`` and ``intercept [k]``.

    Parameters
    ----------
    features : those that the basis was made of, where it is without axes.
    """
    if basis.axes is None:
        coef = _on_features(basis, features, basis.rotated @ (weights / (basis.singular**2)[:, None])).T / basis.scale
    else:
        coef = (basis.axes @ weights).T / basis.scale
    return coef, intercept - coef @ basis.mean


class Link(NamedTuple):
    """What ties logits to probabilities: its name, and its summed loss with the slope."""

    name: str
    loss: Callable[[Array, Array], tuple[float, Array]]


Step = Callable[[float, tuple[Array, Array]], tuple[Array, Array]]
"""From a strength and a start, both weights [r, k] and intercept [k], to the solution."""


def logistic_path(
    basis: Basis,
    labels: Array,
    strengths: Array,
    *,
    link: str = "softmax",
    tolerance: float = 3e-4,
    weights: Array | None = None,
) -> list[tuple[Array, Array]]:
    """Solve ``min_{W, b} mean_i loss(x_i W + b, y_i) + s / 2 ||W||^2`` for every strength s.

    From the strongest to the weakest, each starting where those before lead, on the principal axes; by Newton's method
    where `is_small` says that it is the quicker, else by L-BFGS. Coordinates are scaled by
    ``1 / sqrt(c sigma_j^2 / n + s)`` with c the mean of p (1 - p) at the start, so that directions of large and of
    small variance converge alike. scikit-learn's C is ``1 / (n s)``.

    Parameters
    ----------
    basis : of n samples, r axes; L-BFGS takes products in float32 when tolerance >= 1e-5, else in float64.
    labels : [n, k], one-hot rows for "softmax", 0/1 for "sigmoid" (k problems of one class each).
    strengths : penalties per sample, any order.
    tolerance : the largest entry of the gradient, in scaled coordinates, at which a solution counts.
    weights : [n] of the samples, brought to mean 1; the loss is then ``mean_i weights_i loss_i``.

    Returns
    -------
    list of (weights [r, k], intercept [k]) in the order of ``strengths``. The intercept is not penalised.

    References
    ----------
    Friedman, Hastie and Tibshirani, "Regularization Paths for Generalized Linear Models via Coordinate Descent",
    Journal of Statistical Software 2010 (paths with warm starts).
    """
    solve = path_steps(basis, labels, link=link, tolerance=tolerance, weights=weights)
    found = {int(index): solve(float(strengths[index])) for index in np.argsort(strengths)[::-1]}
    return [found[index] for index in range(len(strengths))]


def path_steps(
    basis: Basis, labels: Array, *, link: str = "softmax", tolerance: float = 3e-4, weights: Array | None = None
) -> Callable[[float], tuple[Array, Array]]:
    """Return what solves `logistic_path`'s problem for one strength after another, from strong to weak.

    Each call starts where the solutions before lead.
    """
    n, k = labels.shape
    if link == "softmax" and k == 2:
        return _of_two(basis, labels, tolerance, weights)
    weights = None if weights is None else weights / weights.mean()
    current = np.zeros((len(basis.singular), k)), _prior(labels, link)
    solver = _small if is_small(n, (len(basis.singular) + 1) * k) else _large
    step = solver(basis, labels, link, tolerance, weights)

    moved: list[tuple[float, Array, Array]] = []

    def solve(strength: float) -> tuple[Array, Array]:
        nonlocal current
        weights, intercept = step(strength, _ahead(current, moved))
        change = weights - current[0], intercept - current[1]
        moved[:] = [*moved[-1:], (float(np.sqrt((change[0] ** 2).sum())), *change)]
        current = weights, intercept
        return current

    return solve


def _ahead(current: tuple[Array, Array], moved: list[tuple[float, Array, Array]]) -> tuple[Array, Array]:
    """Return where the path leads next if its last two moves, shrinking or alike, go on as they did."""
    if len(moved) < 2 or moved[1][0] > 1.5 * moved[0][0] or moved[0][0] == 0:
        return current
    share = min(1.0, moved[1][0] / moved[0][0])
    return current[0] + share * moved[1][1], current[1] + share * moved[1][2]


def _of_two(
    basis: Basis, labels: Array, tolerance: float, weights: Array | None
) -> Callable[[float], tuple[Array, Array]]:
    """Solve for the difference of two classes' logits: half the unknowns, at half the penalty.

    At the optimum the two columns are each other's negative, so that ``s / 2 ||W||^2`` is ``s / 4 ||w_2 - w_1||^2``.
    """
    solve_one = path_steps(basis, labels[:, 1:], link="sigmoid", tolerance=tolerance, weights=weights)
    half = np.array([-0.5, 0.5])

    def solve(strength: float) -> tuple[Array, Array]:
        column, intercept = solve_one(strength / 2)
        return column * half, intercept * half

    return solve


def _small(basis: Basis, labels: Array, link: str, tolerance: float, weights: Array | None) -> Step:
    n = len(labels)
    weights = np.ones(n) if weights is None else weights
    labels = np.asarray(labels, dtype=np.float64)

    def step(strength: float, start: tuple[Array, Array]) -> tuple[Array, Array]:
        scale = _scaling(basis.rotated, start, basis.singular, strength, link)
        x = np.column_stack([basis.rotated * scale, np.ones(n)])
        problem = Logistic(x, labels, weights, np.append(strength * scale**2, 0.0), link)
        v = newton(problem, np.vstack([start[0] / scale[:, None], start[1]]), tolerance)
        return v[:-1] * scale[:, None], v[-1]

    return step


def _large(basis: Basis, labels: Array, link: str, tolerance: float, weights: Array | None) -> Step:
    tie = Link("softmax", _softmax_loss) if link == "softmax" else Link("sigmoid", _sigmoid_loss)
    dtype = np.float32 if tolerance >= 1e-5 else np.float64
    rotated, labels = basis.rotated.astype(dtype), labels.astype(dtype)
    if weights is not None:
        tie = _weighted(tie, weights.astype(dtype))

    def step(strength: float, start: tuple[Array, Array]) -> tuple[Array, Array]:
        scale = _scaling(rotated, start, basis.singular, strength, link)
        return _solve(rotated * scale, labels, strength, start, scale, tie, tolerance)

    return step


def _prior(labels: Array, link: str) -> Array:
    """Intercepts of the classes' shares, the best start without features."""
    share = (labels.sum(axis=0, dtype=np.float64) + 0.5) / (len(labels) + 1)
    return np.log(share) - np.log(share).mean() if link == "softmax" else np.log(share) - np.log1p(-share)


def _scaling(rotated: Array, current: tuple[Array, Array], singular: Array, strength: float, link: str) -> Array:
    p = probabilities(rotated @ current[0].astype(rotated.dtype) + current[1].astype(rotated.dtype), link)
    curvature = float((p * (1 - p)).mean())
    return (1 / np.sqrt(curvature * singular**2 / len(rotated) + strength)).astype(rotated.dtype)


def _weighted(link: Link, weights: Array) -> Link:
    """Weigh each row's loss and slope. The losses come summed, so rows are scaled one by one."""
    scale = weights[:, None]

    def softmax_loss(logits: Array, labels: Array) -> tuple[float, Array]:
        logits = logits - logits.max(axis=1, keepdims=True)
        p = np.exp(logits)
        total = p.sum(axis=1, keepdims=True)
        value = (scale * (np.log(total) - (logits * labels).sum(axis=1, keepdims=True))).sum(dtype=np.float64)
        return float(value), scale * (p / total - labels)

    def sigmoid_loss(logits: Array, labels: Array) -> tuple[float, Array]:
        value = (scale * (np.logaddexp(0, logits) - logits * labels)).sum(dtype=np.float64)
        return float(value), scale * (expit(logits) - labels)

    return Link(link.name, softmax_loss if link.name == "softmax" else sigmoid_loss)


def _softmax_loss(logits: Array, labels: Array) -> tuple[float, Array]:
    logits -= logits.max(axis=1, keepdims=True)
    p = np.exp(logits)
    total = p.sum(axis=1, keepdims=True)
    value = float(np.log(total).sum(dtype=np.float64) - (logits * labels).sum(dtype=np.float64))
    p /= total
    p -= labels
    return value, p


def _sigmoid_loss(logits: Array, labels: Array) -> tuple[float, Array]:
    value = np.logaddexp(0, logits).sum(dtype=np.float64) - (logits * labels).sum(dtype=np.float64)
    return float(value), expit(logits) - labels


def _solve(
    x: Array,
    labels: Array,
    strength: float,
    start: tuple[Array, Array],
    scale: Array,
    link: Link,
    tolerance: float,
) -> tuple[Array, Array]:
    """Minimise from ``start`` in coordinates ``v = W / scale``; ``x`` [n, r] is already scaled."""
    n, k = labels.shape
    wide = scale.astype(np.float64)[:, None]

    def objective(flat: Array) -> tuple[float, Array]:
        v, b = flat[:-k].reshape(-1, k), flat[-k:]
        value, slope = link.loss(x @ v.astype(x.dtype) + b.astype(x.dtype), labels)
        shrunk = strength * wide**2 * v
        gradient = (x.T @ slope).astype(np.float64) / n + shrunk
        slopes = np.append(gradient.ravel(), slope.sum(axis=0, dtype=np.float64) / n)
        return value / n + 0.5 * float((v * shrunk).sum()), slopes

    flat = np.append((start[0] / wide).ravel(), start[1])
    options = {"maxiter": 500, "gtol": tolerance, "ftol": 0.0, "maxfun": 1000}
    flat = minimize(objective, flat, jac=True, method="L-BFGS-B", options=options).x
    return flat[:-k].reshape(-1, k) * wide, flat[-k:]


def probabilities(logits: Array, link: str) -> Array:
    """Turn logits [n, k] into probabilities by "softmax" or "sigmoid"."""
    return softmax(logits, axis=1) if link == "softmax" else expit(logits)
