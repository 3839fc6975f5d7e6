"""The proportions of a mixture of known densities by maximum likelihood: a convex problem with a certificate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

Array = np.ndarray


class Mixture(NamedTuple):
    """Proportions [k] that sum to 1, the mean log-likelihood, and how far at most it is below the best one."""

    proportions: Array
    likelihood: float
    gap: float
    iterations: int


def mixture_proportions(
    densities: Array, *, start: Array | None = None, tolerance: float = 1e-6, max_iterations: int = 100
) -> Mixture:
    """Solve ``max_theta  mean_j log (densities theta)_j`` over proportions ``theta >= 0, sum theta = 1``.

    Sequential quadratic programming: each step minimises the second-order model of
    ``-mean log (P theta) + sum theta`` over ``theta >= 0`` (whose optimum sums to 1 by itself), by non-negative least
    squares, and goes as far along it as the likelihood rises. A step of expectation-maximisation comes before it, which
    lifts rows of almost no likelihood, where the model is poor. Since the problem is concave, the best likelihood is at
    most ``log max_l mean_j P_jl / (P theta)_j`` above that of theta (Lindsay): that is ``gap``, and the solver ends
    when it is below ``tolerance``.

    Parameters
    ----------
    densities : P [m, k], non-negative, no row of zeros. start : [k], positive; uniform when None.

    References
    ----------
    Kim, Carbonetto, Stephens and Anitescu, "A Fast Algorithm for Maximum Likelihood Estimation of Mixture Proportions
    Using Sequential Quadratic Programming", Journal of Computational and Graphical Statistics 2020.
    Lindsay, "The Geometry of Mixture Likelihoods", Annals of Statistics 1983.
    """
    m, k = densities.shape
    theta = np.full(k, 1 / k) if start is None else start / start.sum()
    fitted = densities @ theta
    gap, iteration = np.inf, 0
    for iteration in range(max_iterations + 1):
        scaled = densities / fitted[:, None]
        pull = scaled.mean(axis=0)
        gap = float(np.log(max(pull.max(), 1.0)))
        if gap <= tolerance or iteration == max_iterations:
            break
        theta, fitted = _expectation_step(densities, theta, pull)
        scaled = densities / fitted[:, None]
        value, pull = _loss(fitted, theta), scaled.mean(axis=0)
        hessian = scaled.T @ scaled / m
        move = _nonnegative_step(hessian, 2 * pull - 1) - theta
        slope, size, moved = float((1 - pull) @ move), 1.0, densities @ move
        while _loss(fitted + size * moved, theta + size * move) > value + 0.01 * size * slope and size > 1e-10:
            size /= 2
        theta = np.maximum(theta + size * move, 0)
        theta /= theta.sum()
        fitted = densities @ theta
    return Mixture(theta, float(np.log(fitted).mean()), gap, iteration)


def _expectation_step(densities: Array, theta: Array, pull: Array) -> tuple[Array, Array]:
    theta = theta * pull
    theta /= theta.sum()
    return theta, densities @ theta


def _loss(fitted: Array, theta: Array) -> float:
    if (fitted <= 0).any():
        return np.inf
    return float(-np.log(fitted).mean() + theta.sum())


def _nonnegative_step(hessian: Array, linear: Array) -> Array:
    """Solve ``min_{theta >= 0} 1/2 theta' H theta - linear' theta``; H gets a speck of ridge where it is singular."""
    k = len(hessian)
    speck = np.trace(hessian) / k * 1e-10
    root = np.linalg.cholesky(hessian + speck * np.eye(k)).T
    aim = np.linalg.solve(root.T, linear)
    return nnls(root, aim, maxiter=30 * k)[0]
