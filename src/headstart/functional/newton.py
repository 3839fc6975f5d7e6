"""Newton's method for small logistic regressions, where one step costs less than the bookkeeping of L-BFGS."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit

Array = np.ndarray
MOST_UNKNOWNS = 128
MOST_NUMBERS = 32_000
"""Unknowns, and rows times unknowns, up to which Newton was the faster of the two (docs/time.md)."""
STEPS = 60
SHORTEST = 1e-8
ARMIJO = 1e-4
FLAT = 1e-10
"""Curvature that is added everywhere, so that a flat direction leaves the system solvable."""


def is_small(n: int, unknowns: int) -> bool:
    """Say whether n samples with so many weights and intercepts to find are few enough for `newton`."""
    return unknowns <= MOST_UNKNOWNS and n * unknowns <= MOST_NUMBERS


class Logistic(NamedTuple):
    """``f(V) = 1/n sum_i weights_i loss(x_i V, y_i) + 1/2 sum_j ridge_j ||V_j||^2`` over V [r, k].

    x [n, r] has a column of ones last, whose ridge is 0; labels [n, k]; link "softmax" or "sigmoid".
    """

    x: Array
    labels: Array
    weights: Array
    ridge: Array
    link: str

    def value(self, v: Array) -> tuple[float, Array]:
        """Return f and the probabilities [n, k]."""
        logits = self.x @ v
        if self.link == "softmax":
            logits -= logits.max(axis=1, keepdims=True)
            p = np.exp(logits)
            total = p.sum(axis=1, keepdims=True)
            p /= total
            losses = np.log(total)[:, 0] - (logits * self.labels).sum(axis=1)
        else:
            p = expit(logits)
            losses = (np.logaddexp(0, logits) - logits * self.labels).sum(axis=1)
        return float(losses @ self.weights) / len(p) + 0.5 * float(self.ridge @ (v * v).sum(axis=1)), p

    def gradient(self, v: Array, p: Array) -> Array:
        """Return f's gradient [r, k]."""
        slope = (p - self.labels) * self.weights[:, None]
        return self.x.T @ slope / len(p) + self.ridge[:, None] * v

    def direction(self, p: Array, gradient: Array) -> Array:
        """Return the Newton step [r, k] against the gradient."""
        if gradient.shape[1] == 1:
            return self._single(p[:, 0], gradient)
        n, (r, k) = len(p), gradient.shape
        each = np.arange(k)
        curved = p if self.link == "softmax" else p * (1 - p)
        spread = (self.x[:, :, None] * (curved * self.weights[:, None])[:, None, :]).reshape(n, r * k)
        hessian = np.zeros((r, k, r, k))
        hessian[:, each, :, each] = (self.x.T @ spread).reshape(r, r, k).transpose(2, 0, 1)
        hessian = hessian.reshape(r * k, r * k)
        if self.link == "softmax":
            hessian -= (self.x[:, :, None] * p[:, None, :]).reshape(n, r * k).T @ spread
            # the intercepts' sum changes no probability: some curvature there keeps it where it is
            hessian[-k:, -k:] += n / k
        hessian /= n
        hessian.flat[:: r * k + 1] += np.repeat(self.ridge, k) + FLAT
        return np.linalg.solve(hessian, gradient.ravel()).reshape(r, k)

    def _single(self, p: Array, gradient: Array) -> Array:
        """The same for one output, which two classes come down to: one weighted product."""
        hessian = self.x.T @ (self.x * (p * (1 - p) * self.weights / len(p))[:, None])
        hessian.flat[:: len(hessian) + 1] += self.ridge + FLAT
        return np.linalg.solve(hessian, gradient)


def newton(problem: Logistic, start: Array, tolerance: float) -> Array:
    """Minimise from ``start`` [r, k] by Newton steps, halved until f falls, up to a largest gradient of ``tolerance``.

    References
    ----------
    Nocedal and Wright, "Numerical Optimization", 2nd edition 2006, chapter 3 (Newton's method, backtracking).
    """
    v = start
    value, p = problem.value(v)
    for _ in range(STEPS):
        gradient = problem.gradient(v, p)
        if np.abs(gradient).max() <= tolerance:
            break
        step, length = problem.direction(p, gradient), 1.0
        fall = ARMIJO * float((gradient * step).sum())
        tried = v - step
        lower, p = problem.value(tried)
        while not lower <= value - length * fall + 1e-14 * abs(value) and length > SHORTEST:
            length /= 2
            tried = v - length * step
            lower, p = problem.value(tried)
        v, value = tried, lower
    return v
